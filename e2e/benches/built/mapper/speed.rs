//! How many observations the mapper takes on one core, through HTTP and GraphQL, and what it does meanwhile.

use std::time::{Duration, Instant};

use e2e::cost::{self, Cpu};
use e2e::mapper::Mapper;
use testkit::city::{City, Resident, Sniffer, address, pod_uid};

use super::load::{self, KINDS, Sent};
use crate::api::Api;
use crate::running::{self, grouped};
use crate::{OLD_AGO, Size, part};

pub(crate) fn run(size: &Size) {
    let Some((mappers, ours)) = running::cores() else {
        println!("one core is not enough: the mapper and who reports to it need one each");
        return;
    };
    running::stay_on(ours);
    let city = City {
        pods: size.speed_pods,
        calls: 8,
    };
    let api = Api::start(city);
    part("SPEED");
    println!(
        "| reports | observations/s | CPU per observation | HTTP and decoding | resolving, map | kernel | bytes per observation |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|");
    for (name, sniffer, ago) in [
        ("of our sniffer", Sniffer::Ours, 0),
        ("of the replaced one", Sniffer::Old, OLD_AGO.cast_signed()),
    ] {
        let by = ["taskset", "-c", mappers];
        let (mapper, _) = running::start("speed", &api.kubeconfig, &by, &[]);
        row(name, &measure(&mapper, city, sniffer, ago, size));
    }
}

/// One measurement.
struct Figures {
    sent: Sent,
    time: Duration,
    cpu: Cpu,
    /// The program's part of it that is HTTP and decoding, and that of the writer.
    workers: Duration,
    writer: Duration,
}

fn measure(mapper: &Mapper, city: City, sniffer: Sniffer, ago: i64, size: &Size) -> Figures {
    // Current beyond what is reported.
    std::thread::sleep(Duration::from_secs(4));
    let resident = |pod| Resident {
        address: address(pod),
        uid: pod_uid(pod),
    };
    let mut bodies = load::bodies(city, sniffer, &KINDS, &resident);
    let first = load::send(mapper.address, &mut bodies, ago, None);
    let (before, threads) = (cost::cpu(mapper.pid()), cost::cpu_by_thread(mapper.pid()));
    let begun = Instant::now();
    let until = begun + Duration::from_secs(size.speed_seconds);
    let sent = load::send(mapper.address, &mut bodies, ago, Some(until));
    let time = begun.elapsed();
    let cpu = cost::cpu(mapper.pid()).since(&before);
    let after = cost::cpu_by_thread(mapper.pid());
    let user = |wanted: &dyn Fn(&str) -> bool| {
        let names = after.iter().filter(|(name, _)| wanted(name));
        let parts = names.map(|(name, after)| {
            let before = threads.get(name).copied().unwrap_or_default();
            after.since(&before).user
        });
        parts.sum()
    };

    // A figure for work that was not done is none.
    assert_eq!(sent.refused, 0, "reports were refused");
    let metrics = mapper.wait_ends(
        first.observations + sent.observations,
        u64::MAX,
        Duration::from_mins(1),
    );
    assert!(metrics.dropped().is_empty(), "{:?}", metrics.dropped());
    assert_eq!(metrics.get("portolan_mapper_edges"), city.edges() as u64);
    Figures {
        sent,
        time,
        cpu,
        workers: user(&|name| name != "writer"),
        writer: user(&|name| name == "writer"),
    }
}

#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "figures"
)]
fn row(name: &str, figures: &Figures) {
    let count = figures.sent.observations as f64;
    let each = |time: Duration| format!("{:.2} µs", time.as_secs_f64() * 1e6 / count);
    let rate = (count / figures.time.as_secs_f64()) as u64;
    println!(
        "| {name} | {} | {} | {} | {} | {} | {:.0} |",
        grouped(rate),
        each(figures.cpu.total()),
        each(figures.workers),
        each(figures.writer),
        each(figures.cpu.system),
        figures.sent.bytes as f64 / count,
    );
}
