//! What the map may hold.

use std::collections::HashMap;

use crate::scene::At;

/// Client and server, by the numbers of their workloads.
pub(crate) type Ends = (usize, usize);

/// What an observation truly stands for. Its number is the name of the reporter, so that the map tells of each edge
/// which observations it was made from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Label {
    /// The edges that it may become; none for a lie.
    pub(crate) allowed: Vec<Ends>,
    /// It went through a Service before several workloads, so that an edge may be assumed.
    pub(crate) shared: bool,
    /// Two servers had the address in turn, and both were called: whatever it becomes has a wrong time.
    pub(crate) mixed: bool,
    /// A pod that is said to have had this address: no lie, if it really came to have it.
    pub(crate) lie: Option<(usize, std::net::Ipv4Addr)>,
}

impl Label {
    pub(crate) fn of(ends: Ends) -> Self {
        Self {
            allowed: vec![ends],
            shared: false,
            mixed: false,
            lie: None,
        }
    }

    pub(crate) fn lie() -> Self {
        Self {
            allowed: Vec::new(),
            ..Self::of((0, 0))
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Truth {
    labels: Vec<Label>,
    numbers: HashMap<Label, usize>,
    /// First and last time of each edge, by the clocks of those who reported it.
    pub(crate) spans: HashMap<Ends, (At, At)>,
}

impl Truth {
    pub(crate) fn label(&mut self, label: Label) -> usize {
        let next = self.labels.len();
        let number = *self.numbers.entry(label.clone()).or_insert(next);
        if number == next {
            self.labels.push(label);
        }
        number
    }

    pub(crate) fn get(&self, number: usize) -> &Label {
        &self.labels[number]
    }

    /// The edge was truly seen.
    pub(crate) fn saw(&mut self, ends: Ends, first: At, last: At) {
        let span = self.spans.entry(ends).or_insert((first, last));
        *span = (span.0.min(first), span.1.max(last));
    }
}
