//! The map as a file: JSON with a version, sorted, so that equal maps are equal files.
//!
//! ```text
//! { "version": 1,
//!   "floors":    [[cluster, time], …],
//!   "workloads": [[cluster, workload, { "at": time, "attributes": … }], …],
//!   "edges":     [[key, { "seen": …, "facets": [[facet, seen], …], "connections": [[reporter, n], …] }], …],
//!   "attempts":  (as edges) }
//!
//! seen: { "first": time, "last": time, "minutes": "0-3,7", "hours": "0" }
//! ```
//!
//! `minutes` and `hours` count active buckets back from the one that holds `last`: of five minutes, and of one hour.
//! `first` is missing where it is not known exactly.

use compact_str::CompactString;
use serde::ser::SerializeStruct;
use serde::{Deserialize, Serialize, Serializer};

use crate::attributes::Description;
use crate::{Edge, EdgeKey, Map, Time, Workload};

/// The version of the format that this program writes, and the newest that it reads.
pub const VERSION: u32 = 1;

/// The file is in a format that this program does not know: written by a newer one. Leave it as it is and use a
/// newer program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the map is in format {found}, but this program reads formats 1 to {VERSION}: use a newer program"
)]
pub struct UnknownVersion {
    /// The version in the file.
    pub found: u32,
}

#[derive(Deserialize)]
#[serde(try_from = "u32")]
struct Version;

impl TryFrom<u32> for Version {
    type Error = UnknownVersion;

    fn try_from(found: u32) -> Result<Self, UnknownVersion> {
        if (1..=VERSION).contains(&found) {
            Ok(Self)
        } else {
            Err(UnknownVersion { found })
        }
    }
}

/// The map as it is read. Edges that come twice are joined.
#[derive(Deserialize)]
pub(crate) struct MapFile {
    #[serde(rename = "version")]
    _version: Version,
    #[serde(default)]
    floors: Vec<(CompactString, Time)>,
    #[serde(default)]
    workloads: Vec<(CompactString, Workload, Description)>,
    #[serde(default)]
    edges: Vec<(EdgeKey, Edge)>,
    #[serde(default)]
    attempts: Vec<(EdgeKey, Edge)>,
}

impl From<MapFile> for Map {
    fn from(file: MapFile) -> Self {
        let MapFile {
            _version,
            floors,
            workloads,
            edges,
            attempts,
        } = file;
        let mut map = Self::new();
        for (cluster, floor) in floors {
            map.raise_floor(&cluster, floor);
        }
        for (cluster, workload, description) in workloads {
            map.workloads
                .describe(&cluster, &workload, &description, usize::MAX);
        }
        for (key, edge) in edges {
            map.join_edge(key, edge);
        }
        for (key, edge) in attempts {
            map.join_attempt(key, edge);
        }
        map
    }
}

impl Serialize for Map {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut file = serializer.serialize_struct("Map", 5)?;
        file.serialize_field("version", &VERSION)?;
        file.serialize_field("floors", &List(|| self.floors.iter()))?;
        file.serialize_field("workloads", &List(|| self.workloads.iter()))?;
        file.serialize_field("edges", &List(|| self.edges.iter()))?;
        file.serialize_field("attempts", &List(|| self.attempts.iter()))?;
        file.end()
    }
}

/// Writes what an iterator gives as a list, without a copy.
struct List<F>(F);

impl<F: Fn() -> I, I: Iterator<Item: Serialize>> Serialize for List<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq((self.0)())
    }
}
