//! Findings in words: a line for each, and what to do where it is not fine.

use std::net::SocketAddr;

use kernel::proc::Capabilities;
use rustix::io::Errno;
use wire::client::{ProbeError, Probed, Shown, Step};

use super::findings::{
    Captured, Findings, Found, Given, Network, NodeName, Own, Packets, Processes, Spool,
};

/// How a line stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    Fine,
    /// The basic job can be done, but something is missing.
    Odd,
    /// The basic job cannot be done.
    Bad,
}

impl Mark {
    /// For people.
    pub(crate) const fn sign(self) -> char {
        match self {
            Self::Fine => '✓',
            Self::Odd => '!',
            Self::Bad => '✗',
        }
    }

    /// For programs.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Fine => "fine",
            Self::Odd => "odd",
            Self::Bad => "bad",
        }
    }
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) mark: Mark,
    pub(crate) about: &'static str,
    pub(crate) says: String,
    pub(crate) todo: Option<String>,
}

fn fine(about: &'static str, says: impl Into<String>) -> Line {
    Line {
        mark: Mark::Fine,
        about,
        says: says.into(),
        todo: None,
    }
}

fn odd(about: &'static str, says: impl Into<String>, todo: impl Into<String>) -> Line {
    Line {
        mark: Mark::Odd,
        about,
        says: says.into(),
        todo: Some(todo.into()),
    }
}

fn bad(about: &'static str, says: impl Into<String>, todo: impl Into<String>) -> Line {
    Line {
        mark: Mark::Bad,
        ..odd(about, says, todo)
    }
}

/// All of it, the basic things first.
pub(crate) fn lines(findings: &Findings) -> Vec<Line> {
    let mut lines = vec![packets(&findings.packets, &findings.given)];
    lines.push(network(findings.network, &findings.processes));
    lines.extend(processes(&findings.processes));
    lines.push(node(&findings.node));
    lines.push(match &findings.mapper {
        Ok(Ok(probed)) => mapper(&findings.url, probed),
        Ok(Err(error)) => no_mapper(&findings.url, error),
        Err(why) => bad("mapper", why, "free memory and open files on the node"),
    });
    lines.push(spool(&findings.spool));
    lines.extend(more(findings.given.status.permitted));
    let warnings = findings.warnings.iter();
    lines.extend(warnings.map(|warning| Line {
        todo: None,
        ..odd("settings", warning, "")
    }));
    lines
}

// --- Packets.

/// Numbers of capabilities (`linux/capability.h`).
mod capability {
    pub(super) const NET_RAW: u32 = 13;
    pub(super) const SYS_PTRACE: u32 = 19;
    pub(super) const SYS_ADMIN: u32 = 21;
    pub(super) const PERFMON: u32 = 38;
    pub(super) const BPF: u32 = 39;
}

fn packets(packets: &Packets, given: &Given) -> Line {
    const ABOUT: &str = "packets";
    match packets {
        Packets::Captured(captured) => captured_line(ABOUT, captured),
        Packets::Refused { errno, why } => {
            let (says, todo) = refused(*errno, why, given);
            bad(ABOUT, says, todo)
        }
        Packets::NoRing {
            errno: Some(Errno::NOMEM),
            bytes,
            ..
        } => bad(
            ABOUT,
            format!("the kernel has no memory for a ring of {} KiB", bytes >> 10),
            "give ring-size less, 512Ki at the least, or let the container and the node have more memory",
        ),
        Packets::NoRing { why, .. } => bad(
            ABOUT,
            why,
            "this takes a Linux kernel from 3.2 on; sandboxes that only look like one, such as gVisor, have no rings",
        ),
        Packets::Unreadable(why) => bad(
            ABOUT,
            format!("the ring cannot be read: {why}"),
            "look into the kernel's log for what is wrong with the node's interfaces",
        ),
    }
}

fn captured_line(about: &'static str, captured: &Captured) -> Line {
    let Captured {
        others,
        dns,
        handshakes,
        ..
    } = captured;
    let seen =
        format!("{others} others within a second ({dns} of DNS, {handshakes} of handshakes)");
    match &captured.own {
        _ if captured.lost > 0 => odd(
            about,
            format!(
                "captured, but {} of {} were lost to a full ring",
                captured.lost,
                others + captured.lost
            ),
            "give ring-size more than it has",
        ),
        Own::Seen => fine(about, format!("captured: the check's own, and {seen}")),
        Own::Unsent(why) if *others > 0 => fine(
            about,
            format!("captured: {seen}; the check's own could not be sent: {why}"),
        ),
        Own::Unsent(why) => odd(
            about,
            format!(
                "the ring is open, but nothing came within a second, and the check's own packet could not be sent: {why}"
            ),
            "see whether the interface lo is up, and run the check again while pods talk",
        ),
        Own::Missed => bad(
            about,
            format!("the ring is open, but the check's own packet did not come; {seen}"),
            "see whether something on the node takes packets away before they are captured, such as an XDP program",
        ),
    }
}

