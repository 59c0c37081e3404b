//! What the sums say about the input: what is missing for a true map, and how to get it.

use kernel::packet::Unreadable;
use mapper::{Fate, Ingest, Refusal};
use sniffer::{Collector, PacketFate};

use super::summary::Problem;

/// Looks at what became of packets and observations.
pub(crate) fn advise<S: std::hash::BuildHasher + Clone>(
    collector: &Collector<S>,
    ingest: &Ingest,
) -> Vec<Problem> {
    let packets = collector.packets();
    let mut problems = Vec::new();
    let mut say = |text: String| problems.push(Problem::new(text));
    if packets.total() == 0 {
        say("the captures hold no packets".to_owned());
        return problems;
    }
    let cut = packets.get(&PacketFate::Unreadable(Unreadable::Truncated));
    if cut > 0 {
        say(format!(
            "{cut} packets are cut off; record whole ones with `tcpdump -s 0`"
        ));
    }
    if collector.dns_messages().total() == 0 {
        say(
            "the captures hold no DNS: outside servers have no names; record `port 53` too"
                .to_owned(),
        );
    }
    if collector.handshake_packets().total() == 0 {
        say(
            "the captures hold no TCP handshakes: servers are told by DNS alone; record SYNs too, as `portolan replay \
             --help` shows"
                .to_owned(),
        );
    }
    let unknown: u64 = [Refusal::UnknownSource, Refusal::UnknownDestination]
        .iter()
        .map(|refusal| ingest.fates().get(&Fate::Refused(*refusal)))
        .sum();
    let unknown = unknown.saturating_sub(on_loopback(ingest));
    if unknown > 0 {
        say(format!(
            "{unknown} observations have an unknown address ({}): pods may have come and gone; add snapshots from before \
             and after with --cluster, and what happened between with --pod-events",
            most(ingest)
        ));
    }
    problems
}

/// How many unknown addresses are named.
const MAX_NAMED: usize = 3;

/// Names that stand for loopback, such as those that a DNS server blocks: no snapshot could tell more.
fn on_loopback(ingest: &Ingest) -> u64 {
    let unknown = ingest.unknown_addresses().iter();
    unknown
        .filter(|(address, _)| address.is_loopback())
        .map(|(_, n)| n)
        .sum()
}

/// The unknown addresses that were met most.
fn most(ingest: &Ingest) -> String {
    let unknown = ingest.unknown_addresses();
    let mut addresses: Vec<(u64, String)> = unknown
        .iter()
        .filter(|(address, _)| !address.is_loopback())
        .map(|(address, n)| (*n, address.to_string()))
        .collect();
    // The sort is stable: equal ones stay in the order of addresses.
    addresses.sort_by_key(|(n, _)| std::cmp::Reverse(*n));
    let more = addresses.len().saturating_sub(MAX_NAMED);
    let mut names: Vec<String> = addresses
        .into_iter()
        .take(MAX_NAMED)
        .map(|(_, address)| address)
        .collect();
    if more > 0 {
        names.push(format!("and {more} more"));
    }
    names.join(", ")
}
