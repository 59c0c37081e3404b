//! DNS questions and answers over veth: how many a second without loss, and whether the loss that is counted is all.

use std::thread;
use std::time::Duration;

use e2e::cost;
use e2e::sniffer::Sniffer;

use super::town::Town;
use crate::running::grouped;
use crate::{Size, part};

/// Until the last packet was read, and told of: the sniffer tells once a second.
const SETTLED: Duration = Duration::from_millis(2_500);

pub(crate) fn run(size: &Size) {
    let town = Town::new(201, 2);
    let (sniffer, _) = town.sniffer();
    part("PAIRS");
    println!(
        "| pairs a second, wanted | asked | answered | taken as pairs | missing packets | counted as lost | CPU per pair | share of a core |"
    );
    println!("|---:|---:|---:|---:|---:|---:|---:|---:|");
    for rate in size.pairs {
        row(&town, &sniffer, *rate, size.pairs_seconds);
    }
}

/// What the sniffer has counted.
#[derive(Clone, Copy, Debug)]
struct Counted {
    read: u64,
    lost: u64,
    answers: u64,
}

fn counted(sniffer: &Sniffer) -> Counted {
    Counted {
        read: sniffer.value("packets_total[DNS datagrams]"),
        lost: sniffer.value("packets_lost_total"),
        answers: sniffer.value("dns_messages_total[answers]"),
    }
}

#[allow(clippy::cast_precision_loss, reason = "figures")]
fn row(town: &Town, sniffer: &Sniffer, rate: u64, seconds: u64) {
    let server = town.load_on_node(&["answer", "0.0.0.0:53"]);
    let before = counted(sniffer);
    let cpu = cost::cpu(sniffer.pid());
    let to = format!("{}:53", town.node.address());
    let mut client = town.load(
        0,
        &[
            "ask",
            &to,
            &rate.to_string(),
            &seconds.to_string(),
            "1000",
            "0",
        ],
    );
    let asked: u64 = client.says().parse().unwrap();
    thread::sleep(SETTLED);
    let cpu = cost::cpu(sniffer.pid()).since(&cpu).total();
    let answered: u64 = server.end_saying().parse().unwrap();
    client.end();
    let after = counted(sniffer);
    let pairs = after.answers - before.answers;
    // Each is seen once: where it comes into the node, or leaves it.
    let sent = asked + answered;
    let (read, lost) = (after.read - before.read, after.lost - before.lost);
    let each_second = |count: u64| grouped(count / seconds);
    println!(
        "| {} | {} | {} | {} | {} | {lost} | {:.2} µs | {:.1} % |",
        grouped(rate),
        each_second(asked),
        each_second(answered),
        each_second(pairs),
        sent - read.min(sent),
        cpu.as_secs_f64() * 1e6 / pairs.max(1) as f64,
        cpu.as_secs_f64() * 100.0 / seconds as f64,
    );
    // What cannot be: more than there was, or a loss that is not counted.
    assert!(pairs <= answered, "{pairs} pairs of {answered}");
    assert_eq!(sent, read + lost, "packets that were sent, read and lost");
}
