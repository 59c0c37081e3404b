//! What one message costs to read, in bytes that are already in memory.

use std::hint::black_box;
use std::net::{IpAddr, SocketAddr};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use kernel::packet::{self, LinkType};
use kernel::{dns, socket_table};
use testkit::frames::{self, SYN, Segment};
use testkit::sockets::{ESTABLISHED, table};

fn socket(last: u8, port: u16) -> SocketAddr {
    (IpAddr::from([10, 244, 0, last]), port).into()
}

fn packets(c: &mut Criterion) {
    let mut group = c.benchmark_group("packet");
    group.throughput(Throughput::Elements(1));
    let segment = Segment {
        flags: SYN,
        timestamp: Some(7),
        ..Segment::default()
    };
    let syn = frames::ethernet(&[], &frames::tcp(socket(1, 40_000), socket(2, 80), segment));
    group.bench_function("SYN", |b| {
        b.iter(|| packet::parse(LinkType::Ethernet, black_box(&syn)));
    });
    group.finish();
}

fn messages(c: &mut Criterion) {
    let mut group = c.benchmark_group("dns");
    group.throughput(Throughput::Elements(1));
    let addresses: Vec<IpAddr> = (1..=4)
        .map(|last| IpAddr::from([10, 96, 0, last]))
        .collect();
    let name = "productcatalogservice.otterize-ecom-demo.svc.cluster.local";
    let answer = dns_answer(name, &addresses);
    group.bench_function("answer of four addresses", |b| {
        b.iter(|| {
            let message = dns::parse(black_box(&answer));
            message.map(|message| message.addresses().count())
        });
    });
    group.finish();
}

fn dns_answer(name: &str, addresses: &[IpAddr]) -> Vec<u8> {
    testkit::dns::answer(7, name, addresses, 30)
}

fn tables(c: &mut Criterion) {
    const ROWS: u16 = 10_000;
    let row = |port| (socket(1, port), socket(2, 443), ESTABLISHED, 123_456);
    let text = table(&(0..ROWS).map(row).collect::<Vec<_>>());
    let mut group = c.benchmark_group("socket_table");
    group.throughput(Throughput::Elements(ROWS.into()));
    group.bench_function("rows", |b| {
        b.iter(|| {
            let rows = socket_table::sockets(black_box(text.as_bytes()));
            rows.flatten().count()
        });
    });
    group.finish();
}

criterion_group!(benches, packets, messages, tables);
criterion_main!(benches);
