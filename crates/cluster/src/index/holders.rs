//! Who held an address at a time.

use std::net::IpAddr;

use map::{PodUid, Time};

use super::{Holder, Index, Pod, STATUS_DELAY};
use crate::lease::{CLOCKS, GRAIN, SKEW};
use crate::services::Service;

impl Index {
    /// Who held the address at that time. A wrong edge would stay for ever, so doubt is [`Holder::Ambiguous`].
    ///
    /// Without a UID the answer is as good as what the index knows of that time: see [`is_settled`](Self::is_settled).
    pub fn holder(&self, address: IpAddr, uid: Option<PodUid>, at: Time) -> Holder<'_> {
        if let Some(uid) = uid {
            return match self.pods.get(&uid) {
                Some(pod) if pod.host_network => Holder::HostNetwork(&pod.node),
                Some(pod) if self.may_hold(pod, address) && self.named(pod, address, at) => {
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
            (Some(pod), None) if self.surely(pod, address, at) => Holder::Pod(pod),
            _ => Holder::Ambiguous,
        }
    }

    /// The pod on its node's network whose process used this address, as a sniffer that sees processes has named it. A node
    /// uses more addresses than its object tells, such as that of a bridge, but never another node's or a pod's.
    pub fn on_host_network(&self, address: IpAddr, uid: PodUid, at: Time) -> Option<&Pod> {
        let pod = self.pods.get(&uid).filter(|pod| pod.host_network)?;
        let is_its_nodes = match self.node_of(address) {
            Some(node) => node == pod.node,
            None => !self.by_address.contains_key(&address),
        };
        (is_its_nodes && self.named(pod, address, at)).then_some(pod)
    }

    /// The pods that stand behind a Service, and those that did, as long as they are remembered. Endpoints are told at
    /// another pace than pods: who is behind it at a time may be missing, the others at that time may not be all.
    pub fn ever_behind<'i>(&'i self, service: &Service) -> impl Iterator<Item = &'i Pod> {
        let endpoints = service.endpoints();
        endpoints.filter_map(|(_, uid)| self.pods.get(&uid?))
    }

    /// Within the lease, widened by what clocks and whole seconds leave open.
    pub(super) fn nearly(&self, pod: &Pod, address: IpAddr, at: Time) -> bool {
        let clocks = if self.live.is_on() { CLOCKS } else { SKEW };
        let end = self.end(pod, address);
        at >= pod.lease.start.minus(clocks) && end.is_none_or(|end| at <= end.plus(GRAIN + clocks))
    }

    /// Within the lease, whatever clocks and whole seconds leave open.
    ///
    /// In a live cluster, another pod may have had the address just before or after that nobody ever tells of: it came
    /// and went while the watch was broken, or it was deleted before its kubelet told its address. Snapshots are kinder:
    /// who reads them wants to see the first call of a pod too.
    fn surely(&self, pod: &Pod, address: IpAddr, at: Time) -> bool {
        let (start, end) = (pod.lease.start, self.end(pod, address));
        let sure = pod.lease.sure_until;
        if self.live.is_on() {
            // Until its containers start, a pod may still wait for its address.
            pod.lease.firm
                && at >= start.plus(GRAIN + CLOCKS)
                && end.is_none_or(|end| at <= end.minus(CLOCKS))
                && sure.is_none_or(|sure| at <= sure.minus(STATUS_DELAY + SKEW))
        } else {
            at >= start
                && end.is_none_or(|end| at <= end.plus(GRAIN))
                && sure.is_none_or(|sure| at <= sure)
        }
    }

    /// Within the lease by the clock of the pod's own node, which knew its UID. A pod that was deleted by force may run
    /// on for a while.
    fn named(&self, pod: &Pod, address: IpAddr, at: Time) -> bool {
        let told = pod.lease.end.filter(|_| pod.lease.sure_until.is_none());
        let until = earlier(told, self.next_start(pod, address));
        at >= pod.lease.start.minus(SKEW) && until.is_none_or(|end| at <= end.plus(GRAIN + SKEW))
    }

    /// Whether this is one of its addresses. The kubelet tells them a while after the pod has them: until then, a live
    /// index does not know, and one of snapshots never will.
    fn may_hold(&self, pod: &Pod, address: IpAddr) -> bool {
        pod.addresses.contains(&address) || pod.addresses.is_empty() && !self.live.is_on()
    }

    /// The lease's end: at the latest where another one on the same address firmly starts.
    fn end(&self, pod: &Pod, address: IpAddr) -> Option<Time> {
        earlier(pod.lease.end, self.next_start(pod, address))
    }

    /// Where another lease on the same address firmly starts.
    fn next_start(&self, pod: &Pod, address: IpAddr) -> Option<Time> {
        let sharing = self.by_address.get(&address).map_or(&[][..], Vec::as_slice);
        if sharing.len() < 2 {
            return None;
        }
        let others = sharing.iter().filter_map(|uid| self.pods.get(uid));
        others
            .filter(|other| other.lease.firm && other.lease.start > pod.lease.start)
            .map(|other| other.lease.start)
            .min()
    }
}

fn earlier(a: Option<Time>, b: Option<Time>) -> Option<Time> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}
