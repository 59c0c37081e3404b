//! From the body of a report to the map: decoded, read, resolved, written. 5 000 pods behind 250 Services, of which each
//! pod calls eight; a report has the handshakes, open connections or answers of a node's pods.

use std::collections::BTreeSet;
use std::hint::black_box;

use cluster::{Event, Index, Settings, Update};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use map::Time;
use mapper::report::{self, Receipt, Switches};
use mapper::{Fact, Fate, Ingest};
use testkit::city::{City, Kind, Sniffer};
use wire::{Decoded, ReportKind, decode};

/// As the process has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const CITY: City = City {
    pods: 5_000,
    calls: 8,
};

const SEEN: &str = "2026-11-24T11:00:00.123456789Z";

/// A node's pods, of which one report tells.
const NODE: usize = 50;

fn now() -> Time {
    SEEN.parse().unwrap_or_default()
}

fn index() -> Index {
    let mut index = Index::live(Settings::default());
    for object in CITY.objects() {
        if let Ok(object) = serde_json::from_value(object) {
            index.update(Update::Event(Event::Applied(object)), Time::EPOCH);
        }
    }
    // Reports without UIDs wait until all is known of their time.
    index.set_current(now().plus(std::time::Duration::from_mins(1)));
    index
}

/// The reports of all nodes.
fn bodies(sniffer: Sniffer) -> Vec<String> {
    let kinds = [
        (Kind::Dns, ReportKind::Captures),
        (Kind::Tcp, ReportKind::TcpCaptures),
        (Kind::Socket, ReportKind::SocketScans),
    ];
    let nodes = (0..CITY.pods).step_by(NODE);
    let reports = nodes.flat_map(|first| {
        kinds.map(|(kind, report)| {
            let query = serde_json::to_string(report.document()).unwrap_or_default();
            let (field, pods) = (report.field(), first..first + NODE);
            let variables = CITY.report(sniffer, kind, pods, SEEN, 17);
            format!(r#"{{"query":{query},"variables":{variables},"operationName":"{field}"}}"#)
        })
    });
    reports.collect()
}

#[inline(never)] // so that a profiler tells it from the rest
fn take(index: &Index, ingest: &mut Ingest, body: &str) {
    let Decoded::Recognised(report) = decode(black_box(body).as_bytes()) else {
        return;
    };
    let mut each = |item: report::Item| match item {
        Ok(fact) => ingest.take(index, fact),
        Err((evidence, refusal)) => ingest.refuse(evidence, refusal),
    };
    let mut receipt = Receipt::new(now());
    report::read(report, Switches::default(), &mut receipt, &mut each);
    drop(ingest.take_news());
}

/// The facts of a body, to take again and again.
fn facts(body: &str) -> Vec<Fact> {
    let mut facts = Vec::new();
    if let Decoded::Recognised(report) = decode(body.as_bytes()) {
        let mut each = |item: report::Item| facts.extend(item.ok());
        report::read(
            report,
            Switches::default(),
            &mut Receipt::new(now()),
            &mut each,
        );
    }
    facts
}

fn empty() -> Ingest {
    let mut ingest = Ingest::live("", BTreeSet::new());
    ingest.advance(&Index::live(Settings::default()), now());
    ingest
}

fn bench(c: &mut Criterion) {
    let index = index();
    let mut group = c.benchmark_group("ingest");
    group.sample_size(20);
    for (name, sniffer) in [("ours", Sniffer::Ours), ("old", Sniffer::Old)] {
        let bodies = bodies(sniffer);
        let observations = 3 * CITY.pods * CITY.calls;
        group.throughput(Throughput::Elements(observations as u64));

        let first = || {
            let mut ingest = empty();
            for body in &bodies {
                take(&index, &mut ingest, body);
            }
            ingest
        };
        let mut ingest = first();
        assert_eq!(ingest.map().len(), CITY.edges());
        assert_eq!(ingest.fates().total() + ingest.held(), observations as u64);
        assert_eq!(
            ingest.fates().get(&Fate::Edge) + ingest.held(),
            observations as u64
        );

        group.bench_function(format!("{name}, first seen"), |b| {
            b.iter_batched(|| (), |()| first(), BatchSize::PerIteration);
        });
        group.bench_function(format!("{name}, seen again"), |b| {
            b.iter(|| {
                for body in &bodies {
                    take(&index, &mut ingest, body);
                }
            });
        });
        let facts: Vec<Fact> = bodies.iter().flat_map(|body| facts(body)).collect();
        group.bench_function(format!("{name}, seen again, facts only"), |b| {
            b.iter_batched(
                || facts.clone(),
                |facts| facts.into_iter().for_each(|fact| ingest.take(&index, fact)),
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
