//! From bytes to aggregated observation, on one core, as the capture loop of a node runs: frame, packet, message,
//! tables, aggregate.

use std::hash::RandomState;
use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use kernel::packet::{self, LinkType};
use map::Time;
use sniffer::sockets::{Namespace, Scanner, Table};
use sniffer::{Aggregate, Collector, PacketFate};
use testkit::sockets::{ESTABLISHED, LISTEN, table};
use testkit::traffic::Traffic;

const CALLS: usize = 10_000;

/// Which frames of a call: its question and answer, or its four packets of a handshake.
const DNS: std::ops::Range<usize> = 0..2;
const HANDSHAKE: std::ops::Range<usize> = 2..6;

type Frames = Vec<(i64, Vec<u8>)>;

fn frames(part: &std::ops::Range<usize>) -> Frames {
    let traffic = Traffic {
        workloads: 500,
        pace_nanos: 100_000,
    };
    (0..CALLS)
        .flat_map(|call| traffic.call(call).into_iter().enumerate())
        .filter(|(place, _)| part.contains(place))
        .map(|(_, frame)| frame)
        .collect()
}

fn collect(frames: &Frames) -> usize {
    let hasher = RandomState::new();
    let mut collector = Collector::new(&hasher);
    let mut aggregate = Aggregate::new(hasher);
    for (nanos, frame) in frames {
        let packet = packet::parse(LinkType::Ethernet, black_box(frame));
        collector.packet(
            Time::from_nanos(*nanos),
            packet.map_err(PacketFate::Unreadable),
            |_| None,
            &mut aggregate,
        );
    }
    aggregate.drain().len()
}

fn packets(c: &mut Criterion) {
    let mut group = c.benchmark_group("collect");
    group.throughput(Throughput::Elements(CALLS as u64));
    for (name, part) in [
        ("DNS pairs", DNS),
        ("handshakes, both sides of NAT", HANDSHAKE),
    ] {
        let frames = frames(&part);
        // 500 workloads with two servers each.
        assert_eq!(collect(&frames), 1_000);
        group.bench_function(name, |b| b.iter(|| collect(&frames)));
    }
    group.finish();
}

/// A node with 100 pods, each with 100 open connections and a listener.
fn scans(c: &mut Criterion) {
    const PODS: u8 = 100;
    const EACH: u16 = 100;
    let socket = |pod: u8, port: u16| std::net::SocketAddr::from(([10, 244, 0, pod], port));
    let namespaces: Vec<Namespace> = (0..PODS)
        .map(|pod| {
            let connection = |number: u16| {
                let server = socket((pod + 1 + (number % 50) as u8) % PODS, 8080);
                (socket(pod, 40_000 + number), server, ESTABLISHED, 9)
            };
            let mut rows: Vec<_> = (0..EACH).map(connection).collect();
            rows.push((socket(pod, 8080), socket(0, 0), LISTEN, 8));
            Namespace {
                inode: pod.into(),
                pods: Vec::new(),
                tcp: [table(&rows).into_bytes().into(), Table::default()],
                ..Namespace::default()
            }
        })
        .collect();
    let mut group = c.benchmark_group("scan");
    let rows = u64::from(PODS) * (u64::from(EACH) + 1);
    group.throughput(Throughput::Elements(rows));
    group.bench_function("rows of socket tables", |b| {
        b.iter_batched(
            || (Scanner::new(), Aggregate::new(RandomState::new())),
            |(mut scanner, mut aggregate)| {
                scanner.scan(&namespaces, Time::from_secs(1), &mut aggregate);
                aggregate.drain().len()
            },
            BatchSize::LargeInput,
        );
    });
    group.finish();
}

criterion_group!(benches, packets, scans);
criterion_main!(benches);
