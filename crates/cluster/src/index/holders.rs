//! Who held an address at a time.

use std::net::IpAddr;

use map::{PodUid, Time};

use super::{Holder, Index, Pod};
use crate::lease::{GRAIN, SKEW};

impl Index {
    /// Who held the address at that time. A wrong edge would stay for ever, so doubt is [`Holder::Ambiguous`].
    ///
    /// Without a UID the answer is as good as what the index knows of that time: see [`is_settled`](Self::is_settled).
    pub fn holder(&self, address: IpAddr, uid: Option<PodUid>, at: Time) -> Holder<'_> {
        if let Some(uid) = uid {
            return match self.pods.get(&uid) {
                Some(pod) if pod.host_network => Holder::HostNetwork(&pod.node),
                Some(pod) if pod.may_hold(address) && self.nearly(pod, address, at) => {
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
                let unsure = pod.lease.sure_until.is_some_and(|sure| at > sure);
                if at < pod.lease.start || ended || unsure {
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

    /// The lease's end: at the latest where another one on the same address firmly starts.
    fn end(&self, pod: &Pod, address: IpAddr) -> Option<Time> {
        let sharing = self.by_address.get(&address).map_or(&[][..], Vec::as_slice);
        if sharing.len() < 2 {
            return pod.lease.end;
        }
        let next = sharing
            .iter()
            .filter_map(|uid| self.pods.get(uid))
            .filter(|other| other.lease.firm && other.lease.start > pod.lease.start)
            .map(|other| other.lease.start)
            .min();
        match (pod.lease.end, next) {
            (Some(end), Some(next)) => Some(end.min(next)),
            (end, next) => end.or(next),
        }
    }
}

impl Pod {
    /// Whether this is one of its addresses, or none of them is known yet: the kubelet tells them a while after the
    /// pod has them.
    fn may_hold(&self, address: IpAddr) -> bool {
        self.addresses.is_empty() || self.addresses.contains(&address)
    }
}
