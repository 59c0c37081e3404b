//! Findings in words, by golden file: `PORTOLAN_GOLDEN=write` writes it anew.

use std::path::Path;

use kernel::proc::{Capabilities, Mount, ProcessStatus};
use rustix::io::Errno;
use wire::client::{ProbeError, Probed, Shown, Step};

use super::findings::{
    Captured, Findings, Found, Given, Network, NodeName, Own, Packets, Processes, Spool,
};
use super::{as_json, as_text, can_work, lines};

const RAW: Capabilities = Capabilities(1 << 13);
const NONE: Capabilities = Capabilities(0);

/// As the chart runs it on a node without a fault.
fn good() -> Findings {
    Findings {
        warnings: Vec::new(),
        given: Given {
            status: ProcessStatus {
                user: 65_532,
                permitted: RAW,
                bounding: RAW,
                no_new_privileges: true,
                is_filtered: true,
                ..ProcessStatus::default()
            },
            file: Some(RAW),
            label: "cri-containerd.apparmor.d (enforce)".to_owned(),
        },
        packets: Packets::Captured(Captured {
            own: Own::Seen,
            others: 12,
            dns: 3,
            handshakes: 9,
            lost: 0,
        }),
        network: Network::Node,
        processes: Processes {
            folder: "/hostproc".to_owned(),
            mount: Some(proc("rw")),
            found: Ok(Found {
                processes: 231,
                hidden: 0,
                namespaces: 13,
                pods: 12,
                addresses: 24,
                has_first: true,
                first_is_pods: false,
                has_kernel: true,
                levels: 2,
            }),
        },
        node: NodeName {
            name: "worker-1".to_owned(),
            is_told: true,
        },
        url: "https://mapper:9090/query".to_owned(),
        mapper: Ok(Ok(Probed {
            addresses: vec![([10, 96, 7, 1], 9090).into()],
            is_tls: true,
            token: Shown::Shown,
            unknown: Vec::new(),
            is_replaced: false,
        })),
        spool: Spool::None,
    }
}

fn proc(options: &str) -> Mount {
    Mount {
        point: "/hostproc".to_owned(),
        kind: "proc".to_owned(),
        options: options.to_owned(),
    }
}

fn found(findings: &mut Findings) -> &mut Found {
    findings.processes.found.as_mut().unwrap()
}

fn mapper(findings: &mut Findings) -> &mut Probed {
    findings.mapper.as_mut().unwrap().as_mut().unwrap()
}

