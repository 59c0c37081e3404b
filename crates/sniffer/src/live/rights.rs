//! The rights that are used, and the end of them.
//!
//! The program's file carries `CAP_NET_RAW` as permitted, so that a user who is not root has it although nobody may gain
//! privileges (capabilities(7), "File capabilities"). It is raised for one system call. Capabilities belong to threads:
//! all this happens before there is a second one, but for the [`Door`], which keeps what it needs where it was given.

use std::io;

use kernel::ring::{PacketSocket, RingError};
use kernel::socket_events::{EventsError, SocketEvents};
use rustix::fs::Mode;
use rustix::process::{DumpableBehavior, set_dumpable_behavior, umask};
use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, set_capabilities, set_no_new_privs,
};

use super::door::{self, Door};

/// No right at all.
pub(crate) const NONE: CapabilitySets = CapabilitySets {
    effective: CapabilitySet::empty(),
    permitted: CapabilitySet::empty(),
    inheritable: CapabilitySet::empty(),
};

/// What the socket-state tracepoint needs.
const TRACEPOINT: CapabilitySet = CapabilitySet::BPF.union(CapabilitySet::PERFMON);

/// What the rights were used for.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) packets: Result<PacketSocket, RingError>,
    /// None where the right to load programs into the kernel is missing.
    pub(crate) events: Option<Result<SocketEvents, EventsError>>,
    /// None where the right to enter namespaces is missing.
    pub(crate) door: Option<io::Result<Door>>,
}

/// Opens the packet socket and what else the rights allow, and gives up every right for good.
pub(crate) fn use_up() -> Opened {
    let _no_new = set_no_new_privs(true);
    let held = capabilities(None);
    let permitted = held.map_or(CapabilitySet::empty(), |sets| sets.permitted);
    let wanted = CapabilitySet::NET_RAW | TRACEPOINT | door::RIGHTS;
    // What cannot be raised is told by what needs it.
    let _raised = held.and_then(|sets| {
        set_capabilities(
            None,
            CapabilitySets {
                effective: sets.effective | sets.permitted & wanted,
                ..sets
            },
        )
    });
    let packets = PacketSocket::open();
    // SYS_ADMIN counts for both of the others (capabilities(7)).
    let may_trace = permitted.contains(TRACEPOINT) || permitted.contains(CapabilitySet::SYS_ADMIN);
    let events = may_trace.then(SocketEvents::open);
    let may_enter = permitted.contains(door::RIGHTS);
    let door = may_enter.then(Door::start);
    // Less is always allowed, and who cannot have less keeps no more than it was given.
    let _dropped = set_capabilities(None, NONE);
    // The token is in memory: others of the same user may not look into it, and no core is written.
    let _private = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    // What is spooled is nobody else's. Groups stay: one may be what hidepid wants to see.
    umask(Mode::RWXG | Mode::RWXO);
    Opened {
        packets,
        events,
        door,
    }
}
