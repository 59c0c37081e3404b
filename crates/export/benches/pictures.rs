//! Pictures of made-up clusters: 300 workloads with 800 edges, and ten times that, which is folded to
//! namespaces.

#[path = "../tests/town/mod.rs"]
mod town;

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use export::{Format, Options};

fn pictures(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("pictures");
    group.sample_size(10);
    for (namespaces, workloads, edges) in [(20, 300, 800), (100, 3_000, 10_000)] {
        let map = town::town(namespaces, workloads, edges);
        let size = format!("{workloads} workloads, {edges} edges");
        group.bench_function(format!("layout, {size}"), |bencher| {
            bencher.iter(|| export::draw(black_box(&map), Options::default()));
        });
        for (name, format) in [
            ("svg", Format::Svg),
            ("html", Format::Html),
            ("dot", Format::Dot),
        ] {
            group.bench_function(format!("{name}, {size}"), |bencher| {
                bencher.iter(|| format.render(black_box(&map), Options::default()));
            });
        }
    }
    let map = town::town(20, 300, 800);
    group.bench_function("png, 300 workloads, 800 edges", |bencher| {
        bencher.iter(|| Format::Png.render(black_box(&map), Options::default()));
    });
    group.finish();
}

criterion_group!(benches, pictures);
criterion_main!(benches);
