//! A flood of other traffic through the node: what the sniffer takes from it, and which connections it sees meanwhile.

use super::town::{PORT, Town};
use crate::running::grouped;
use crate::{Size, part};

/// Connections a second meanwhile.
const CALLS: u64 = 500;

#[allow(clippy::cast_precision_loss, reason = "figures")]
pub(crate) fn run(size: &Size) {
    let town = Town::new(210, 3);
    let (rounds, seconds) = size.flood;
    let (mut without, mut with) = (Vec::new(), Vec::new());
    let (mut opened, mut seen, mut lost) = (0, 0, 0);
    for _ in 0..rounds {
        without.push(round(&town, seconds).0);
        let (sniffer, _) = town.sniffer();
        let taken = || sniffer.value("handshake_packets_total[accepted]");
        let before = taken();
        let (datagrams, calls) = round(&town, seconds);
        std::thread::sleep(std::time::Duration::from_secs(2));
        with.push(datagrams);
        opened += calls;
        // Its own reports, and who asks for its metrics, are among them.
        seen += taken() - before;
        lost += sniffer.value("packets_lost_total");
    }
    part("FLOOD");
    println!(
        "| datagrams a second without the sniffer | with it | less | connections opened | seen, its own and ours with it | packets lost |"
    );
    println!("|---:|---:|---:|---:|---:|---:|");
    let (without, with) = (middle(without), middle(with));
    println!(
        "| {} | {} | {:.1} % | {} | {seen} | {lost} |",
        grouped(without),
        grouped(with),
        (1.0 - with as f64 / without as f64) * 100.0,
        grouped(opened),
    );
    assert!(
        seen + lost >= opened,
        "connections were missed without a count"
    );
}

/// Datagrams a second that went through the node, and connections that were opened.
fn round(town: &Town, seconds: u64) -> (u64, u64) {
    let seconds_text = seconds.to_string();
    let sink = town.load(1, &["sink", "0.0.0.0:9"]);
    let server = town.load(2, &["keep", &format!("0.0.0.0:{PORT}")]);
    let to_sink = format!("{}:9", town.pods[1].ip);
    let to_server = format!("{}:{PORT}", town.pods[2].ip);
    let mut sender = town.load(0, &["send", &to_sink, &seconds_text]);
    let mut caller = town.load(0, &["call", &to_server, &CALLS.to_string(), &seconds_text]);
    let sent: u64 = sender.says().parse().unwrap();
    let opened: u64 = caller.says().parse().unwrap();
    sink.end();
    server.end();
    (sent / seconds, opened)
}

fn middle(mut all: Vec<u64>) -> u64 {
    all.sort_unstable();
    all[all.len() / 2]
}
