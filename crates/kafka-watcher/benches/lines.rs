//! Reading a broker's log: each element is a line, as long as real ones are.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use kafka_watcher::line::{Reader, Reading};

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
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
