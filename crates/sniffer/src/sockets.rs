//! Open connections, from the socket tables of a node's network namespaces.
//!
//! A row says who talks to whom, not who called. The side whose local port is being listened on in the same
//! namespace is the server. The client's row names the address that was meant; the server's row of the same
//! connection, when its namespace is on this node too, names the real server behind a translated address.
//!
//! Only established connections count: a row in any later state can outlive the other end, whose address may
//! belong to somebody else by then. For the same reason a server's row alone is no observation when its client
//! has a private address: the client's node reports it.

use std::collections::{HashMap, HashSet};
use std::hash::BuildHasher;
use std::net::{IpAddr, SocketAddr};

use kernel::socket_table::{BadRow, Socket, SocketState, sockets};
use map::tally::Tally;
use map::{Connection, Evidence, Outcome, PodUid, Protocol, Source, Time};

use crate::aggregate::{Aggregate, Aggregated};
use crate::limits::{MAX_NAMESPACES, MAX_SOCKETS};

/// The sockets of one protocol and family in a namespace.
#[derive(Clone, Debug)]
pub enum Table {
    /// As `/proc/<pid>/net/tcp` and its like print them.
    Text(Vec<u8>),
    /// As socket diagnostics told them.
    Rows(Vec<Result<Socket, BadRow>>),
}

impl Table {
    fn rows(&self) -> impl Iterator<Item = Result<Socket, BadRow>> {
        let (text, rows) = match self {
            Self::Text(text) => (text.as_slice(), [].as_slice()),
            Self::Rows(rows) => ([].as_slice(), rows.as_slice()),
        };
        sockets(text).chain(rows.iter().copied())
    }
}

impl Default for Table {
    fn default() -> Self {
        Self::Rows(Vec::new())
    }
}

impl From<Vec<u8>> for Table {
    fn from(text: Vec<u8>) -> Self {
        Self::Text(text)
    }
}

/// The socket tables of one network namespace.
#[derive(Clone, Debug, Default)]
pub struct Namespace {
    /// The inode of `/proc/<pid>/net/tcp`, which tells namespaces apart without privilege.
    pub inode: u64,
    /// The pods whose processes live in it, without repeats. Several pods share only the node's own.
    pub pods: Vec<PodUid>,
    /// `tcp`, `tcp6`.
    pub tcp: [Table; 2],
    /// `udp`, `udp6`.
    pub udp: [Table; 2],
}

/// What became of one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SocketFate {
    /// The client's row of an open connection: an observation.
    Client,
    /// The server's row of a connection from a public address: an observation.
    Inbound,
    /// The server's row of a connection that its client's row tells.
    Server,
    /// A listening socket, or one that is not connected.
    Listening,
    /// Not established: about to open, or closing.
    NotEstablished,
    /// Between two ends inside one namespace.
    Local,
    /// To a DNS server: the answers tell more.
    Dns,
    /// Nobody listens on the local port, and the ports do not tell who called.
    NoDirection,
    /// A row that cannot be read.
    Malformed,
    /// Beyond the bound on connections in one scan, or a full table of observations.
    TableFull,
}

impl SocketFate {
    /// The words for it in summaries and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Client => "open connections",
            Self::Inbound => "open connections from outside",
            Self::Server => "the server's side",
            Self::Listening => "listening or not connected",
            Self::NotEstablished => "not established",
            Self::Local => "inside one pod",
            Self::Dns => "to a DNS server",
            Self::NoDirection => "of unknown direction",
            Self::Malformed => "malformed rows",
            Self::TableFull => "lost to a full table",
        }
    }
}

/// The first port that Linux gives to clients (`ip_local_port_range`, ip-sysctl.rst).
const FIRST_EPHEMERAL_PORT: u16 = 32_768;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Client,
    Server,
    Unknown,
}

/// One row with its namespace and protocol.
#[derive(Debug)]
struct Row<'a> {
    namespace: &'a Namespace,
    protocol: Protocol,
    socket: Socket,
    side: Side,
}

/// Ports that somebody listens on, or did while the namespace was watched.
type Listening = HashSet<(Protocol, u16)>;

/// The collector of open connections. It remembers listeners, so that a server that drains its last connections
/// after closing its socket is still the server.
#[derive(Debug, Default)]
pub struct Scanner {
    /// By namespace; at most [`MAX_NAMESPACES`], each with at most 65 536 ports a protocol.
    listening: HashMap<u64, Listening>,
}

impl Scanner {
    /// A scanner that has seen nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Forgets the listeners of namespaces that are gone. Inodes are used again at once: whoever knows better than by the
    /// inode alone says so here, before the next scan.
    pub fn retain(&mut self, is_there: impl Fn(u64) -> bool) {
        self.listening.retain(|inode, _| is_there(*inode));
    }

    /// Takes the tables of some or all namespaces of the node, read at `at`, into `aggregate`. Returns every row's fate.
    /// Scans must come in the order of time.
    ///
    /// Rows of both ends are brought together within one scan only: a table of earlier would tell of connections that are
    /// closed, and whose ports may be in use for others.
    pub fn scan<S: BuildHasher + Clone>(
        &mut self,
        namespaces: &[Namespace],
        at: Time,
        aggregate: &mut Aggregate<S>,
    ) -> Tally<SocketFate> {
        let mut fates = Tally::new();
        let mut rows = Vec::new();
        let (within, beyond) = namespaces.split_at(namespaces.len().min(MAX_NAMESPACES));
        for namespace in within {
            if self.listening.len() >= MAX_NAMESPACES
                && !self.listening.contains_key(&namespace.inode)
            {
                let scanned: HashSet<u64> = within.iter().map(|one| one.inode).collect();
                self.retain(|inode| scanned.contains(&inode));
            }
            let listening = self.listening.entry(namespace.inode).or_default();
            read(namespace, listening, &mut rows, &mut fates);
        }
        for namespace in beyond {
            let tables = namespace.tcp.iter().chain(&namespace.udp);
            fates.add(
                SocketFate::TableFull,
                tables.flat_map(Table::rows).count() as u64,
            );
        }
        report(&rows, at, aggregate, &mut fates);
        fates
    }
}

