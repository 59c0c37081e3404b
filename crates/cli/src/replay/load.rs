//! The cluster: snapshots and pod events into an index.

use std::collections::BTreeMap;

use cluster::document::{self, Summary};
use cluster::{Index, Settings};

use super::frames::Input;
use super::summary::Problem;
use crate::failure::{Failure, shown};

/// How to get a file for `--cluster`.
pub(super) const CLUSTER_REMEDY: &str = "save it with `kubectl get namespaces,nodes,pods,services,endpointslices,deployments,\
                      replicasets,daemonsets,statefulsets,jobs,cronjobs -A -o json`";

/// How to get a file for `--pod-events`.
pub(super) const POD_EVENTS_REMEDY: &str = "record it with `kubectl get pods -A -w --output-watch-events -o json` while the \
                                            capture runs";

/// How many single objects are named before the rest is only counted.
const MAX_NAMED: usize = 3;

/// Objects read, by kind.
pub(crate) type Kinds = BTreeMap<String, u64>;

pub(crate) fn index(cluster_domain: &str) -> Index {
    Index::new(Settings {
        cluster_domain: cluster_domain.into(),
        ..Settings::default()
    })
}

/// Reads one file of documents. What cannot be read in it is told, and loses nothing else.
pub(crate) fn documents(
    index: &mut Index,
    input: &mut Input<'_>,
    problems: &mut Vec<Problem>,
) -> Result<Kinds, Failure> {
    let name = input.name.clone();
    let summary: Summary = document::read(&mut input.reader, &mut |event| index.apply(event));
    if summary.objects.is_empty() {
        let what = summary.error.map_or_else(
            || "holds no Kubernetes objects".to_owned(),
            |error| first_line(&error),
        );
        return Err(Failure::input(&name, what));
    }
    if let Some(error) = summary.error {
        problems.push(Problem::new(format!(
            "{}: {}; what came before counts",
            shown(&name),
            first_line(&error)
        )));
    }
    for bad in summary.bad.iter().take(MAX_NAMED) {
        problems.push(Problem::new(format!(
            "{}: {bad}; the other objects count",
            shown(&name)
        )));
    }
    Ok(summary.objects)
}

/// The parsers' own words show the place in several lines.
fn first_line(error: &impl ToString) -> String {
    let text = error.to_string();
    text.lines().next().unwrap_or_default().to_owned()
}

/// What a true map needs, and what happens without it.
const NEEDED: [(&[&str], &str); 5] = [
    (&["Pod"], "no Pods: nobody can be recognised by address"),
    (
        &["Service"],
        "no Services: calls to Service addresses and names cannot be resolved",
    ),
    (
        &["EndpointSlice", "Endpoints"],
        "no EndpointSlices: the pods behind a Service are guessed from its selector",
    ),
    (
        &["Node"],
        "no Nodes: node addresses cannot be told from pods'",
    ),
    (
        &["ReplicaSet"],
        "no ReplicaSets: pods of Deployments are shown under their ReplicaSet's name",
    ),
];

/// Says what is missing in the snapshots that a true map needs.
pub(crate) fn check(kinds: &Kinds, problems: &mut Vec<Problem>) {
    for (any_of, without) in NEEDED {
        if !any_of.iter().any(|kind| kinds.contains_key(*kind)) {
            problems.push(Problem::new(format!("the cluster files hold {without}")));
        }
    }
}
