//! The time during which one pod held one address.

use std::time::Duration;

use map::Time;

use crate::objects::{ContainerStatus, Object};

/// Times in objects are cut to whole seconds.
pub(crate) const GRAIN: Duration = Duration::from_secs(1);

/// How much the clocks of a node and of the control plane may differ.
pub(crate) const SKEW: Duration = Duration::from_secs(1);

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
    /// Where the pod vanished unseen: until then it was there for sure.
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
        // Of a pod that went without a word, only the time by which it was gone is known.
        let end = if finished {
            let last = all().filter_map(|run| run.finished_at).max();
            let by = match presence {
                Presence::Here => None,
                Presence::Gone => pod.metadata.deletion_timestamp,
                Presence::GoneBy(time) => Some(time),
            };
            last.or(by)
        } else {
            None
        };
        Self {
            start,
            firm: firm.is_some(),
            end,
            sure_until: None,
        }
    }

    /// Joins what two states of one pod tell.
    pub(crate) fn join(&mut self, other: Self) {
        match (self.firm, other.firm) {
            (true, false) => {}
            (false, true) => (self.start, self.firm) = (other.start, true),
            _ => self.start = self.start.min(other.start),
        }
        self.end = self.end.max(other.end);
    }
}
