use std::hash::RandomState;

use kernel::socket_table::SocketState;
use map::Time;
use map::tally::Tally;
use sniffer::Aggregate;
use sniffer::sockets::{Namespace, Scanner, SocketFate, Table};
use testkit::sockets::{CLOSE, ESTABLISHED, LISTEN, Row, TIME_WAIT, table};

use crate::node::{at, text};

const POD: &str = "00000000-0000-0000-0000-000000000005";

fn row(local: &str, remote: &str, state: u8) -> Row {
    (at(local), at(remote), state, 9)
}

fn namespace(inode: u64, rows: &[Row]) -> Namespace {
    Namespace {
        inode,
        pods: vec![POD.parse().unwrap()],
        tcp: [table(rows).into_bytes().into(), Table::default()],
        ..Namespace::default()
    }
}

struct Scans {
    scanner: Scanner,
    second: i64,
}

impl Scans {
    fn new() -> Self {
        Self {
            scanner: Scanner::new(),
            second: 0,
        }
    }

    fn scan(&mut self, namespaces: &[Namespace]) -> (Vec<String>, Tally<SocketFate>) {
        self.second += 10;
        let mut aggregate = Aggregate::new(RandomState::new());
        let fates = self
            .scanner
            .scan(namespaces, Time::from_secs(self.second), &mut aggregate);
        let connections =
            aggregate
                .drain()
                .into_iter()
                .map(|observation| match observation.target {
                    map::Target::Connection(connection) => {
                        format!("{} → {}", observation.source.address, text(&connection))
                    }
                    map::Target::Answer(answer) => panic!("{answer:?}"),
                });
        (connections.collect(), fates)
    }
}

#[test]
fn the_side_that_listens_is_the_server() {
    let server = namespace(
        1,
        &[
            row("0.0.0.0:8080", "0.0.0.0:0", LISTEN),
            row("10.244.0.9:8080", "10.244.0.5:40000", ESTABLISHED),
        ],
    );
    let client = namespace(2, &[row("10.244.0.5:40000", "10.96.0.20:80", ESTABLISHED)]);
    let (connections, fates) = Scans::new().scan(&[server, client]);
    // The server's row of the same connection tells who is behind the Service.
    assert_eq!(
        connections,
        ["10.244.0.5 → 10.96.0.20:80 (10.244.0.9:8080) accepted"]
    );
    assert_eq!(
        (
            fates.get(&SocketFate::Client),
            fates.get(&SocketFate::Server)
        ),
        (1, 1)
    );
}

#[test]
fn a_server_that_stopped_listening_is_still_the_server() {
    let mut scans = Scans::new();
    let connection = row("10.244.0.9:34567", "10.244.0.5:40000", ESTABLISHED);
    scans.scan(&[namespace(
        1,
        &[row("0.0.0.0:34567", "0.0.0.0:0", LISTEN), connection],
    )]);
    let (connections, fates) = scans.scan(&[namespace(1, &[connection])]);
    assert_eq!(connections, [""; 0]);
    assert_eq!(fates.get(&SocketFate::Server), 1);
}

/// The other end of a closing connection may have gone, and its address have passed to somebody else.
#[test]
fn only_open_connections_count() {
    let rows: Vec<Row> = (2..=TIME_WAIT)
        .map(|state| row("10.244.0.5:40000", "10.96.0.20:80", state))
        .collect();
    let (connections, fates) = Scans::new().scan(&[namespace(1, &rows)]);
    assert_eq!(connections, [""; 0]);
    assert_eq!(fates.get(&SocketFate::NotEstablished), rows.len() as u64);
}

#[test]
fn callers_from_outside_are_told_by_the_servers_row() {
    let rows = [
        row("0.0.0.0:8080", "0.0.0.0:0", LISTEN),
        row("10.244.0.9:8080", "93.184.216.34:50000", ESTABLISHED),
    ];
    let (connections, _) = Scans::new().scan(&[namespace(1, &rows)]);
    assert_eq!(connections, ["93.184.216.34 → 10.244.0.9:8080 accepted"]);
}

#[test]
fn inside_one_pod_and_to_dns_is_no_call() {
    let rows = [
        row("127.0.0.1:40000", "127.0.0.1:5432", ESTABLISHED),
        row("10.244.0.5:40000", "10.244.0.5:8080", ESTABLISHED),
        row("10.244.0.5:40001", "10.96.0.10:53", ESTABLISHED),
        row("10.244.0.5:50", "10.96.0.10:80", ESTABLISHED),
    ];
    let (connections, fates) = Scans::new().scan(&[namespace(1, &rows)]);
    assert_eq!(connections, [""; 0]);
    assert_eq!(fates.get(&SocketFate::Local), 2);
    assert_eq!(fates.get(&SocketFate::Dns), 1);
    assert_eq!(fates.get(&SocketFate::NoDirection), 1);
}

#[test]
fn the_sum_of_fates_is_the_rows() {
    let mut broken = namespace(1, &[row("10.244.0.5:40000", "10.96.0.20:80", ESTABLISHED)]);
    let Table::Text(text) = &mut broken.tcp[0] else {
        panic!("it is made as text");
    };
    text.extend(b"  7: not a row\n\n  8: 0500F40A:9C40\n");
    let (connections, fates) = Scans::new().scan(&[broken]);
    assert_eq!(connections, ["10.244.0.5 → 10.96.0.20:80 accepted"]);
    assert_eq!((fates.get(&SocketFate::Malformed), fates.total()), (2, 3));
}

/// Socket diagnostics hand over rows instead of text, without the states that count for nothing.
#[test]
fn rows_are_read_as_text_is() {
    let as_rows = |namespace: &Namespace| {
        let rows = |table: &Table| match table {
            Table::Text(text) => kernel::socket_table::sockets(text)
                .filter(|row| {
                    row.is_err() || row.is_ok_and(|row| row.state != SocketState::TimeWait)
                })
                .collect(),
            Table::Rows(rows) => rows.clone(),
        };
        Namespace {
            tcp: namespace
                .tcp
                .each_ref()
                .map(|table| Table::Rows(rows(table))),
            udp: namespace
                .udp
                .each_ref()
                .map(|table| Table::Rows(rows(table))),
            ..namespace.clone()
        }
    };
    let mut server = namespace(
        1,
        &[
            row("0.0.0.0:8080", "0.0.0.0:0", LISTEN),
            row("10.244.0.9:8080", "10.244.0.5:40000", ESTABLISHED),
            row("10.244.0.9:8080", "93.184.216.34:50000", ESTABLISHED),
            row("10.244.0.9:8080", "10.244.0.6:40000", TIME_WAIT),
        ],
    );
    let udp = [
        row("10.244.0.9:33000", "10.96.0.30:8125", ESTABLISHED),
        row("0.0.0.0:9000", "0.0.0.0:0", CLOSE),
    ];
    server.udp[0] = table(&udp).into_bytes().into();
    let client = namespace(2, &[row("10.244.0.5:40000", "10.96.0.20:80", ESTABLISHED)]);
    let (text, fates) = Scans::new().scan(&[server.clone(), client.clone()]);
    let (rows, fates_of_rows) = Scans::new().scan(&[as_rows(&server), as_rows(&client)]);
    assert_eq!(rows, text);
    assert_eq!(rows.len(), 3);
    let told = |fates: &Tally<SocketFate>| {
        fates
            .iter()
            .filter(|(fate, _)| **fate != SocketFate::NotEstablished)
            .map(|(fate, count)| (*fate, count))
            .collect::<Vec<_>>()
    };
    assert_eq!(told(&fates_of_rows), told(&fates));
}
