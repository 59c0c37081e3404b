//! What the kernel answers to a question for sockets (kernel: `include/uapi/linux/{netlink,inet_diag}.h`), read in place.

use std::net::{IpAddr, SocketAddr};

use crate::bytes::{array, be16, ipv4, ipv6};
use crate::socket_table::{BadRow, Socket, SocketState};

/// `struct nlmsghdr`.
const HEADER: usize = 16;

/// `struct inet_diag_msg`, without the attributes behind it.
const SOCKET: usize = 72;

/// `SOCK_DIAG_BY_FAMILY`, in questions and answers alike.
pub(super) const SOCK_DIAG_BY_FAMILY: u16 = 20;

const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;

/// `AF_INET` and `AF_INET6`.
pub(super) const FAMILIES: [u8; 2] = [2, 10];

/// One message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message {
    /// A socket; one that cannot be read spoils only itself.
    Socket(Result<Socket, BadRow>),
    /// There are no more.
    Done,
    /// There are none, for this reason of `errno(3)`.
    Refused(i32),
}

/// A message says that it is longer than what came, or shorter than its own head.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an answer about sockets cannot be read")]
pub struct BadAnswer;

/// The messages of one datagram that answer the question of this number; others are skipped. After an end, or
/// [`BadAnswer`], there are no more: where the next would begin is not known.
pub fn messages(datagram: &[u8], question: u32) -> Messages<'_> {
    Messages {
        rest: datagram,
        question,
    }
}

/// Iterates over the messages of a datagram.
#[derive(Clone, Debug)]
pub struct Messages<'a> {
    rest: &'a [u8],
    question: u32,
}

impl Iterator for Messages<'_> {
    type Item = Result<Message, BadAnswer>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.rest.is_empty() {
            let Some((head, payload)) = self.cut() else {
                self.rest = &[];
                return Some(Err(BadAnswer));
            };
            if head.question != self.question {
                continue;
            }
            match head.kind {
                SOCK_DIAG_BY_FAMILY => {
                    return Some(Ok(Message::Socket(socket(payload).ok_or(BadRow))));
                }
                NLMSG_ERROR | NLMSG_DONE => {
                    // Behind an end there is nothing, whether it can be read or not.
                    self.rest = &[];
                    return Some(end(head.kind, payload).ok_or(BadAnswer));
                }
                _ => {}
            }
        }
        None
    }
}

struct Head {
    kind: u16,
    question: u32,
}

impl<'a> Messages<'a> {
    /// Takes the message at the front, which is padded to four bytes.
    fn cut(&mut self) -> Option<(Head, &'a [u8])> {
        let length = usize::try_from(u32::from_ne_bytes(array(self.rest, 0)?)).ok()?;
        let head = Head {
            kind: u16::from_ne_bytes(array(self.rest, 4)?),
            question: u32::from_ne_bytes(array(self.rest, 8)?),
        };
        let payload = self.rest.get(HEADER..length)?;
        // The last one need not be padded.
        let next = length.checked_next_multiple_of(4)?;
        self.rest = self.rest.get(next..).unwrap_or_default();
        Some((head, payload))
    }
}

/// Both end with a number: zero, or a reason below zero.
fn end(kind: u16, payload: &[u8]) -> Option<Message> {
    match i32::from_ne_bytes(array(payload, 0)?) {
        0 if kind == NLMSG_DONE => Some(Message::Done),
        // An acknowledgement, for which nobody asked.
        0 => None,
        reason => Some(Message::Refused(reason.checked_neg()?)),
    }
}

/// `family state timer retrans | source-port destination-port source[16] destination[16] interface cookie[8] | expires
/// rqueue wqueue uid inode`
fn socket(payload: &[u8]) -> Option<Socket> {
    let payload = payload.get(..SOCKET)?;
    let [family, state] = array(payload, 0)?;
    let address = |place| -> Option<IpAddr> {
        match family {
            2 => Some(ipv4(payload, place)?.into()),
            10 => Some(ipv6(payload, place)?.to_canonical()),
            _ => None,
        }
    };
    Some(Socket {
        local: SocketAddr::new(address(8)?, be16(payload, 4)?),
        remote: SocketAddr::new(address(24)?, be16(payload, 6)?),
        state: SocketState::from_number(state),
        inode: u32::from_ne_bytes(array(payload, 68)?).into(),
    })
}
