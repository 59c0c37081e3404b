//! Decoding reports: 1 000 sources with 10 destinations each, as the replaced sniffer sends them and as ours will.

use std::fmt::Write as _;
use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use wire::{Decoded, ReportKind, decode};

const SOURCES: u64 = 1000;
const DESTINATIONS: u64 = 10;

/// A report of this kind; each destination's fields from its two numbers.
fn body(kind: ReportKind, source: &str, destination: impl Fn(u64, u64) -> String) -> String {
    let mut results = String::new();
    for s in 0..SOURCES {
        let comma = if s == 0 { "" } else { "," };
        let ip = format!("10.244.{}.{}", s / 250, s % 250);
        let _ = write!(
            results,
            r#"{comma}{{"srcIp":"{ip}","srcHostname":"","destinations":["#
        );
        let destinations: Vec<_> = (0..DESTINATIONS).map(|d| destination(s, d)).collect();
        let _ = write!(results, "{}]{source}}}", destinations.join(","));
    }
    let query = serde_json::to_string(kind.document()).unwrap_or_default();
    let field = kind.field();
    format!(
        r#"{{"query":{query},"variables":{{"results":{{"results":[{results}]}}}},"operationName":"{field}"}}"#
    )
}

fn old_dns() -> String {
    body(ReportKind::Captures, "", |s, d| {
        format!(
            r#"{{"destination":"service-{d}.namespace-{}.svc.cluster.local","destinationIP":"10.96.{}.{d}","destinationPort":null,"TTL":30,"lastSeen":"2025-06-10T11:28:35.5{s:08}Z","srcPorts":[]}}"#,
            s % 20,
            s % 200
        )
    })
}

fn old_tcp() -> String {
    body(ReportKind::TcpCaptures, "", |s, d| {
        format!(
            r#"{{"destination":"10.96.{}.{d}","destinationIP":"10.96.{}.{d}","destinationPort":8080,"TTL":null,"lastSeen":"2025-06-10T11:28:35.5{s:08}Z","srcPorts":[{}]}}"#,
            s % 200,
            s % 200,
            32768 + s
        )
    })
}

const OURS: &str = r#","srcPodUid":"0a5b2f1e-7c1d-4b8a-9f3e-2d6c5b4a3928","nodeName":"node-17.example","reporterId":"7f3a9c2e51d04b68""#;

fn our_tcp() -> String {
    body(ReportKind::TcpCaptures, OURS, |s, d| {
        format!(
            r#"{{"destination":"10.244.{}.{d}","destinationIP":"10.244.{}.{d}","destinationPort":8080,"TTL":null,"lastSeen":"2025-06-10T11:28:35.5{s:08}Z","srcPorts":null,"originalDestination":"10.96.{}.{d}","originalPort":80,"protocol":"TCP","firstSeen":"2025-06-10T11:20:00Z","connections":{s}}}"#,
            s % 200,
            s % 200,
            s % 200
        )
    })
}

fn bench(c: &mut Criterion) {
    let mut group = c.benchmark_group("decode");
    group.throughput(Throughput::Elements(SOURCES * DESTINATIONS));
    for (name, body) in [
        ("old dns", old_dns()),
        ("old tcp", old_tcp()),
        ("our tcp", our_tcp()),
    ] {
        assert!(matches!(decode(body.as_bytes()), Decoded::Recognised(_)));
        group.bench_function(name, |b| {
            b.iter(|| black_box(decode(black_box(body.as_bytes()))));
        });
        #[cfg(feature = "server")]
        if let Some(serve) = by_engine::server() {
            assert_eq!(serve(body.as_bytes()), Some(200));
            group.sample_size(10);
            group.bench_function(format!("{name}, by the engine"), |b| {
                b.iter(|| black_box(serve(black_box(body.as_bytes()))));
            });
            group.sample_size(100);
        }
    }
    group.finish();
}

/// The other route, to compare with: the same body through the engine, to the same records.
#[cfg(feature = "server")]
mod by_engine {
    use async_graphql::{EmptySubscription, Object, Schema};
    use tokio::runtime;
    use wire::engine::{self, Inputs};
    use wire::input::{CaptureResults, CaptureTcpResults};

    struct Query;

    #[allow(clippy::unused_async, reason = "resolvers are async")]
    #[Object]
    impl Query {
        async fn health(&self) -> bool {
            true
        }
    }

    struct Mutation;

    #[allow(clippy::unused_async, reason = "resolvers are async")]
    #[Object]
    impl Mutation {
        async fn report_capture_results(&self, results: CaptureResults) -> bool {
            std::hint::black_box(results);
            true
        }

        #[graphql(name = "reportTCPCaptureResults")]
        async fn report_tcp_capture_results(&self, results: CaptureTcpResults) -> bool {
            std::hint::black_box(results);
            true
        }
    }

    /// From a body to the status of its answer.
    pub(crate) fn server() -> Option<impl Fn(&[u8]) -> Option<u16>> {
        let schema = Schema::build(Query, Mutation, EmptySubscription).finish();
        let inputs = Inputs::of(&schema.sdl()).ok()?;
        let runtime = runtime::Builder::new_current_thread().build().ok()?;
        Some(move |body: &[u8]| {
            let request = wire::decode::Request::read(body).ok()?;
            let request = inputs.request(&request).ok()?;
            Some(engine::status(&runtime.block_on(schema.execute(request))))
        })
    }
}

criterion_group!(benches, bench);
criterion_main!(benches);
