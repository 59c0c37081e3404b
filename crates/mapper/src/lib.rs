//! Observations and the cluster become the map.
