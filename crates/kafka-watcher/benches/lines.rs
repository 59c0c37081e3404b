//! Reading a broker's log: each element is a line, as long as real ones are. `to accesses` is all that is done to a line
//! that the API has stamped: to where it was read before, what it is, and whether that is known.

use std::hint::black_box;
use std::sync::Arc;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use kafka_watcher::line::{Access, Reader, Reading};
use kafka_watcher::place::{Passage, Place, Take};
use kafka_watcher::{Accesses, Broker};
use map::Time;

const LOGS: [(&str, &str); 2] = [
    (
        "standard authorizer",
        include_str!("../tests/it/brokers/standard-authorizer-4.1.log"),
    ),
    (
        "acl authorizer",
        include_str!("../tests/it/brokers/acl-authorizer-3.9.log"),
    ),
];

fn bench(c: &mut Criterion) {
    let mut group = c.benchmark_group("kafka lines");
    for (name, log) in LOGS {
        let lines: Vec<&[u8]> = log.lines().map(str::as_bytes).collect();
        let reader = Reader::new();
        group.throughput(Throughput::Elements(lines.len() as u64));
        group.bench_function(name, |b| {
            b.iter(|| {
                let accesses = lines
                    .iter()
                    .filter(|line| matches!(reader.read(black_box(line)), Reading::Access(_)));
                black_box(accesses.count())
            });
        });
    }
    to_accesses(&mut group);
    group.finish();
}

/// A log of a thousand lines in turn, from 200 clients of 50 topics.
fn to_accesses(group: &mut BenchmarkGroup<'_, WallTime>) {
    let model = LOGS[0].1.lines().find(|line| line.contains("= WRITE"));
    let line = |number: u64| {
        let (host, topic) = (number % 200, number % 50);
        let line = model
            .unwrap_or_default()
            .replace("127.0.0.1", &format!("10.0.1.{host}"));
        line.replace(
            "Topic:LITERAL:orders",
            &format!("Topic:LITERAL:orders-{topic}"),
        )
    };
    let lines: Vec<String> = (0..1000).map(line).collect();
    let (reader, mut accesses, mut seconds) = (Reader::new(), Accesses::default(), 0);
    let broker = Arc::new(Broker {
        namespace: "kafka".into(),
        pod: "kafka-0".into(),
        addresses: Vec::new(),
    });
    group.throughput(Throughput::Elements(lines.len() as u64));
    group.bench_function("to accesses", |b| {
        b.iter(|| {
            seconds += 1;
            let at = Time::from_secs(seconds);
            let mut passage = Passage::resume(Place::from(at));
            let mut see = |access: Access<'_>| accesses.see(&broker, &access, at);
            for line in &lines {
                if passage.take(at) != Take::Again
                    && let Reading::Access(access) = reader.read(black_box(line.as_bytes()))
                {
                    black_box(see(access));
                }
            }
        });
    });
    assert_eq!(accesses.len(), 200);
}

criterion_group!(benches, bench);
criterion_main!(benches);
