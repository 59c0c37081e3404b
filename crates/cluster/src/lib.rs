//! The only crate that knows Kubernetes types: documents, owners, leases, identity.
