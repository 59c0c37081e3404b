//! What the program writes for each connection, and what it means.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::bytes::{array, be16, ipv4, ipv6};
use crate::proc;

/// Places in a record. The program and this module are the only ones that know them.
pub(super) mod at {
    /// Nanoseconds since the system started, of 64 bits.
    pub(crate) const TIME: i16 = 0;
    pub(crate) const FAMILY: i16 = 8;
    /// The states after and before, one byte each.
    pub(crate) const NEW_STATE: i16 = 10;
    pub(crate) const OLD_STATE: i16 = 11;
    /// In network order.
    pub(crate) const LOCAL_PORT: i16 = 12;
    pub(crate) const REMOTE_PORT: i16 = 14;
    /// The next byte of the client that is not acknowledged.
    pub(crate) const SEQUENCE: i16 = 16;
    /// The socket's error.
    pub(crate) const ERROR: i16 = 20;
    /// How many bytes of the client were acknowledged, of 64 bits.
    pub(crate) const ACKNOWLEDGED: i16 = 24;
    pub(crate) const NAMESPACE: i16 = 32;
    pub(crate) const LOCAL: i16 = 40;
    pub(crate) const REMOTE: i16 = 56;
    /// The names of the process's control group and of those around it.
    pub(crate) const GROUPS: i16 = 72;
}

/// A record without control groups.
pub(super) const SHORT: i16 = at::GROUPS;

/// Control groups that are told: a container's, its pod's, and one more where a container makes groups of its own.
pub(super) const GROUPS: i16 = 3;

/// The longest name of a control group that is told, with the zero behind it. That of a pod has some 75 bytes.
pub(super) const NAME: i16 = 96;

/// A whole record.
pub(super) const RECORD: i16 = SHORT + GROUPS * NAME;

/// States (kernel: `include/net/tcp_states.h`).
pub(super) const ESTABLISHED: i32 = 1;
pub(super) const SYN_SENT: i32 = 2;
pub(super) const SYN_RECEIVED: i32 = 3;
const CLOSED: i32 = 7;

const ECONNREFUSED: i32 = 111;

/// A record that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a record of the socket-state tracepoint cannot be read")]
pub struct BadRecord;

/// Something that happened to a connection at one of its sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SocketEvent {
    /// When, since the system started.
    pub at: Duration,
    /// The inode of the network namespace.
    pub namespace: u32,
    /// This end.
    pub local: SocketAddr,
    /// The other end.
    pub remote: SocketAddr,
    /// The client's initial sequence number, which no translation changes.
    pub sequence: u32,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// A connection that was opened here was accepted, refused, or given up.
    Opened {
        /// What came of it.
        outcome: Opened,
        /// The pod of the process that opened it, as [`proc::pod_uid`] reads it.
        pod: Option<u128>,
    },
    /// A listener here has accepted a connection.
    Accepted,
}

/// What came of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opened {
    /// The server answered.
    Accepted,
    /// The server, or somebody on the way, refused.
    Refused,
    /// Nobody answered, or the process would not wait.
    GivenUp,
}

/// Reads a record.
pub fn event(record: &[u8]) -> Result<SocketEvent, BadRecord> {
    read(record).ok_or(BadRecord)
}

fn read(record: &[u8]) -> Option<SocketEvent> {
    // One that was cut tells nothing, wherever that was.
    let _whole = record.get(..usize::try_from(SHORT).ok()?)?;
    let bytes_at = |place: i16| record.get(usize::try_from(place).ok()?..);
    let word = |place| Some(u32::from_ne_bytes(array(bytes_at(place)?, 0)?));
    let long = |place| Some(u64::from_ne_bytes(array(bytes_at(place)?, 0)?));
    let family = u16::from_ne_bytes(array(bytes_at(at::FAMILY)?, 0)?);
    let end = |address, port| {
        let address = bytes_at(address)?;
        let ip: IpAddr = match family {
            2 => ipv4(address, 0)?.into(),
            10 => ipv6(address, 0)?.to_canonical(),
            _ => return None,
        };
        Some(SocketAddr::new(ip, be16(bytes_at(port)?, 0)?))
    };
    let [new, old] = array::<2>(bytes_at(at::NEW_STATE)?, 0)?.map(i32::from);
    let error = i32::from_ne_bytes(array(bytes_at(at::ERROR)?, 0)?);
    let what = match (old, new) {
        (SYN_RECEIVED, ESTABLISHED) => What::Accepted,
        (SYN_SENT, _) => What::Opened {
            outcome: match new {
                ESTABLISHED => Opened::Accepted,
                CLOSED if error == ECONNREFUSED => Opened::Refused,
                _ => Opened::GivenUp,
            },
            pod: names(bytes_at(at::GROUPS)?).find_map(proc::pod_of_group),
        },
        _ => return None,
    };
    // What was acknowledged is the SYN, and with TCP Fast Open data too.
    let acknowledged = u32::try_from(long(at::ACKNOWLEDGED)? & u64::from(u32::MAX)).ok()?;
    Some(SocketEvent {
        at: Duration::from_nanos(long(at::TIME)?),
        namespace: word(at::NAMESPACE)?,
        local: end(at::LOCAL, at::LOCAL_PORT)?,
        remote: end(at::REMOTE, at::REMOTE_PORT)?,
        sequence: word(at::SEQUENCE)?.wrapping_sub(acknowledged),
        what,
    })
}

/// The names of control groups, the innermost first.
fn names(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let most = usize::try_from(GROUPS).unwrap_or_default();
    let length = usize::try_from(NAME).unwrap_or(1);
    bytes
        .chunks(length)
        .take(most)
        .filter_map(|name| name.split(|byte| *byte == 0).next())
}
