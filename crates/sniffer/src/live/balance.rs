//! Every number on the page of metrics has its place: in = out + dropped + held, whatever is full.

use std::collections::BTreeSet;
use std::hash::RandomState;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use app::clock;
use app::metrics::Metrics;
use kernel::packet::{self, LinkType};
use kernel::ring::RingCounts;
use kernel::socket_events::EventCounts;
use map::Time;
use testkit::balance::{names, unbalanced, value};
use testkit::dns::{A, answer, failure, query};
use testkit::frames::{ACK, RST, SYN, Segment, tcp, udp};
use testkit::sockets::{ESTABLISHED, LISTEN, table};
use tokio::sync::mpsc;
use wire::client::{Reporter, Settings, reporter};

use super::batch::{Batch, hand_over};
use super::capture::tell;
use super::figures::Figures;
use super::metrics;
use super::node::Node;
use super::owners::Owners;
use super::report::Identity;
use super::reporting::{Reporting, Switches};
use super::scan::Hints;
use crate::limits::{HANDSHAKE_WINDOW, MAX_HANDSHAKES, QUESTION_WINDOW, REFRESH};
use crate::sockets::{Namespace, Scanner, Table};
use crate::{Aggregate, Collector, PacketFate};

/// All parts of a sniffer but the kernel's, with room for as much as a test wants.
struct Parts {
    figures: Figures,
    metrics: Metrics,
    client: Reporter,
    collector: Collector<RandomState>,
    packets: Aggregate<RandomState>,
    scanner: Scanner,
    sockets: Aggregate<RandomState>,
    batches: mpsc::Sender<Batch>,
    to_report: Option<mpsc::Receiver<Batch>>,
    remember: usize,
    passed: u32,
    now: Time,
}

/// How much there is room for.
struct Room {
    observations: usize,
    remembered: usize,
    batches: usize,
    spool: usize,
}

const PLENTY: Room = Room {
    observations: 1_000,
    remembered: 1_000,
    batches: 8,
    spool: 1 << 20,
};

fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

const CLIENT: &str = "10.244.0.5:40000";
const SERVER: &str = "10.244.0.9:8080";
const RESOLVER: &str = "10.96.0.10:53";

impl Parts {
    fn new(room: &Room) -> Self {
        let hasher = RandomState::new();
        let (figures, metrics) = (Figures::default(), Metrics::empty());
        let settings = Settings {
            memory: room.spool,
            ..Settings::new("http://mapper:9090/query".parse().unwrap())
        };
        // Nobody is asked: what would deliver does not run.
        let (client, _) = reporter(settings, clock::now, 7).unwrap();
        metrics::register(&metrics, &figures, &client).unwrap();
        let (batches, to_report) = mpsc::channel(room.batches);
        Self {
            figures,
            metrics,
            client,
            collector: Collector::new(&hasher),
            packets: Aggregate::with_room(hasher.clone(), room.observations),
            scanner: Scanner::new(),
            sockets: Aggregate::with_room(hasher, room.observations),
            batches,
            to_report: Some(to_report),
            remember: room.remembered,
            passed: 0,
            now: clock::now(),
        }
    }

    fn waits(&mut self, time: Duration) -> &mut Self {
        self.now = self.now.plus(time);
        self
    }

    fn captures(&mut self, packet: &[u8]) -> &mut Self {
        self.passed += 1;
        let packet = packet::parse(LinkType::RawIp, packet).map_err(PacketFate::Unreadable);
        self.collector
            .packet(self.now, packet, |_| None, &mut self.packets);
        self
    }

    fn segment(&mut self, from: &str, to: &str, flags: u8, number: u32) -> &mut Self {
        let (sequence, acknowledgement) = match flags {
            SYN => (number, 0),
            RST => (number + 1, 0),
            _ => (0, number + 1),
        };
        let segment = Segment {
            flags,
            sequence,
            acknowledgement,
            ..Segment::default()
        };
        self.captures(&tcp(at(from), at(to), segment))
    }

