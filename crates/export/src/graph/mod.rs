//! What a picture shows: workloads in their namespaces, peers outside, and arrows between them.
//!
//! ```text
//! Map ─► peers (outside ones folded) ─► too many? namespaces instead ─► Graph ─► dot · mermaid · layout
//! ```

mod about;
mod build;
mod outside;

pub(crate) use about::{when, words_of};

use map::{Edge, EdgeKey};

/// How much of a map a picture shows one by one. Beyond either, namespaces stand for their workloads.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) nodes: usize,
    pub(crate) arrows: usize,
}

impl Limits {
    /// For forms that something else lays out.
    pub(crate) const NONE: Self = Self {
        nodes: usize::MAX,
        arrows: usize::MAX,
    };
}

/// Nodes in groups, and arrows. Nodes, groups and arrows are in the order of the map.
#[derive(Debug, Default)]
pub(crate) struct Graph<'m> {
    pub(crate) groups: Vec<Group>,
    pub(crate) nodes: Vec<Node>,
    pub(crate) arrows: Vec<Arrow<'m>>,
    /// What the picture leaves out, in words; empty when it shows all.
    pub(crate) note: String,
}

/// What stands together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Group {
    pub(crate) sort: GroupSort,
    /// The namespace, after the cluster where there are several; empty where no frame is drawn.
    pub(crate) title: String,
}

/// Where a group stands: callers from outside before all others, what is outside behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum GroupSort {
    Internet,
    Namespace,
    Outside,
}

/// A workload, a namespace that stands for its workloads, or a peer outside.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) group: usize,
    /// What is written.
    pub(crate) name: String,
    /// Behind the name, smaller: the short word for the kind, or how many it stands for.
    pub(crate) remark: String,
    /// `name.namespace`, and what more there is to say, for tooltips.
    pub(crate) about: String,
    pub(crate) is_workload: bool,
    /// Nothing but attempts leads to it or from it.
    pub(crate) is_only_tried: bool,
}

/// All that is known between two nodes, in one direction.
#[derive(Clone, Debug)]
pub(crate) struct Arrow<'m> {
    pub(crate) client: usize,
    pub(crate) server: usize,
    /// More than one where peers outside or namespaces are folded. The flag tells an attempt.
    pub(crate) edges: Vec<(&'m EdgeKey, &'m Edge, bool)>,
    pub(crate) sort: ArrowSort,
}

/// What is known of an arrow; the greatest that holds for one of its edges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ArrowSort {
    /// Refused or never answered.
    Attempt,
    /// The server is one of several, taken by name.
    Assumed,
    /// Connections.
    Plain,
    /// HTTP requests.
    Http,
    /// Kafka topics.
    Kafka,
}

impl ArrowSort {
    /// Every sort, in the order of a legend, with its words.
    pub const ALL: [(Self, &'static str); 5] = [
        (Self::Plain, "connection"),
        (Self::Http, "HTTP, paths known"),
        (Self::Kafka, "Kafka, topics known"),
        (Self::Assumed, "assumed: one of several"),
        (Self::Attempt, "attempt: refused or unanswered"),
    ];

    /// One word, for classes.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Attempt => "attempt",
            Self::Assumed => "assumed",
            Self::Plain => "plain",
            Self::Http => "http",
            Self::Kafka => "kafka",
        }
    }

    fn of(edge: &Edge, is_attempt: bool) -> Self {
        if is_attempt {
            Self::Attempt
        } else if !edge.topics().is_empty() {
            Self::Kafka
        } else if !edge.resources().is_empty() {
            Self::Http
        } else if edge.is_assumed() {
            Self::Assumed
        } else {
            Self::Plain
        }
    }
}
