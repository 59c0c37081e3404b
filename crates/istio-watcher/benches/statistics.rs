//! What a sidecar's statistics cost to read, in bytes of its answer.

use std::fmt::Write;
use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use istio_watcher::exposition::Exposition;
use istio_watcher::{Ledger, Moved, Requests, Rounds, Sidecar};
use map::{PodUid, Time};

/// Series of a sidecar with a hundred paths that are called by ten clients.
const SERIES: usize = 1_000;

/// What Istio's standard labels say beside what differs: as long as they are in a real mesh.
const LABELS: &str = "source_principal=\"spiffe://cluster.local/ns/shop/sa/web\",source_app=\"web\",source_version=\"v1\",\
source_cluster=\"Kubernetes\",source_canonical_service=\"web\",source_canonical_revision=\"v1\",\
destination_workload=\"checkout\",destination_workload_namespace=\"shop\",\
destination_principal=\"spiffe://cluster.local/ns/shop/sa/checkout\",destination_app=\"checkout\",destination_version=\"v1\",\
destination_service=\"checkout.shop.svc.cluster.local\",destination_canonical_service=\"checkout\",\
destination_canonical_revision=\"v1\",destination_service_name=\"checkout\",destination_service_namespace=\"shop\",\
destination_cluster=\"Kubernetes\",request_protocol=\"http\",response_code=\"200\",grpc_response_status=\"\",\
response_flags=\"-\",connection_security_policy=\"mutual_tls\",request_method=\"GET\"";

/// An answer in which every counter has this value.
fn answer(value: u64) -> String {
    let mut text = String::from("# TYPE istio_requests_total counter\n");
    for number in 0..SERIES {
        let _ = writeln!(
            text,
            "istio_requests_total{{reporter=\"destination\",source_workload=\"web-{}\",source_workload_namespace=\"shop\",\
             {LABELS},request_path=\"/api/v1.2/items/{}\"}} {value}",
            number % 10,
            number / 10
        );
    }
    text
}

/// What all other statistics of a sidecar look like.
fn others() -> String {
    let mut text = String::new();
    for number in 0..10_000 {
        let _ = writeln!(
            text,
            "envoy_cluster_upstream_rq_time_bucket{{cluster_name=\"outbound|80||service-{}\",le=\"{}\"}} {number}",
            number / 20,
            number % 20
        );
    }
    text
}

struct Watcher {
    rounds: Rounds,
    ledger: Ledger,
}

impl Watcher {
    fn new() -> Self {
        Self {
            rounds: Rounds::new(Time::EPOCH, true),
            ledger: Ledger::new(false),
        }
    }

    /// How many counters had moved.
    fn round(&mut self, answer: &[u8]) -> usize {
        let pod = PodUid::from_u128(1);
        let started = Some(Time::EPOCH);
        let mut counters = self.rounds.begin(Sidecar { pod, started });
        let mut exposition = Exposition::default();
        let mut moved = 0;
        // As it comes from a socket.
        for piece in answer.chunks(64 << 10) {
            exposition.push(piece, &mut |series, value| {
                if counters.see(series, value) == Moved::Yes {
                    moved += 1;
                    if let Ok(requests) = Requests::read(series) {
                        self.ledger.take(requests, Time::EPOCH);
                    }
                }
            });
        }
        self.rounds.end(pod, counters, true);
        moved
    }
}

fn statistics(c: &mut Criterion) {
    let mut group = c.benchmark_group("istio");
    let first = answer(5);
    group.throughput(Throughput::Bytes(first.len() as u64));
    group.bench_function("statistics, nothing new", |b| {
        let mut watcher = Watcher::new();
        assert_eq!(watcher.round(first.as_bytes()), SERIES);
        b.iter(|| watcher.round(black_box(first.as_bytes())));
    });
    group.bench_function("statistics, all of it new", |b| {
        let answers = [answer(6), answer(7)];
        let mut watcher = Watcher::new();
        let mut turn = 0;
        b.iter(|| {
            turn = 1 - turn;
            // Every second one falls, and so counts as a restart.
            assert_eq!(watcher.round(black_box(answers[turn].as_bytes())), SERIES);
        });
    });
    let others = others();
    group.throughput(Throughput::Bytes(others.len() as u64));
    group.bench_function("other statistics", |b| {
        let mut watcher = Watcher::new();
        b.iter(|| watcher.round(black_box(others.as_bytes())));
    });
    group.finish();
}

criterion_group!(benches, statistics);
criterion_main!(benches);
