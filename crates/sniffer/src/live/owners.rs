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

/// The pod that had the address from `first` until `last`, if it is certain: its namespace was there before, and is there
/// now, which is later. Nobody else can have had it in between.
pub(crate) fn holder(
    owners: &HashMap<IpAddr, Claim>,
    node: &mut Node,
    address: IpAddr,
    first: Time,
) -> Option<PodUid> {
    let Some(Claim::Owner(owner)) = owners.get(&address) else {
        return None;
    };
    (owner.since <= first && node.is_there(owner.witness, owner.inode)).then_some(owner.pod)
}
