//! What is due, in the words of the mapper's contract.

use compact_str::CompactString;
use wire::input::{IstioConnection, IstioConnectionResults};
use wire::{AttemptOutcome, HttpMethod, Report, Text, Time};

use crate::{End, Entry, Key, Outcome};

/// The report of these entries. Methods that the contract has no word for are told as an entry without methods.
pub(crate) fn report(due: Vec<(Key, Entry)>, reporter: &CompactString) -> Report {
    let results = due.into_iter().flat_map(|(key, entry)| {
        let named: Vec<HttpMethod> = entry.methods.named().map(HttpMethod::from).collect();
        let of_named = (!named.is_empty()).then(|| connection(&key, &entry, named, reporter));
        let of_others = entry
            .methods
            .has_other()
            .then(|| connection(&key, &entry, Vec::new(), reporter));
        of_named.into_iter().chain(of_others)
    });
    Report::Istio(IstioConnectionResults {
        results: results.collect(),
    })
}

fn connection(
    key: &Key,
    entry: &Entry,
    methods: Vec<HttpMethod>,
    reporter: &CompactString,
) -> IstioConnection {
    let (client, server) = (&key.client, &key.server);
    IstioConnection {
        src_workload: Text(client.workload.clone()),
        src_workload_namespace: Text(client.namespace.clone()),
        dst_workload: Text(server.workload.clone()),
        dst_service_name: Text(key.service.clone()),
        dst_workload_namespace: Text(server.namespace.clone()),
        path: Text(key.path.clone()),
        methods,
        last_seen: Time(entry.last_seen),
        reporter_id: Some(Text(reporter.clone())),
        attempt: match key.outcome {
            Outcome::Answered => None,
            Outcome::Refused => Some(AttemptOutcome::Refused),
            Outcome::Unanswered => Some(AttemptOutcome::Unanswered),
        },
        src_canonical_service: canonical(client),
        dst_canonical_service: canonical(server),
    }
}

fn canonical(end: &End) -> Option<Text> {
    (!end.canonical.is_empty()).then(|| Text(end.canonical.clone()))
}