fn refused(errno: Option<Errno>, why: &str, given: &Given) -> (String, String) {
    const ROOT: &str = "use the profile root-netraw, which runs as root with CAP_NET_RAW alone";
    match errno {
        Some(Errno::PERM) => {}
        Some(Errno::ACCESS) => return by_module(&given.label),
        Some(Errno::AFNOSUPPORT) => {
            return (
                "this kernel has no packet sockets".to_owned(),
                "use nodes with a Linux kernel with CONFIG_PACKET; sandboxes such as gVisor may have none".to_owned(),
            );
        }
        _ => {
            return (
                why.to_owned(),
                "free memory and open files on the node".to_owned(),
            );
        }
    }
    let raw = |set: Capabilities| set.has(capability::NET_RAW);
    let status = &given.status;
    let user = status.user;
    if !raw(status.bounding) {
        return (
            "the kernel refuses a packet socket: CAP_NET_RAW was dropped by the container, so that not even a file can \
             give it"
                .to_owned(),
            "add NET_RAW to securityContext.capabilities.add".to_owned(),
        );
    }
    if raw(status.permitted) {
        let filter = if status.is_filtered {
            ", or a seccomp profile refuses it"
        } else {
            ""
        };
        return (
            format!(
                "the kernel refuses a packet socket although CAP_NET_RAW is held: the network belongs to another user \
                 namespace{filter}"
            ),
            "run the pod without a user namespace of its own (hostUsers: true)".to_owned(),
        );
    }
    if !given.file.is_some_and(raw) {
        if user == 0 {
            return (
                "the kernel refuses a packet socket: root has no CAP_NET_RAW here".to_owned(),
                "add NET_RAW to securityContext.capabilities.add".to_owned(),
            );
        }
        return (
            format!(
                "the kernel refuses a packet socket: the container may have CAP_NET_RAW, but user {user} gets it from \
                 the program's file only, and this file does not carry it"
            ),
            format!("use an image whose file does (setcap cap_net_raw+p), or {ROOT}"),
        );
    }
    if status.no_new_privileges && !raw(status.ambient) {
        return (
            "the kernel refuses a packet socket: the program's file carries CAP_NET_RAW, but no_new_privs forbids to \
             gain it, and this runtime passes nothing on"
                .to_owned(),
            format!("set allowPrivilegeEscalation: true, or {ROOT}"),
        );
    }
    (
        "the kernel refuses a packet socket: the program's file carries CAP_NET_RAW, but it does not count: the image is \
         mounted nosuid, or belongs to another user namespace"
            .to_owned(),
        format!("mount it otherwise, or {ROOT}"),
    )
}

/// What refuses by EACCES, where a missing right is EPERM.
fn by_module(label: &str) -> (String, String) {
    let says = |who: &str| {
        format!(
            "the kernel refuses a packet socket by EACCES, which is no missing capability: {who}"
        )
    };
    if label.matches(':').count() >= 3 {
        return (
            says(&format!("SELinux confines this process as {label}")),
            "allow this type the class packet_socket, or run the container as the type spc_t (seLinuxOptions.type)"
                .to_owned(),
        );
    }
    if !label.is_empty() && label != "unconfined" {
        return (
            says(&format!("AppArmor confines this process by {label}")),
            "let the profile say `network packet,`, or set appArmorProfile.type: Unconfined"
                .to_owned(),
        );
    }
    (
        says("a security module does it"),
        "look into the node's audit log for what was denied to portolan-sniffer".to_owned(),
    )
}

// --- The node.

fn network(network: Network, processes: &Processes) -> Line {
    const ABOUT: &str = "network";
    const TODO: &str = "see the line about processes; hostNetwork: true is needed";
    let folder = &processes.folder;
    match network {
        _ if processes.found.as_ref().is_ok_and(is_own) => odd(
            ABOUT,
            format!("nobody knows whether it is the node's: {folder} does not tell of the node"),
            TODO,
        ),
        Network::Node => fine(ABOUT, "the node's own: packets of all its pods pass here"),
        Network::Another => bad(
            ABOUT,
            "not that of the node's first process: only packets of this pod pass here",
            "set hostNetwork: true",
        ),
        Network::Unknown => odd(
            ABOUT,
            format!(
                "nobody knows whether it is the node's: its first process cannot be looked at in {folder}"
            ),
            TODO,
        ),
    }
}

