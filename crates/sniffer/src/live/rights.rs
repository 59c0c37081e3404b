//! The one right that is used, and the end of all rights.
//!
//! The program's file carries `CAP_NET_RAW` as permitted, so that a user who is not root has it although nobody may gain
//! privileges (capabilities(7), "File capabilities"). It is raised for one system call. Capabilities belong to threads:
//! all this happens before there is a second one.

use kernel::ring::{PacketSocket, RingError};
use rustix::fs::Mode;
use rustix::process::{DumpableBehavior, set_dumpable_behavior, umask};
use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, set_capabilities, set_no_new_privs,
};

/// Opens the packet socket, and gives up every right for good.
pub(crate) fn use_up() -> Result<PacketSocket, RingError> {
    // What cannot be raised is told by the socket.
    let _raised = capabilities(None).and_then(|sets| {
        let raw = sets.permitted & CapabilitySet::NET_RAW;
        set_capabilities(
            None,
            CapabilitySets {
                effective: sets.effective | raw,
                ..sets
            },
        )
    });
    let socket = PacketSocket::open();
    let none = CapabilitySets {
        effective: CapabilitySet::empty(),
        permitted: CapabilitySet::empty(),
        inheritable: CapabilitySet::empty(),
    };
    // Less is always allowed, and who cannot have less keeps no more than it was given.
    let _dropped = set_capabilities(None, none);
    let _no_new = set_no_new_privs(true);
    // The token is in memory: others of the same user may not look into it, and no core is written.
    let _private = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    // What is spooled is nobody else's. Groups stay: one may be what hidepid wants to see.
    umask(Mode::RWXG | Mode::RWXO);
    socket
}
