//! What is new in the map since somebody last asked.

use std::collections::BTreeMap;

use map::{Change, EdgeKey};

use crate::limits::MAX_NEWS;

/// Edges that are new or know something new: each once, however much is new of it, and at most [`MAX_NEWS`].
#[derive(Debug, Default)]
pub struct News {
    /// By edge: [`Change::NewEdge`] or [`Change::NewFacet`].
    pub changes: BTreeMap<EdgeKey, Change>,
    /// Changes that found no room.
    pub missed: u64,
}

impl News {
    pub(crate) fn add(&mut self, key: EdgeKey, change: Change) {
        if let Some(before) = self.changes.get_mut(&key) {
            // A new edge stays new, whatever comes to it.
            *before = change.min(*before);
        } else if self.changes.len() < MAX_NEWS {
            self.changes.insert(key, change);
        } else {
            self.missed += 1;
        }
    }
}