/// Whether it is the `/proc` of this container, and not that of the node.
const fn is_own(found: &Found) -> bool {
    let is_alone = found.levels == 1 && !found.has_kernel && found.pods == 0;
    // Where the first process is hidden, others may be too.
    found.has_first && (found.first_is_pods || is_alone)
}

fn processes(processes: &Processes) -> Vec<Line> {
    const ABOUT: &str = "processes";
    const TODO: &str =
        "mount the node's /proc there, read-only (hostPath /proc), or set host-proc-dir";
    let Processes {
        folder,
        mount,
        found,
    } = processes;
    let found = match found {
        Ok(found) => found,
        Err(why) => {
            let lost = "pods and open connections are not seen";
            return vec![bad(
                ABOUT,
                format!("{folder} cannot be read: {why}; {lost}"),
                TODO,
            )];
        }
    };
    let is_proc = mount.as_ref().is_none_or(|mount| mount.kind == "proc");
    if found.processes == 0 && !is_proc {
        let says = format!("{folder} is no /proc: there are no processes in it");
        return vec![bad(ABOUT, says, TODO)];
    }
    if is_own(found) {
        let says = format!("{folder} is this container's own /proc: the node's pods are not in it");
        return vec![bad(ABOUT, says, TODO)];
    }
    let hidepid = mount.as_ref().and_then(|mount| {
        let hides = mount.option("hidepid")?;
        (!matches!(hides, "0" | "off")).then(|| (hides, mount.option("gid")))
    });
    if let Some((hides, group)) = hidepid
        && (found.hidden > 0 || !found.has_first)
    {
        return vec![hidden(ABOUT, folder, hides, group, found)];
    }
    let namespaces = count(found.namespaces, "network namespace");
    let seen = format!("{} in {folder}, in {namespaces}", found.processes);
    let line = match found.hidden {
        0 => fine(ABOUT, seen),
        // Processes that have ended, and that nobody has waited for, have no network any more.
        hidden if hidden * 10 < found.processes => fine(
            ABOUT,
            format!("{seen}; {hidden} of them cannot be looked at"),
        ),
        hidden => odd(
            ABOUT,
            format!(
                "{hidden} of {} in {folder} cannot be looked at",
                found.processes
            ),
            "see whether a security module keeps portolan-sniffer from reading the node's /proc",
        ),
    };
    vec![line, pods(found)]
}

fn hidden(
    about: &'static str,
    folder: &str,
    hides: &str,
    group: Option<&str>,
    found: &Found,
) -> Line {
    let pods = count(found.pods, "pod");
    let todo = match group {
        Some(group) => {
            format!("add {group} to securityContext.supplementalGroups, or CAP_SYS_PTRACE")
        }
        None => "mount the node's /proc without hidepid, or with hidepid and a gid that is in \
                 securityContext.supplementalGroups, or grant CAP_SYS_PTRACE"
            .to_owned(),
    };
    bad(
        about,
        format!(
            "{folder} is mounted with hidepid={hides}, which hides those of others: {pods} can be told by their \
             addresses, and few open connections are seen"
        ),
        todo,
    )
}

fn pods(found: &Found) -> Line {
    const ABOUT: &str = "pods";
    match (found.pods, found.addresses) {
        (0, _) => odd(
            ABOUT,
            "no process is in the control group of a pod: connections are told by address alone, and the mapper finds \
             the pods",
            "if pods with addresses of their own run here, tell us how their control groups are called: \
             cat /proc/<pid>/cgroup",
        ),
        (pods, 0) => odd(
            ABOUT,
            format!("{}, none with an address", count(pods, "pod")),
            "if these are not just starting, see whether net/fib_trie of their processes can be read",
        ),
        (pods, addresses) => fine(
            ABOUT,
            format!(
                "{} with {}",
                count(pods, "pod"),
                count_with(addresses, "address", "addresses")
            ),
        ),
    }
}

fn node(node: &NodeName) -> Line {
    const ABOUT: &str = "node";
    const TODO: &str = "set PORTOLAN_NODE_NAME from the field spec.nodeName";
    match (node.name.as_str(), node.is_told) {
        ("", _) => bad(ABOUT, "it has no name to report under", TODO),
        (name, true) => fine(ABOUT, name),
        (name, false) => odd(
            ABOUT,
            format!("{name}, as the host calls itself; Kubernetes may call it otherwise"),
            TODO,
        ),
    }
}

