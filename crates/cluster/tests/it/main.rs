//! The index at its public surface: documents in, answers out.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test may fail loudly, in its helpers too"
)]

mod identity;
mod leases;
mod order;
mod services;

use cluster::{Holder, Index, Settings, document};
use map::Time;
use serde_json::Value;

/// An index of these objects.
fn index(objects: &[Value]) -> Index {
    index_with(Settings::default(), objects)
}

fn index_with(settings: Settings, objects: &[Value]) -> Index {
    let mut index = Index::new(settings);
    let text = testkit::cluster::list(objects).to_string();
    let summary = document::read(&mut text.as_bytes(), &mut |event| index.apply(event));
    assert!(
        summary.error.is_none() && summary.bad.is_empty(),
        "{summary:?}"
    );
    index
}

/// Seconds behind the start of the test clusters.
fn after_start(seconds: i64) -> Time {
    let start: Time = testkit::cluster::START.parse().unwrap();
    start.plus(std::time::Duration::from_secs(seconds.unsigned_abs()))
}

/// The holder of an address in words.
fn holder(index: &Index, address: &str, at: Time) -> String {
    match index.holder(address.parse().unwrap(), None, at) {
        Holder::Pod(pod) => pod.name.to_string(),
        Holder::HostNetwork(node) => format!("node {node}"),
        Holder::Ambiguous => "ambiguous".to_owned(),
        Holder::Unknown => "unknown".to_owned(),
    }
}

/// The workload of the pod at an address in words.
fn workload(index: &Index, address: &str) -> String {
    match index.holder(address.parse().unwrap(), None, after_start(60)) {
        Holder::Pod(pod) => index.identity(pod).workload.to_string(),
        holder => panic!("{holder:?}"),
    }
}
