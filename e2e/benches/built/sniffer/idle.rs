//! What the sniffer costs on a node where little happens, and where much is observed.

use std::thread;
use std::time::Duration;

use e2e::cost;
use e2e::node::Running;
use e2e::sniffer::Sniffer;

use super::town::{PORT, Town};
use crate::running::{grouped, mib};
use crate::{Size, part};

/// Processes of a pod: the first, who takes connections, who holds them, and another.
const PROCESSES: usize = 4;

pub(crate) fn run(size: &Size) {
    part("IDLE");
    println!(
        "| pods | processes | open connections | all read after | share of a core, idle | of it /proc | memory | at its peak | share of a core, busy | observations/s | memory, busy |"
    );
    println!("|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|");
    for (number, (pods, connections)) in size.nodes.iter().enumerate() {
        let number = 205 + u16::try_from(number).unwrap();
        row(&Town::new(number, *pods), *connections, size);
    }
}

fn row(town: &Town, connections: usize, size: &Size) {
    let pods = town.pods.len();
    let listen = format!("0.0.0.0:{PORT}");
    let mut running: Vec<Running> = (0..pods)
        .map(|pod| town.load(pod, &["keep", &listen]))
        .collect();
    running.extend((0..pods).map(|pod| town.load(pod, &["stay"])));
    for pod in 0..pods {
        // The same number to each of the next ones.
        let others = (0..connections).map(|n| (pod + 1 + n % (pods - 1)) % pods);
        let addresses: Vec<String> = others
            .map(|other| format!("{}:{PORT}", town.pods[other].ip))
            .collect();
        let mut arguments = vec!["hold"];
        arguments.extend(addresses.iter().map(String::as_str));
        running.push(town.load(pod, &arguments));
    }
    let (sniffer, swept) = town.sniffer();
    let idle = share(&sniffer, size.settle_seconds, size.idle_seconds);
    let memory = cost::memory(sniffer.pid(), "VmRSS");
    let peak = cost::memory(sniffer.pid(), "VmHWM");
    let sockets = sniffer.value("sockets_total[open connections]");
    assert!(
        sockets >= (pods * connections) as u64,
        "{sockets} connections were found"
    );
    let (rate, busy, busy_memory) = busy(town, &sniffer, size.busy);
    println!(
        "| {pods} | {} | {} | {:.1} s | {:.2} % | {:.2} % | {} | {} | {busy:.1} % | {} | {} |",
        pods * PROCESSES,
        grouped((pods * connections) as u64),
        swept.as_secs_f64(),
        idle.0,
        idle.1,
        mib(memory),
        mib(peak),
        grouped(rate),
        mib(busy_memory),
    );
}

/// Its share of a core, and that of walks and reads, in per cent.
fn share(sniffer: &Sniffer, settle: u64, seconds: u64) -> (f64, f64) {
    thread::sleep(Duration::from_secs(settle));
    let scan = || sniffer.metric("portolan_sniffer_scan_busy_seconds_total");
    let (cpu, before) = (cost::cpu(sniffer.pid()), scan());
    thread::sleep(Duration::from_secs(seconds));
    let (cpu, after) = (cost::cpu(sniffer.pid()).since(&cpu).total(), scan());
    let all = Duration::from_secs(seconds).as_secs_f64();
    (
        cpu.as_secs_f64() * 100.0 / all,
        (after - before) * 100.0 / all,
    )
}

/// All pods ask for names of their own, so many questions a second together; how many came in, the share of a core, and the
/// most memory.
#[allow(clippy::cast_precision_loss, reason = "figures")]
fn busy(town: &Town, sniffer: &Sniffer, (rate, seconds): (u64, u64)) -> (u64, f64, u64) {
    let pods = town.pods.len() as u64;
    let each = (rate / pods).max(1).to_string();
    let seconds_text = seconds.to_string();
    let server = town.load_on_node(&["answer", "0.0.0.0:53"]);
    let to = format!("{}:53", town.node.address());
    let seen = || sniffer.value("observations_total[dns]");
    let (cpu, before) = (cost::cpu(sniffer.pid()), seen());
    let clients: Vec<Running> = (0..town.pods.len())
        .map(|pod| {
            let first = (pod * 1_000).to_string();
            town.load(pod, &["ask", &to, &each, &seconds_text, &each, &first])
        })
        .collect();
    let mut asked = 0;
    for mut client in clients {
        asked += client.says().parse::<u64>().unwrap();
    }
    let cpu = cost::cpu(sniffer.pid()).since(&cpu).total().as_secs_f64();
    thread::sleep(Duration::from_secs(2));
    let came = seen() - before;
    let answered: u64 = server.end_saying().parse().unwrap();
    // An answer that is not seen, or seen together with another, is none.
    assert!(
        answered >= asked * 99 / 100 && came >= answered * 99 / 100,
        "{asked} questions, {answered} answers, {came} observations"
    );
    let memory = cost::memory(sniffer.pid(), "VmHWM");
    (came / seconds, cpu * 100.0 / seconds as f64, memory)
}
