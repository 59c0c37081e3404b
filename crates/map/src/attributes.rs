//! What views want to know of a workload beyond its name.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use crate::{Time, Workload};

/// What a workload's pods and root owner say about it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Attributes {
    /// The labels of one of its pods.
    pub labels: BTreeMap<CompactString, CompactString>,
    /// The API group of the root owner's kind, such as `apps`; empty for the core group.
    pub api_group: CompactString,
    /// The API version of the root owner's kind, such as `v1`.
    pub api_version: CompactString,
    /// Whether an annotation on the pod gave the workload its name.
    pub by_annotation: bool,
}

/// Attributes as of a point in time. Ordered by time, then value: the greater one wins, which is a join.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Description {
    pub(crate) at: Time,
    pub(crate) attributes: Attributes,
}

/// Attributes by cluster and workload. Copies share what neither changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Workloads(BTreeMap<CompactString, Arc<Described>>);

type Described = BTreeMap<Workload, Arc<Description>>;

impl Workloads {
    pub(crate) const fn new() -> Self {
        Self(BTreeMap::new())
    }

    pub(crate) fn get(&self, cluster: &str, workload: &Workload) -> Option<&Attributes> {
        let description = self.0.get(cluster)?.get(workload)?;
        Some(&description.attributes)
    }

    pub(crate) fn at(&self, cluster: &str, workload: &Workload) -> Option<Time> {
        let description = self.0.get(cluster)?.get(workload)?;
        Some(description.at)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&CompactString, &Workload, &Description)> {
        let clusters = self.0.iter();
        clusters.flat_map(|(cluster, all)| {
            all.iter()
                .map(move |(workload, what)| (cluster, workload, &**what))
        })
    }

    /// Takes a description if it is the greater one and, for a new workload, if there are fewer than `room` in its
    /// cluster. Whether it was taken.
    pub(crate) fn describe(
        &mut self,
        cluster: &str,
        workload: &Workload,
        new: &Description,
        room: usize,
    ) -> bool {
        let all = match self.0.get_mut(cluster) {
            Some(all) => all,
            None => self.0.entry(cluster.into()).or_default(),
        };
        let taken = match all.get(workload) {
            Some(mine) => *new > **mine,
            None => all.len() < room,
        };
        if taken {
            Arc::make_mut(all).insert(workload.clone(), Arc::new(new.clone()));
        }
        taken
    }

    /// Takes the greater description of each workload.
    pub(crate) fn join(&mut self, other: &Self) {
        for (cluster, workload, description) in other.iter() {
            self.describe(cluster, workload, description, usize::MAX);
        }
    }

    /// Forgets the workloads of one cluster that are not among these, and returns them.
    pub(crate) fn retain(&mut self, cluster: &str, named: &BTreeSet<Workload>) -> Vec<Workload> {
        let mut gone = Vec::new();
        if let Some(all) = self.0.get_mut(cluster) {
            Arc::make_mut(all).retain(|workload, _| {
                let stays = named.contains(workload);
                if !stays {
                    gone.push(workload.clone());
                }
                stays
            });
            if all.is_empty() {
                self.0.remove(cluster);
            }
        }
        gone
    }
}
