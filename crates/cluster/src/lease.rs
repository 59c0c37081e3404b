//! The time during which one pod held one address.

use std::time::Duration;

use map::Time;

use crate::objects::{ContainerStatus, Object};

/// Times in objects are cut to whole seconds.
pub(crate) const GRAIN: Duration = Duration::from_secs(1);

/// How much the clocks of a node and of the control plane may differ.
pub(crate) const SKEW: Duration = Duration::from_secs(1);

/// How much the clocks of two nodes may differ: who was called is reported by another node than the server's.
pub(crate) const CLOCKS: Duration = Duration::from_secs(2);

/// Whether an object is still in the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    /// It is.
    Here,
    /// It was deleted; nobody told when.
    Gone,
    /// It was seen to be deleted at this time.
    GoneBy(Time),
}

/// When a pod held its addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lease {
    pub(crate) start: Time,
    /// Whether the start is the sandbox's or a container's, not only the pod's.
    pub(crate) firm: bool,
    pub(crate) end: Option<Time>,
    /// Where nobody told when its containers ended: until then it was there for sure. The end is only the time by which
    /// it was gone, if that is known.
    pub(crate) sure_until: Option<Time>,
}

impl Lease {
    /// From a pod's state. The earlier of the sandbox condition and the first container start counts: the condition
    /// is written at the next status update, up to a second or two after the containers run.
    ///
    /// A pod is gone once it was deleted.
    pub(crate) fn of(pod: &Object, presence: Presence) -> Self {
        let containers = || {
            pod.status
                .container_statuses
                .iter()
                .chain(&pod.status.init_container_statuses)
                .chain(&pod.status.ephemeral_container_statuses)
        };
        let runs = |status: &ContainerStatus| {
            [&status.state, &status.last_state]
                .map(|state| [state.running.clone(), state.terminated.clone()])
        };
        let all = || containers().flat_map(runs).flatten().flatten();
        let sandbox = pod.status.conditions.iter().find(|condition| {
            condition.kind == "PodReadyToStartContainers" && condition.status == "True"
        });
        let firm = all()
            .filter_map(|run| run.started_at)
            .chain(sandbox.and_then(|c| c.last_transition_time))
            .min();
        let start = firm
            .or(pod.status.start_time)
            .or(pod.metadata.creation_timestamp)
            .unwrap_or(Time::MAX);
        let finished = matches!(pod.status.phase.as_str(), "Succeeded" | "Failed")
            || presence != Presence::Here;
        // Containers that ended before, such as those that prepared the others, say nothing while another runs.
        let runs_still = containers().any(|status| status.state.running.is_some());
        let last = all().filter_map(|run| run.finished_at).max();
        let (end, sure_until) = match (presence, last.filter(|_| !runs_still)) {
            _ if !finished => (None, None),
            (_, Some(last)) => (Some(last), None),
            // Of a pod that went without a word, only the time by which it was gone is known.
            (Presence::GoneBy(time), None) => (Some(time), Some(start)),
            (Presence::Gone, None) => (pod.metadata.deletion_timestamp, None),
            (Presence::Here, None) => (None, Some(start)),
        };
        Self {
            start,
            firm: firm.is_some(),
            end,
            sure_until,
        }
    }

    /// Joins what two states of one pod tell.
    pub(crate) fn join(&mut self, other: Self) {
        match (self.firm, other.firm) {
            (true, false) => {}
            (false, true) => (self.start, self.firm) = (other.start, true),
            _ => self.start = self.start.min(other.start),
        }
        (self.end, self.sure_until) = match (self.is_told(), other.is_told()) {
            (true, false) => return,
            (false, true) => (other.end, None),
            _ => (
                self.end.max(other.end),
                self.sure_until.or(other.sure_until),
            ),
        };
    }

    /// Whether somebody told when the containers ended.
    const fn is_told(&self) -> bool {
        self.end.is_some() && self.sure_until.is_none()
    }
}
