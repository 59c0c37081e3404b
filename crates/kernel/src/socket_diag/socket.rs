//! The socket that asks, and the namespace that it is opened in.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

use rustix::net::netlink::{SOCK_DIAG, SocketAddrNetlink};
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recvfrom, sendto, socket_with,
};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::{Family, Kind, MAX_SOCKETS, Message, messages, question};
use crate::socket_table::{BadRow, Socket};

/// The kernel fills a datagram up to what was room for last, and to no more than this (kernel: `netlink_dump`).
const DATAGRAM: usize = 32 << 10;

/// Datagrams of one answer. With one socket in each there would be as many as sockets.
const MAX_DATAGRAMS: usize = MAX_SOCKETS;

/// The kernel writes the next part of an answer while the last is taken: there is nothing to wait for.
const WAIT: Duration = Duration::from_secs(1);

/// The network namespace that a thread belongs to, and comes back to.
#[derive(Debug)]
pub struct Home(File);

/// Why there is no socket in a namespace.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The namespace cannot be seen: its process has ended, or `CAP_SYS_PTRACE` is missing.
    #[error("the network namespace cannot be opened: {0}")]
    Closed(#[source] io::Error),
    /// It may not be entered: `CAP_SYS_ADMIN` is missing.
    #[error("the network namespace cannot be entered: {0}")]
    NotEntered(#[source] io::Error),
    /// The kernel has no socket diagnostics.
    #[error("the kernel refuses a socket for diagnostics: {0}")]
    Socket(#[source] io::Error),
    /// The thread is still in the other namespace, and must not go on.
    #[error("the thread cannot return to its own network namespace: {0}")]
    NotReturned(#[source] io::Error),
}

/// Why the sockets of a namespace are not known.
#[derive(Debug, thiserror::Error)]
pub enum DiagError {
    /// A question could not be sent, or its answer not be received.
    #[error("the kernel does not tell of sockets: {0}")]
    Io(#[from] io::Error),
    /// The answer cannot be read.
    #[error(transparent)]
    Bad(#[from] super::BadAnswer),
    /// There are more than [`MAX_SOCKETS`].
    #[error("there are more than {MAX_SOCKETS} sockets of one kind")]
    TooMany,
}

/// A socket that asks for the sockets of one network namespace.
#[derive(Debug)]
pub struct SocketDiag {
    socket: OwnedFd,
    asked: u32,
    datagram: Vec<u8>,
}

impl Home {
    /// The namespace of the calling thread.
    pub fn of_this_thread() -> io::Result<Self> {
        File::open("/proc/thread-self/ns/net").map(Self)
    }
}

impl SocketDiag {
    /// Opens one in the namespace of the calling thread.
    pub fn open() -> io::Result<Self> {
        let socket = socket_with(
            AddressFamily::NETLINK,
            SocketType::RAW,
            SocketFlags::CLOEXEC,
            Some(SOCK_DIAG),
        )?;
        set_socket_timeout(&socket, Timeout::Recv, Some(WAIT))?;
        Ok(Self {
            socket,
            asked: 0,
            datagram: Vec::new(),
        })
    }

    /// Opens one in the namespace of this file (`/proc/<pid>/ns/net`), for which the thread is there for a moment.
    pub fn open_in(namespace: &Path, home: &Home) -> Result<Self, OpenError> {
        let there = File::open(namespace).map_err(OpenError::Closed)?;
        enter(&there).map_err(OpenError::NotEntered)?;
        let opened = Self::open();
        enter(&home.0).map_err(OpenError::NotReturned)?;
        opened.map_err(OpenError::Socket)
    }

    /// Adds the namespace's sockets of this kind and family to `into`. After an error, some may be there.
    pub fn sockets(
        &mut self,
        kind: Kind,
        family: Family,
        into: &mut Vec<Result<Socket, BadRow>>,
    ) -> Result<(), DiagError> {
        self.asked = self.asked.wrapping_add(1);
        let kernel = SocketAddrNetlink::new(0, 0);
        let question = question(kind, family, self.asked);
        sendto(&self.socket, &question, SendFlags::empty(), &kernel).map_err(io::Error::from)?;
        self.datagram.resize(DATAGRAM, 0);
        for _ in 0..MAX_DATAGRAMS {
            let flags = RecvFlags::TRUNC;
            let (_, length, from) = recvfrom(&self.socket, self.datagram.as_mut_slice(), flags)
                .map_err(io::Error::from)?;
            // Whoever may administer the namespace may write to our socket too.
            let from = from.and_then(|from| SocketAddrNetlink::try_from(from).ok());
            if from.is_none_or(|from| from.pid() != 0) {
                continue;
            }
            let datagram = self.datagram.get(..length).ok_or(super::BadAnswer)?;
            for message in messages(datagram, self.asked) {
                match message? {
                    Message::Socket(_) if into.len() >= MAX_SOCKETS => {
                        return Err(DiagError::TooMany);
                    }
                    Message::Socket(socket) => into.push(socket),
                    Message::Done => return Ok(()),
                    Message::Refused(reason) => {
                        return Err(io::Error::from_raw_os_error(reason).into());
                    }
                }
            }
        }
        Err(DiagError::TooMany)
    }
}

fn enter(namespace: &File) -> io::Result<()> {
    move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))?;
    Ok(())
}
