//! Which pod of this node has which address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use map::{PodUid, Time};
use parking_lot::Mutex;

use super::node::{Member, Node};

/// The pod that has an address, and one process by which it can be seen that it still has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(crate) pod: PodUid,
    /// The namespace is at least as old as its oldest process.
    pub(crate) since: Time,
    pub(crate) inode: u64,
    pub(crate) witness: Member,
}

/// What is known of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    Owner(Owner),
    /// The node's own, or an address that several namespaces have: a pod may give itself any.
    Nobodys,
}

/// All addresses of this node's pods. Shared by the thread that finds them and the reporting.
#[derive(Clone, Debug, Default)]
pub(crate) struct Owners(Arc<Mutex<Arc<HashMap<IpAddr, Claim>>>>);

impl Owners {
    /// What is known from now on.
    pub(crate) fn replace(&self, owners: HashMap<IpAddr, Claim>) {
        *self.0.lock() = Arc::new(owners);
    }

    /// As it is now.
    pub(crate) fn snapshot(&self) -> Arc<HashMap<IpAddr, Claim>> {
        Arc::clone(&self.0.lock())
    }
}

/// The owners as they are now, each asked at most once whether it is still there.
#[derive(Debug)]
pub(crate) struct Holders<'n> {
    owners: Arc<HashMap<IpAddr, Claim>>,
    node: &'n mut Node,
    is_there: HashMap<IpAddr, bool>,
}

impl<'n> Holders<'n> {
    /// For what was seen before now.
    pub(crate) fn new(owners: Arc<HashMap<IpAddr, Claim>>, node: &'n mut Node) -> Self {
        Self {
            owners,
            node,
            is_there: HashMap::new(),
        }
    }

    /// What is known of an address.
    pub(crate) fn claim(&self, address: IpAddr) -> Option<Claim> {
        self.owners.get(&address).copied()
    }

    /// The pod that had the address since `first`, if it is certain: its namespace was there before, and is there now,
    /// which is later than whatever was seen. Nobody else can have had it in between.
    pub(crate) fn pod(&mut self, address: IpAddr, first: Time) -> Option<PodUid> {
        let Some(Claim::Owner(owner)) = self.claim(address) else {
            return None;
        };
        let node = &mut *self.node;
        let asked = self.is_there.entry(address);
        let is_there = *asked.or_insert_with(|| node.is_there(owner.witness, owner.inode));
        (is_there && owner.since <= first).then_some(owner.pod)
    }
}