// --- The mapper.

fn mapper(url: &str, probed: &Probed) -> Line {
    const ABOUT: &str = "mapper";
    let addresses: Vec<String> = probed.addresses.iter().map(SocketAddr::to_string).collect();
    let at = format!("{url} ({}) takes reports", addresses.join(", "));
    let way = match (probed.is_tls, probed.token) {
        (true, Shown::Shown) => "over TLS, with the token",
        (true, _) => "over TLS, without a token",
        (false, _) => "over plain HTTP",
    };
    if probed.is_replaced {
        return odd(
            ABOUT,
            format!(
                "{at}, {way}; it is the replaced mapper, which knows no pods' UIDs and no attempts"
            ),
            "install Portolan's mapper for a map that is certain",
        );
    }
    if probed.token == Shown::Withheld {
        return odd(
            ABOUT,
            format!("{at}, {way}; the token is not sent, as everybody on the way could read it"),
            "give mapper-api-url as https, with mapper-ca-file",
        );
    }
    if !probed.unknown.is_empty() {
        return odd(
            ABOUT,
            format!(
                "{at}, {way}; it is older than this sniffer and has no place for {}",
                probed.unknown.join(", ")
            ),
            "update the mapper",
        );
    }
    fine(
        ABOUT,
        format!("{at}, {way}, with all that this sniffer tells"),
    )
}

fn no_mapper(url: &str, error: &ProbeError) -> Line {
    let todo = match error.step {
        Step::Settings => {
            "set mapper-ca-file, or give mapper-api-url as http where the mapper has --access=open"
        }
        Step::Name => {
            "see whether mapper-api-url is right, and, with hostNetwork, dnsPolicy: ClusterFirstWithHostNet"
        }
        Step::Connect => {
            "see whether the mapper's pod is ready, and whether a NetworkPolicy keeps nodes from its port"
        }
        Step::Tls => {
            "see whether mapper-ca-file is of the authority that signed the mapper's certificate, and whether that names \
             this host"
        }
        Step::Token => {
            "mount a service account token for audience portolan, and set mapper-token-file"
        }
        Step::Health => {
            "see whether this is the mapper's address, and not that of something before it"
        }
        Step::Report => {
            "see whether the mapper's --report-subjects has this service account, or, for senders without a token, \
             whether it runs with --access=open"
        }
    };
    let why = &error.why;
    let says = if why.contains(url) {
        why.clone()
    } else {
        format!("{url}: {why}")
    };
    bad("mapper", says, todo)
}

// --- What is kept, and what more could be had.

fn spool(spool: &Spool) -> Line {
    const ABOUT: &str = "spool";
    match spool {
        Spool::None => fine(
            ABOUT,
            "in memory only: what cannot be reported before the end is lost",
        ),
        Spool::Writable(folder) => fine(ABOUT, format!("in memory, and in {folder}")),
        Spool::Unwritable(folder, why) => odd(
            ABOUT,
            format!("{folder} cannot be written: {why}; reports are held in memory only"),
            "let spool-dir be a folder that this user can write, such as an emptyDir with securityContext.fsGroup",
        ),
    }
}

/// What would come with more rights: none of it is needed.
const MORE: [(&str, &[u32], &str); 3] = [
    (
        "CAP_SYS_ADMIN",
        &[capability::SYS_ADMIN],
        "open connections by socket diagnostics inside each namespace, at a fraction of the cost",
    ),
    (
        "CAP_BPF with CAP_PERFMON",
        &[capability::BPF, capability::PERFMON],
        "connections that no packet shows, by the tracepoint of socket states",
    ),
    (
        "CAP_SYS_PTRACE",
        &[capability::SYS_PTRACE],
        "which process of the node's own network has which connection",
    ),
];

fn more(held: Capabilities) -> impl Iterator<Item = Line> {
    MORE.iter().map(move |(name, numbers, what)| {
        let is_held = numbers.iter().all(|number| held.has(*number));
        let says = if is_held {
            "is held, for"
        } else {
            "is not needed, and would add"
        };
        fine("more", format!("{name} {says} {what}"))
    })
}

fn count(n: usize, one: &str) -> String {
    count_with(n, one, &format!("{one}s"))
}

fn count_with(n: usize, one: &str, many: &str) -> String {
    match n {
        0 => format!("no {many}"),
        1 => format!("1 {one}"),
        n => format!("{n} {many}"),
    }
}