    fn syn(&mut self, number: u32) -> &mut Self {
        self.segment(CLIENT, SERVER, SYN, number)
    }

    /// To a server of its own for each number.
    fn connects(&mut self, number: u16) -> &mut Self {
        let server = SocketAddr::from(([10, 244, 1, 1], number));
        let sequence = u32::from(number) << 8;
        self.segment(CLIENT, &server.to_string(), SYN, sequence)
            .segment(&server.to_string(), CLIENT, SYN | ACK, sequence)
    }

    fn asks(&mut self, id: u16) -> &mut Self {
        self.captures(&udp(at(CLIENT), at(RESOLVER), &query(id, "a.example", A)))
    }

    fn is_answered(&mut self, id: u16, addresses: usize) -> &mut Self {
        let all: Vec<_> = (0..addresses)
            .map(|n| [10, 96, 1, u8::try_from(n).unwrap()].into())
            .collect();
        let message = if addresses == 0 {
            failure(id, "a.example", 3)
        } else {
            answer(id, "a.example", &all, 30)
        };
        self.captures(&udp(at(RESOLVER), at(CLIENT), &message))
    }

    /// One listens, and so many are connected to others.
    fn scans(&mut self, connections: u16) -> &mut Self {
        let mut rows = vec![(at("0.0.0.0:8080"), at("0.0.0.0:0"), LISTEN, 1)];
        for n in 0..connections {
            let local = SocketAddr::from(([10, 244, 0, 5], 50_000 + n));
            let server = SocketAddr::from(([10, 244, 2, 2], 1 + n));
            rows.push((local, server, ESTABLISHED, 2));
        }
        let namespace = Namespace {
            inode: 1,
            tcp: [Table::Text(table(&rows).into_bytes()), Table::default()],
            ..Namespace::default()
        };
        let fates = self.scanner.scan(&[namespace], self.now, &mut self.sockets);
        self.figures.sockets.lock().rows.merge(&fates);
        self
    }

    /// Both threads hand over what they can, and tell.
    fn goes_round(&mut self) -> &mut Self {
        self.collector.expire(self.now, &mut self.packets);
        assert!(hand_over(&mut self.packets, &self.batches));
        assert!(hand_over(&mut self.sockets, &self.batches));
        let counts = RingCounts {
            packets: std::mem::take(&mut self.passed),
            lost: 0,
        };
        self.tells(counts)
    }

    fn tells(&mut self, counts: RingCounts) -> &mut Self {
        tell(
            &self.collector,
            &self.packets,
            (counts, EventCounts::default()),
            &self.figures,
            Duration::ZERO,
        );
        let mut sockets = self.figures.sockets.lock();
        sockets.sightings = self.sockets.counts();
        sockets.held = self.sockets.len() as u64;
        drop(sockets);
        self
    }

    /// The reporting takes all that was handed over, and ends.
    fn reports(&mut self, switches: Switches) -> &mut Self {
        let reporting = Reporting {
            identity: Identity {
                node: "node".into(),
                reporter: "reporter".into(),
            },
            switches,
            client: self.client.clone(),
            owners: Owners::default(),
            hints: Hints::default(),
            node: Node::new(Path::new("/proc"), None),
            figures: self.figures.clone(),
            refresh: Duration::from_secs(1),
            remember: self.remember,
        };
        let (closed, _) = mpsc::channel(1);
        self.batches = closed;
        let batches = self.to_report.take().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(reporting.run(batches));
        self
    }

    /// Everything adds up; gives the page.
    fn balances(&self) -> String {
        let page = self.metrics.text();
        assert_eq!(unbalanced(&page), Vec::<String>::new());
        page
    }
}

const ALL: Switches = Switches {
    dns: true,
    tcp: true,
    sockets: true,
};

