//! The one thread that keeps a right: it may enter the network namespaces of others.
//!
//! It opens a socket for diagnostics there, comes back and hands the socket over; nobody else needs a right to use it. It
//! has `CAP_SYS_ADMIN` to enter, and `CAP_SYS_PTRACE` to open `/proc/<pid>/ns/net` of another user's process: with one of
//! them alone nothing is opened, and socket tables are read as without (`kernel/tests/socket_diag.rs`, `e2e`).

use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use app::clock;
use kernel::socket_diag::{DiagError, Family, Home, Kind, OpenError, SocketDiag};
use rustix::thread::{CapabilitySet, CapabilitySets, set_capabilities};

/// What the thread keeps.
pub(crate) const RIGHTS: CapabilitySet = CapabilitySet::SYS_ADMIN.union(CapabilitySet::SYS_PTRACE);

/// All four questions that a namespace is asked.
const QUESTIONS: [(Kind, Family); 4] = [
    (Kind::Tcp, Family::V4),
    (Kind::Tcp, Family::V6),
    (Kind::Udp, Family::V4),
    (Kind::Udp, Family::V6),
];

/// It opens, enters and leaves: on a busy machine that takes milliseconds. Who waited longer must ask no more, since the
/// next answer would be the one before.
const WAIT: Duration = Duration::from_secs(10);

/// How to ask the thread.
#[derive(Debug)]
pub(crate) struct Door {
    ask: SyncSender<PathBuf>,
    answers: Receiver<Answer>,
}

#[derive(Debug)]
struct Answer {
    opened: Result<SocketDiag, OpenError>,
    /// How long it kept a processor busy.
    busy: Duration,
}

/// Why a namespace's sockets cannot be asked for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DoorError {
    /// The thread has ended, or does not answer. It must not be asked again.
    #[error("the thread that enters network namespaces is gone")]
    Gone,
    /// It cannot be entered.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// It was entered, and tells nothing.
    #[error(transparent)]
    Diag(#[from] DiagError),
}

impl DoorError {
    /// Whether another process of the namespace may lead to it: this one has ended, or is guarded.
    pub(crate) const fn is_of_process(&self) -> bool {
        matches!(self, Self::Open(OpenError::Closed(_)))
    }
}

impl Door {
    /// Starts the thread, which has what its creator has, and keeps [`RIGHTS`].
    pub(crate) fn start() -> io::Result<Self> {
        let (ask, asked) = sync_channel::<PathBuf>(1);
        let (answer, answers) = sync_channel(1);
        let body = move || {
            let rights = CapabilitySets {
                effective: RIGHTS,
                permitted: RIGHTS,
                inheritable: CapabilitySet::empty(),
            };
            // One of the two may be missing; then all are kept from use, and what is tried is refused.
            let _as_far_as_allowed = set_capabilities(None, rights)
                .or_else(|_| set_capabilities(None, super::rights::NONE));
            let Ok(home) = Home::of_this_thread() else {
                return;
            };
            while let Ok(namespace) = asked.recv() {
                let before = clock::thread_busy();
                let opened = SocketDiag::open_in(&namespace, &home);
                let busy = clock::thread_busy().saturating_sub(before);
                // In the wrong namespace it must do nothing more.
                let is_lost = matches!(opened, Err(OpenError::NotReturned(_)));
                if answer.send(Answer { opened, busy }).is_err() || is_lost {
                    return;
                }
            }
        };
        std::thread::Builder::new()
            .name("namespaces".to_owned())
            .spawn(body)?;
        Ok(Self { ask, answers })
    }

    /// A socket in the namespace of this file, and how long a processor was busy for it.
    pub(crate) fn open(&self, namespace: PathBuf) -> (Result<SocketDiag, DoorError>, Duration) {
        let sent = self.ask.send(namespace);
        let answer = sent
            .ok()
            .and_then(|()| self.answers.recv_timeout(WAIT).ok());
        match answer {
            Some(Answer { opened, busy }) => (opened.map_err(DoorError::Open), busy),
            None => (Err(DoorError::Gone), Duration::ZERO),
        }
    }

    /// Whether it opens, and the kernel answers every question: asked by the namespace of this process.
    pub(crate) fn check(&self) -> Result<(), DoorError> {
        let mut diag = self.open("/proc/self/ns/net".into()).0?;
        for (kind, family) in QUESTIONS {
            diag.sockets(kind, family, &mut Vec::new())?;
        }
        Ok(())
    }
}
