//! What was found, before it is put in words.

use std::fs;

use kernel::proc::{self, Capabilities, Mount, ProcessStatus};
use rustix::io::Errno;
use wire::client::{ProbeError, Probed};

/// Everything.
#[derive(Clone, Debug)]
pub(crate) struct Findings {
    /// Of the settings.
    pub(crate) warnings: Vec<String>,
    pub(crate) given: Given,
    pub(crate) packets: Packets,
    pub(crate) network: Network,
    pub(crate) processes: Processes,
    pub(crate) node: NodeName,
    /// Of the mapper.
    pub(crate) url: String,
    /// An error of the outer kind says that the check itself could not be made.
    pub(crate) mapper: Result<Result<Probed, ProbeError>, String>,
    pub(crate) spool: Spool,
}

/// What this process was given, before it gave up everything.
#[derive(Clone, Debug, Default)]
pub(crate) struct Given {
    pub(crate) status: ProcessStatus,
    /// What the program's file permits; none where it carries nothing, or cannot be asked.
    pub(crate) file: Option<Capabilities>,
    /// The label of a security module, such as `cri-containerd.apparmor.d (enforce)` or
    /// `system_u:system_r:container_t:s0`.
    pub(crate) label: String,
}

/// Whether packets are captured.
#[derive(Clone, Debug)]
pub(crate) enum Packets {
    /// There is no socket.
    Refused {
        errno: Option<Errno>,
        why: String,
    },
    /// There is no ring of so many bytes.
    NoRing {
        errno: Option<Errno>,
        why: String,
        bytes: usize,
    },
    /// The ring cannot be read.
    Unreadable(String),
    Captured(Captured),
}

/// What was captured within a second.
#[derive(Clone, Debug, Default)]
pub(crate) struct Captured {
    pub(crate) own: Own,
    /// Without its own.
    pub(crate) others: u64,
    pub(crate) dns: u64,
    pub(crate) handshakes: u64,
    pub(crate) lost: u64,
}

/// The check's own packet.
#[derive(Clone, Debug, Default)]
pub(crate) enum Own {
    Seen,
    #[default]
    Missed,
    /// It could not be sent.
    Unsent(String),
}

/// Whether this process is in the node's network namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Network {
    Node,
    Another,
    /// The node's first process cannot be looked at.
    Unknown,
}

/// The node's `/proc`.
#[derive(Clone, Debug)]
pub(crate) struct Processes {
    pub(crate) folder: String,
    /// What is mounted there.
    pub(crate) mount: Option<Mount>,
    /// Or why it cannot be read.
    pub(crate) found: Result<Found, String>,
}

/// What is in it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Found {
    pub(crate) processes: usize,
    /// Of these, those that cannot be looked at.
    pub(crate) hidden: usize,
    pub(crate) namespaces: usize,
    /// Pods that were recognised by their control groups.
    pub(crate) pods: usize,
    /// Addresses of pods.
    pub(crate) addresses: usize,
    /// Whether the first process can be looked at.
    pub(crate) has_first: bool,
    /// Whether that is a pod's.
    pub(crate) first_is_pods: bool,
    /// Whether there are threads of the kernel.
    pub(crate) has_kernel: bool,
    /// In how many namespaces of processes, from that of the folder inwards, this process has a number; 0 where nobody
    /// says.
    pub(crate) levels: usize,
}

#[derive(Clone, Debug)]
pub(crate) struct NodeName {
    pub(crate) name: String,
    /// Otherwise it is the host's name.
    pub(crate) is_told: bool,
}

#[derive(Clone, Debug)]
pub(crate) enum Spool {
    /// There is no folder.
    None,
    Writable(String),
    Unwritable(String, String),
}

impl Given {
    /// As this process is now.
    pub(crate) fn look() -> Self {
        let status = fs::read("/proc/self/status").unwrap_or_default();
        let label = fs::read_to_string("/proc/self/attr/current").unwrap_or_default();
        let mut attribute = [0; 64];
        let attribute =
            rustix::fs::getxattr("/proc/self/exe", "security.capability", &mut attribute[..])
                .ok()
                .and_then(|length| attribute.get(..length));
        Self {
            status: proc::process_status(&status),
            file: attribute.and_then(proc::file_capabilities),
            label: label.trim_matches(['\0', '\n', ' ']).to_owned(),
        }
    }
}