/// A day in the life: all fates of handshakes and questions that need no flood.
fn live(parts: &mut Parts) {
    parts
        .connects(1)
        .connects(1)
        .connects(2)
        .segment(CLIENT, SERVER, SYN, 77)
        .segment(SERVER, CLIENT, RST | ACK, 77)
        // Refused, and then accepted after all.
        .segment(SERVER, CLIENT, SYN | ACK, 77)
        .segment(SERVER, CLIENT, SYN | ACK, 99)
        // Somebody else sent it in the client's name.
        .syn(500)
        .segment(SERVER, CLIENT, SYN | ACK, 500)
        .segment(CLIENT, SERVER, RST, 500)
        .syn(600)
        .syn(600)
        .asks(1)
        .asks(1)
        .is_answered(1, 3)
        .is_answered(1, 3)
        .asks(2)
        .is_answered(2, 0)
        .is_answered(3, 1)
        .asks(4)
        .captures(b"\x45nonsense")
        .captures(&udp(at("10.244.0.5:1"), at("10.244.0.6:2"), b"other"))
        .scans(4)
        .goes_round();
    // Accepted at the very end of its window.
    parts
        .syn(700)
        .waits(HANDSHAKE_WINDOW)
        .segment(SERVER, CLIENT, SYN | ACK, 700)
        .waits(Duration::from_millis(1))
        .goes_round()
        .waits(HANDSHAKE_WINDOW.max(QUESTION_WINDOW) + Duration::from_secs(1))
        .goes_round();
}

#[test]
fn the_equations_are_about_metrics_that_there_are() {
    let parts = Parts::new(&PLENTY);
    let all = parts.metrics.descriptions();
    let all: BTreeSet<String> = all.into_iter().map(|one| one.name).collect();
    let unknown: Vec<_> = names().difference(&all).cloned().collect();
    assert_eq!(unknown, Vec::<String>::new());
}

#[test]
fn what_came_in_went_out_or_is_held() {
    let mut parts = Parts::new(&PLENTY);
    live(&mut parts);
    parts.connects(9).goes_round();
    let page = parts.metrics.text();
    // Before the reporting has taken them, only that stop is behind.
    let behind = unbalanced(&page);
    assert_eq!(behind.len(), 1, "{behind:?}");
    assert!(
        behind[0].starts_with("packet_observations_total + "),
        "{behind:?}"
    );
    parts.reports(ALL);
    let page = parts.balances();
    for (term, wanted) in [
        ("handshake_ends_total[told]", 4),
        ("handshake_ends_total[reversed]", 1),
        ("handshake_ends_total[unanswered]", 1),
        ("handshake_packets_total[disowned by the client]", 1),
        ("question_ends_total[answered]", 2),
        ("question_ends_total[unanswered]", 1),
        ("dns_messages_total[unasked answers]", 1),
        ("dns_addresses_total", 3),
        ("handshakes_untold", 1),
        ("socket_sightings_total[new]", 4),
    ] {
        assert_eq!(value(&page, term), wanted, "{term}\n{page}");
    }
    // As the replaced sniffer: one source with answers, one with open connections.
    for line in [
        "dns_reported_connections 1",
        "socketscan_reported_connections 1",
    ] {
        assert!(page.lines().any(|one| one == line), "{line}\n{page}");
    }
}

#[test]
fn what_a_full_ring_lost_is_counted_apart() {
    let mut parts = Parts::new(&PLENTY);
    parts.connects(1).goes_round();
    parts
        .tells(RingCounts {
            packets: 7,
            lost: 7,
        })
        .reports(ALL);
    assert_eq!(value(&parts.balances(), "packets_lost_total"), 7);
}