fn report<S: BuildHasher + Clone>(
    rows: &[Row<'_>],
    at: Time,
    aggregate: &mut Aggregate<S>,
    fates: &mut Tally<SocketFate>,
) {
    // The server's row, by the client's end of the connection. Two namespaces may hold the same client end to
    // different servers; then neither tells the real one.
    let mut servers: HashMap<(Protocol, SocketAddr), Option<SocketAddr>> = HashMap::new();
    for row in rows.iter().filter(|row| row.side == Side::Server) {
        servers
            .entry((row.protocol, row.socket.remote))
            .and_modify(|server| *server = server.filter(|one| *one == row.socket.local))
            .or_insert(Some(row.socket.local));
    }
    for row in rows {
        let fate = match row.side {
            Side::Unknown => SocketFate::NoDirection,
            Side::Client if row.socket.remote.port() == crate::dns::DNS_PORT => SocketFate::Dns,
            Side::Client => {
                let server = servers
                    .get(&(row.protocol, row.socket.local))
                    .copied()
                    .flatten();
                let reached = server.filter(|server| *server != row.socket.remote);
                let pod_uid = match row.namespace.pods[..] {
                    [uid] => Some(uid),
                    _ => None,
                };
                let source = Source {
                    address: row.socket.local.ip(),
                    pod_uid,
                };
                add(
                    source,
                    row.protocol,
                    row.socket.remote,
                    reached,
                    at,
                    aggregate,
                    SocketFate::Client,
                )
            }
            Side::Server if is_public(row.socket.remote.ip()) => {
                let source = Source {
                    address: row.socket.remote.ip(),
                    pod_uid: None,
                };
                add(
                    source,
                    row.protocol,
                    row.socket.local,
                    None,
                    at,
                    aggregate,
                    SocketFate::Inbound,
                )
            }
            Side::Server => SocketFate::Server,
        };
        fates.add(fate, 1);
    }
}

/// Reads the tables of one namespace: connections go to `rows`, all else to `fates`.
fn read<'a>(
    namespace: &'a Namespace,
    listening: &mut Listening,
    rows: &mut Vec<Row<'a>>,
    fates: &mut Tally<SocketFate>,
) {
    let first = rows.len();
    let tcp = namespace.tcp.iter().map(|table| (Protocol::Tcp, table));
    let udp = namespace.udp.iter().map(|table| (Protocol::Udp, table));
    for (protocol, table) in tcp.chain(udp) {
        for socket in table.rows() {
            let Ok(socket) = socket else {
                fates.add(SocketFate::Malformed, 1);
                continue;
            };
            match kind(&socket) {
                Some(SocketFate::Listening) => {
                    listening.insert((protocol, socket.local.port()));
                    fates.add(SocketFate::Listening, 1);
                }
                Some(fate) => fates.add(fate, 1),
                None if rows.len() >= MAX_SOCKETS => fates.add(SocketFate::TableFull, 1),
                None => rows.push(Row {
                    namespace,
                    protocol,
                    socket,
                    side: Side::Unknown,
                }),
            }
        }
    }
    for row in rows.iter_mut().skip(first) {
        row.side = side(row, listening);
    }
}

/// What the row is by itself; `None` for an open connection to somebody else.
fn kind(socket: &Socket) -> Option<SocketFate> {
    let remote = socket.remote.ip();
    match socket.state {
        SocketState::Listen => Some(SocketFate::Listening),
        // An unconnected UDP socket has no remote address.
        _ if socket.remote.port() == 0 || remote.is_unspecified() => Some(SocketFate::Listening),
        SocketState::Established if remote == socket.local.ip() || remote.is_loopback() => {
            Some(SocketFate::Local)
        }
        SocketState::Established => None,
        _ => Some(SocketFate::NotEstablished),
    }
}

/// Who called. Where the listener closed before the first scan, only the ports tell: clients get ephemeral ones.
fn side(row: &Row<'_>, listening: &Listening) -> Side {
    let (local, remote) = (row.socket.local.port(), row.socket.remote.port());
    if listening.contains(&(row.protocol, local)) {
        Side::Server
    } else if local >= FIRST_EPHEMERAL_PORT || remote < local {
        Side::Client
    } else {
        Side::Unknown
    }
}

fn add<S: BuildHasher + Clone>(
    source: Source,
    protocol: Protocol,
    meant: SocketAddr,
    reached: Option<SocketAddr>,
    at: Time,
    aggregate: &mut Aggregate<S>,
    fate: SocketFate,
) -> SocketFate {
    let connection = Connection {
        protocol,
        meant,
        reached,
        outcome: Outcome::Accepted,
        server_pod: None,
    };
    match aggregate.connection(source, connection, Evidence::Socket, at) {
        Aggregated::Full => SocketFate::TableFull,
        Aggregated::New | Aggregated::Again => fate,
    }
}

/// Whether the address is one that no cluster gives to its pods, nodes or Services by itself.
pub(crate) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            let shared = a == 100 && (64..128).contains(&b); // RFC 6598
            !(v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_unspecified()
                || shared)
        }
        IpAddr::V6(v6) => {
            !(v6.is_unique_local()
                || v6.is_unicast_link_local()
                || v6.is_loopback()
                || v6.is_unspecified())
        }
    }
}
