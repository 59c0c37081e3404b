//! Pure rules: who is behind an address or a name, at a time, in this cluster.

mod destination;
mod doubt;
mod source;

use std::net::IpAddr;

use cluster::{Holder, Index};
use map::{Observation, Time};

pub(crate) use destination::{Place, Server, name, place};
pub(crate) use doubt::{Doubt, Wait};
pub(crate) use source::{Client, client, identified};

/// When it was seen: an observation may stand for several sightings, and addresses pass on between them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct When {
    pub(crate) first: Time,
    pub(crate) last: Time,
}

impl When {
    pub(crate) const fn of(observation: &Observation) -> Self {
        Self {
            first: observation.first_seen,
            last: observation.last_seen,
        }
    }
}

/// Who held an address all the time. Two different holders are nobody for sure.
fn holder(index: &Index, address: IpAddr, when: When) -> Holder<'_> {
    let last = index.holder(address, None, when.last);
    let Holder::Pod(pod) = last else { return last };
    if when.first == when.last {
        return last;
    }
    match index.holder(address, None, when.first) {
        Holder::Pod(first) if std::ptr::eq(first, pod) => last,
        _ => Holder::Ambiguous,
    }
}
