//! The live cluster: lists and watches on the Kubernetes API become updates of the index.
