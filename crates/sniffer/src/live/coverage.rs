//! What this node sees, and what it does not, for the mapper.

use map::Time;
use wire::input::{NodeCoverage, ReasonCountInput};
use wire::{Int, Report, Text};

use super::figures::Figures;
use super::report::Identity;
use crate::sockets::SocketFate;
use crate::{DnsFate, HandshakeFate, SocketEventFate};

/// The report of this node.
pub(crate) fn coverage(figures: &Figures, identity: &Identity, spooled: u64, now: Time) -> Report {
    let packets = figures.packets.lock().clone();
    let sockets = figures.sockets.lock().clone();
    let rights = figures.sources.lock().names();
    let seen = figures.reports.lock().seen.clone();
    let seen = seen
        .iter()
        .map(|(evidence, count)| ReasonCountInput::new(evidence.as_str(), count));
    let dropped = [
        ("packets lost to a full ring", packets.lost),
        (
            DnsFate::TableFull.as_str(),
            packets.dns.get(&DnsFate::TableFull),
        ),
        ("questions lost to a full table", packets.questions.lost),
        (
            DnsFate::Unasked.as_str(),
            packets.dns.get(&DnsFate::Unasked),
        ),
        (
            DnsFate::Malformed.as_str(),
            packets.dns.get(&DnsFate::Malformed),
        ),
        ("handshakes lost to a full table", packets.lost_handshakes),
        (
            HandshakeFate::Unmatched.as_str(),
            packets.handshakes.get(&HandshakeFate::Unmatched),
        ),
        (
            "open connections lost to a full table",
            sockets.rows.get(&SocketFate::TableFull),
        ),
        (
            "open connections of unknown direction",
            sockets.rows.get(&SocketFate::NoDirection),
        ),
        ("processes that may not be looked at", sockets.hidden),
        (
            "socket events lost to a full ring or table",
            packets.event_counts.lost
                + packets.event_counts.accepted_lost
                + packets.event_counts.forgotten
                + packets.events.get(&SocketEventFate::TableFull),
        ),
        ("network namespaces not read yet", sockets.unread),
    ];
    let dropped = dropped.into_iter().filter(|(_, count)| *count > 0);
    Report::Coverage(NodeCoverage {
        node_name: Text(identity.node.clone()),
        reporter_id: Text(identity.reporter.clone()),
        at: wire::Time(now),
        seen: seen.collect(),
        dropped: dropped
            .map(|(why, count)| ReasonCountInput::new(why, count))
            .collect(),
        spooled: Int::from(spooled),
        rights: rights.into_iter().map(Text::from).collect(),
        last_scan: sockets.complete.map(wire::Time),
        version: Text::from(app::VERSION),
        role: None,
    })
}
