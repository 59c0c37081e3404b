//! What readers get.

use compact_str::CompactString;
use map::{Map, Time};
use wire::edge::Coverage;

use super::Level;

/// The map at one time. It shares what did not change since with the writer's own.
#[derive(Debug)]
pub struct View {
    /// The map.
    pub map: Map,
    /// The name of its cluster; empty for the only one.
    pub cluster: CompactString,
    /// What each node said of itself last, by node.
    pub coverage: Vec<Coverage>,
    /// How much went between workloads.
    pub traffic: Vec<Level>,
    /// When.
    pub at: Time,
}
