//! Who held an address at a time.

use std::net::IpAddr;

use map::{PodUid, Time};

use super::{Holder, Index, Pod};
use crate::lease::{GRAIN, SKEW};

impl Index {
    /// Who held the address at that time. A wrong edge would stay for ever, so doubt is [`Holder::Ambiguous`].
    pub fn holder(&self, address: IpAddr, uid: Option<PodUid>, at: Time) -> Holder<'_> {
        if let Some(uid) = uid {
            return match self.pods.get(&uid) {
                Some(pod) if pod.host_network => Holder::HostNetwork(&pod.node),
                Some(pod) if pod.addresses.contains(&address) && self.nearly(pod, address, at) => {
                    Holder::Pod(pod)
                }
                _ => Holder::Unknown,
            };
        }
        let candidates = self.by_address.get(&address).into_iter().flatten();
        let mut near = candidates
            .filter_map(|uid| self.pods.get(uid))
            .filter(|pod| self.nearly(pod, address, at));
        match (near.next(), near.next()) {
            (None, _) => self
                .node_of(address)
                .map_or(Holder::Unknown, Holder::HostNetwork),
            (Some(pod), None) => {
                let ended = self
                    .end(pod, address)
                    .is_some_and(|end| at > end.plus(GRAIN));
                if at < pod.lease.start || ended {
                    Holder::Ambiguous
                } else {
                    Holder::Pod(pod)
                }
            }
            _ => Holder::Ambiguous,
        }
    }

    /// Within the lease, widened by what clocks and whole seconds leave open.
    pub(super) fn nearly(&self, pod: &Pod, address: IpAddr, at: Time) -> bool {
        let after = self
            .end(pod, address)
            .is_none_or(|end| at <= end.plus(GRAIN + SKEW));
        at >= pod.lease.start.minus(SKEW) && after
    }

    /// The lease's end; an open lease ends where a later one on the same address firmly starts.
    fn end(&self, pod: &Pod, address: IpAddr) -> Option<Time> {
        pod.lease.end.or_else(|| {
            let others = self
                .by_address
                .get(&address)?
                .iter()
                .filter_map(|uid| self.pods.get(uid));
            others
                .filter(|other| other.lease.firm)
                .map(|other| other.lease.start)
                .filter(|s| *s > pod.lease.start)
                .min()
        })
    }
}