#[test]
fn what_floods_push_out_is_counted() {
    let mut parts = Parts::new(&PLENTY);
    parts.connects(1);
    let flood = u32::try_from(MAX_HANDSHAKES).unwrap();
    for n in 0..flood + 5 {
        parts.segment("10.244.0.6:41000", SERVER, SYN, 1_000_000 + 2 * n);
    }
    for port in 1..=3_u16 {
        for id in 0..=u16::MAX {
            let client = SocketAddr::from(([10, 244, 0, 7], port));
            parts.captures(&udp(client, at(RESOLVER), &query(id, "a.example", A)));
        }
    }
    parts.goes_round().reports(ALL);
    let page = parts.balances();
    // The first was accepted a moment ago, and the clock stands still.
    assert_eq!(value(&page, "handshake_ends_total[pushed out untold]"), 1);
    assert_eq!(value(&page, "handshake_ends_total[pushed out]"), 5);
    assert_eq!(value(&page, "question_ends_total[pushed out]"), 2 * 65_536);
}

#[test]
fn what_finds_the_tables_of_observations_full_is_counted() {
    let mut parts = Parts::new(&Room {
        observations: 2,
        ..PLENTY
    });
    for number in 1..6 {
        parts.connects(number);
    }
    parts
        .waits(Duration::from_secs(1))
        .goes_round_without_room();
    live(&mut parts);
    parts
        .asks(9)
        .is_answered(9, 5)
        .scans(7)
        .goes_round()
        .reports(ALL);
    let page = parts.balances();
    assert!(value(&page, "handshake_ends_total[accepted and lost]") > 0);
    assert!(value(&page, "packet_sightings_total[lost to a full table]") > 0);
    assert!(value(&page, "dns_messages_total[answers lost to a full table]") > 0);
    assert!(value(&page, "socket_sightings_total[lost to a full table]") > 0);
}

impl Parts {
    /// As when the reporting is behind.
    fn goes_round_without_room(&mut self) -> &mut Self {
        self.collector.expire(self.now, &mut self.packets);
        self.tells(RingCounts::default())
    }
}

#[test]
fn what_finds_the_channel_full_is_held() {
    let mut parts = Parts::new(&Room {
        batches: 1,
        ..PLENTY
    });
    parts.connects(1).waits(Duration::from_secs(1)).goes_round();
    parts
        .connects(2)
        .scans(3)
        .waits(Duration::from_secs(1))
        .goes_round();
    parts.reports(ALL);
    let page = parts.balances();
    let held = ["packet_observations_held", "socket_observations_held"];
    assert_eq!(held.map(|term| value(&page, term)), [1, 3]);
}

#[test]
fn what_is_not_remembered_is_counted_and_told_all_the_same() {
    let mut parts = Parts::new(&Room {
        remembered: 1,
        ..PLENTY
    });
    for _ in 0..3 {
        for number in 1..5 {
            parts.connects(number).waits(REFRESH);
        }
        parts.goes_round();
    }
    parts.reports(ALL);
    let page = parts.balances();
    assert!(value(&page, "not_remembered_total") > 3);
    assert!(value(&page, "seen_again_total") > 0);
}

#[test]
fn what_finds_the_spool_full_is_counted() {
    let mut parts = Parts::new(&Room {
        spool: 2_000,
        ..PLENTY
    });
    for number in 1..100 {
        parts.connects(number);
    }
    parts.waits(Duration::from_secs(1)).goes_round();
    parts.scans(50).goes_round().reports(ALL);
    let page = parts.balances();
    assert!(value(&page, "dropped_total[spool_full]") > 0, "{page}");
}

#[test]
fn what_is_switched_off_or_the_nodes_own_is_counted() {
    let mut parts = Parts::new(&PLENTY);
    let (one, other) = ("127.0.0.1:40000", "127.0.0.1:80");
    parts
        .segment(one, other, SYN, 5)
        .segment(other, one, SYN | ACK, 5)
        .asks(1)
        .is_answered(1, 2)
        .waits(Duration::from_secs(1))
        .goes_round()
        .reports(Switches { dns: false, ..ALL });
    let page = parts.balances();
    assert_eq!(value(&page, "observations_disabled_total"), 2);
    assert_eq!(value(&page, "observations_loopback_total"), 1);
}