type Case = (&'static str, fn(&mut Findings));

/// A refused socket under these rights.
fn refuse(findings: &mut Findings, errno: Errno) {
    findings.given.status.permitted = NONE;
    findings.packets = Packets::Refused {
        errno: Some(errno),
        why: format!("the kernel refuses a packet socket: {errno}"),
    };
}

const PACKETS: &[Case] = &[
    ("all is fine", |_| {}),
    ("the container drops the capability", |all| {
        refuse(all, Errno::PERM);
        all.given.status.bounding = NONE;
    }),
    ("the image lost the file's capability", |all| {
        refuse(all, Errno::PERM);
        all.given.file = None;
    }),
    (
        "no_new_privs, and a runtime that passes nothing on",
        |all| {
            refuse(all, Errno::PERM);
        },
    ),
    ("the file's capability does not count", |all| {
        refuse(all, Errno::PERM);
        all.given.status.no_new_privileges = false;
    }),
    ("root without the capability", |all| {
        refuse(all, Errno::PERM);
        all.given.status.user = 0;
        all.given.file = None;
    }),
    ("held, in another user namespace", |all| {
        refuse(all, Errno::PERM);
        all.given.status.permitted = RAW;
    }),
    ("refused by AppArmor", |all| refuse(all, Errno::ACCESS)),
    ("refused by SELinux", |all| {
        refuse(all, Errno::ACCESS);
        all.given.label = "system_u:system_r:container_t:s0:c1,c2".to_owned();
    }),
    ("refused by a module without a name", |all| {
        refuse(all, Errno::ACCESS);
        all.given.label.clear();
    }),
    ("a kernel without packet sockets", |all| {
        refuse(all, Errno::AFNOSUPPORT);
    }),
    ("too many files are open", |all| refuse(all, Errno::MFILE)),
    ("no memory for the ring", |all| {
        all.packets = Packets::NoRing {
            errno: Some(Errno::NOMEM),
            why: String::new(),
            bytes: 1 << 30,
        };
    }),
    ("no ring at all", |all| {
        all.packets = Packets::NoRing {
            errno: Some(Errno::INVAL),
            why: "the kernel refuses version 3 of the ring for a packet socket: Invalid argument"
                .to_owned(),
            bytes: 4 << 20,
        };
    }),
    ("the ring cannot be read", |all| {
        all.packets = Packets::Unreadable("Network is down (os error 100)".to_owned());
    }),
    ("nothing comes", |all| {
        all.packets = Packets::Captured(Captured::default());
    }),
    ("lo is down, others come", |all| {
        if let Packets::Captured(captured) = &mut all.packets {
            captured.own = Own::Unsent("Network is unreachable (os error 101)".to_owned());
        }
    }),
    ("lo is down, nothing comes", |all| {
        all.packets = Packets::Captured(Captured {
            own: Own::Unsent("Network is unreachable (os error 101)".to_owned()),
            ..Captured::default()
        });
    }),
    ("packets are lost", |all| {
        if let Packets::Captured(captured) = &mut all.packets {
            captured.lost = 7;
        }
    }),
];

const NODE: &[Case] = &[
    ("a network of its own", |all| all.network = Network::Another),
    ("no mount of the node's /proc", |all| {
        all.network = Network::Unknown;
        all.processes.found = Err("No such file or directory (os error 2)".to_owned());
        all.processes.mount = None;
    }),
    ("an empty folder there", |all| {
        all.network = Network::Unknown;
        all.processes.found = Ok(Found::default());
        all.processes.mount = Some(Mount {
            kind: "tmpfs".to_owned(),
            ..proc("rw")
        });
    }),
    ("its own /proc", |all| {
        let found = found(all);
        (
            found.processes,
            found.namespaces,
            found.pods,
            found.addresses,
        ) = (2, 1, 0, 0);
        (found.has_kernel, found.levels) = (false, 1);
    }),
    ("its own /proc, which knows its pod", |all| {
        found(all).first_is_pods = true;
    }),
    ("hidepid=1", |all| {
        all.network = Network::Unknown;
        all.processes.mount = Some(proc("rw,hidepid=1"));
        let found = found(all);
        (found.hidden, found.pods, found.has_first) = (230, 1, false);
    }),
    ("hidepid=2 for others than a group", |all| {
        all.network = Network::Unknown;
        all.processes.mount = Some(proc("rw,gid=27,hidepid=invisible"));
        let found = found(all);
        (found.processes, found.pods, found.has_first) = (1, 0, false);
    }),
    ("hidepid=2 that hides nothing from us", |all| {
        all.processes.mount = Some(proc("rw,gid=27,hidepid=invisible"));
    }),
    ("some processes have ended", |all| found(all).hidden = 4),
    ("many processes are hidden", |all| found(all).hidden = 40),
    ("no pods are recognised", |all| {
        let found = found(all);
        (found.pods, found.addresses) = (0, 0);
    }),
    ("a pod without an address", |all| {
        let found = found(all);
        (found.pods, found.addresses) = (1, 0);
    }),
    ("a pod with one", |all| {
        let found = found(all);
        (found.pods, found.addresses) = (1, 1);
    }),
    ("a name of the host", |all| all.node.is_told = false),
    ("no name", |all| all.node.name.clear()),
];

/// Where a look at the mapper ends.
fn fails(findings: &mut Findings, step: Step, why: &str) {
    let why = why.to_owned();
    findings.mapper = Ok(Err(ProbeError { step, why }));
}

const MAPPER: &[Case] = &[
    ("the replaced mapper", |all| {
        let mapper = mapper(all);
        (mapper.is_tls, mapper.token, mapper.is_replaced) = (false, Shown::None, true);
    }),
    ("an older mapper", |all| {
        mapper(all).unknown = vec!["connections", "firstSeen"];
    }),
    ("a token that is withheld", |all| {
        let mapper = mapper(all);
        (mapper.is_tls, mapper.token) = (false, Shown::Withheld);
    }),
    ("no token", |all| mapper(all).token = Shown::None),
    ("settings", |all| {
        fails(
            all,
            Step::Settings,
            "https://mapper:9090/query needs a file",
        );
    }),
    ("name", |all| {
        fails(all, Step::Name, "mapper: Name or service not known");
    }),
    ("connect", |all| {
        fails(all, Step::Connect, "Connection refused (os error 111)");
    }),
    ("TLS", |all| {
        fails(
            all,
            Step::Tls,
            "TLS with https://mapper:9090/query failed: invalid peer certificate: UnknownIssuer",
        );
    }),
    ("token", |all| {
        fails(
            all,
            Step::Token,
            "/token cannot be read: Permission denied (os error 13)",
        );
    }),
    ("health", |all| {
        fails(
            all,
            Step::Health,
            "status 404, not the answer of a mapper: nginx",
        );
    }),
    ("report", |all| {
        fails(all, Step::Report, "status 401: show a token");
    }),
    ("the check itself", |all| {
        all.mapper = Err("Too many open files (os error 24)".to_owned());
    }),
    ("a spool folder", |all| {
        all.spool = Spool::Writable("/spool".to_owned());
    }),
    ("a spool folder that cannot be written", |all| {
        all.spool = Spool::Unwritable(
            "/spool".to_owned(),
            "Read-only file system (os error 30)".to_owned(),
        );
    }),
    ("more rights", |all| {
        all.given.status.permitted = Capabilities(1 << 13 | 1 << 21 | 1 << 39 | 1 << 38);
    }),
    ("a BPF right by itself", |all| {
        all.given.status.permitted = Capabilities(1 << 13 | 1 << 39);
    }),
    ("warnings", |all| {
        all.warnings = vec![
            "accepted without effect: OTTERIZE_CLIENT_ID (nothing is uploaded to a cloud)"
                .to_owned(),
        ];
    }),
];

#[test]
fn findings_are_told_as_in_the_golden_file() {
    let mut told = String::new();
    let fine = as_text(&lines(&good()));
    for (name, change) in PACKETS.iter().chain(NODE).chain(MAPPER) {
        let mut findings = good();
        change(&mut findings);
        let is_first = told.is_empty();
        let text = as_text(&lines(&findings));
        told.extend(["# ", name, "\n"]);
        // Of all but the first case only what is different.
        let is_new = |line: &&str| is_first || !fine.lines().any(|one| one == *line);
        for line in text.lines().filter(is_new) {
            told.push_str(line);
            told.push('\n');
        }
        told.push('\n');
    }
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/live/check/golden.txt");
    if std::env::var_os("PORTOLAN_GOLDEN").is_some() {
        std::fs::write(&golden, &told).unwrap();
    }
    similar(&told, &std::fs::read_to_string(golden).unwrap());
}

fn similar(told: &str, golden: &str) {
    for (n, (told, golden)) in told.lines().zip(golden.lines()).enumerate() {
        assert_eq!(told, golden, "line {}", n + 1);
    }
    assert_eq!(told.len(), golden.len());
}

#[test]
fn the_basic_job_needs_packets_processes_and_a_mapper() {
    assert!(can_work(&lines(&good())));
    let works = |name: &str| {
        let mut all = PACKETS.iter().chain(NODE).chain(MAPPER);
        let (_, change) = all.find(|case| case.0 == name).unwrap();
        let mut findings = good();
        change(&mut findings);
        can_work(&lines(&findings))
    };
    for name in [
        "the image lost the file's capability",
        "a network of its own",
        "hidepid=1",
        "connect",
    ] {
        assert!(!works(name), "{name}");
    }
    for name in [
        "packets are lost",
        "the replaced mapper",
        "warnings",
        "no pods are recognised",
    ] {
        assert!(works(name), "{name}");
    }
}

#[test]
fn programs_read_the_same() {
    let mut findings = good();
    findings.network = Network::Another;
    let read: serde_json::Value = serde_json::from_str(&as_json(&lines(&findings))).unwrap();
    assert_eq!(read["canWork"], false);
    assert_eq!(read["lines"][0]["mark"], "fine");
    assert_eq!(read["lines"][0]["todo"], serde_json::Value::Null);
    assert_eq!(
        (&read["lines"][1]["about"], &read["lines"][1]["todo"]),
        (&"network".into(), &"set hostNetwork: true".into())
    );
}
