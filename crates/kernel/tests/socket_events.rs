//! The socket-state tracepoint on real connections, in a network namespace of its own. It needs root, or `CAP_BPF`,
//! `CAP_PERFMON` and `CAP_SYS_ADMIN`.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::panic,
    reason = "a test may fail loudly, in its helpers too, and says what it skips"
)]

mod apart;

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use kernel::socket_events::{Opened, SocketEvent, SocketEvents, What};

/// Runs the ignored test of this name in a new network namespace.
fn in_namespace(name: &str) {
    let allowed = Command::new("unshare").args(["--net", "true"]).status();
    let may_load = SocketEvents::open();
    if !allowed.is_ok_and(|status| status.success()) || may_load.is_err() {
        let is_root = std::fs::metadata("/proc/self").unwrap().uid() == 0;
        assert!(
            !is_root || std::env::var_os("CI").is_none(),
            "in CI, root must be allowed: {may_load:?}"
        );
        println!("skipped {name}: this needs root, to load a program: {may_load:?}");
        return;
    }
    drop(may_load);
    let enter = [&["unshare", "--net"][..], &apart::WITH_LOOPBACK[..]].concat();
    apart::passes(name, &enter);
}

#[test]
fn connections_are_told_by_their_sockets() {
    in_namespace("inside::connections");
}

#[test]
fn the_pod_is_that_of_the_process() {
    in_namespace("inside::pod");
}

#[test]
fn what_finds_the_ring_full_is_counted() {
    in_namespace("inside::full_ring");
}

/// Events of this namespace since the last time.
fn here(events: &mut SocketEvents) -> Vec<SocketEvent> {
    let namespace = std::fs::metadata("/proc/self/ns/net").unwrap().ino();
    let mut all = Vec::new();
    events.read(|event| all.push(event.unwrap()));
    all.retain(|event| u64::from(event.namespace) == namespace);
    all
}

/// A control group of a pod; it goes when this is dropped.
struct Group(PathBuf);

impl Group {
    fn new(uid: &str) -> Self {
        let unified = Path::new("/sys/fs/cgroup");
        let root = if unified.join("cgroup.controllers").exists() {
            unified.to_owned()
        } else {
            unified.join("pids")
        };
        let name = format!("portolan-test-{}", std::process::id());
        let group = root.join(name).join(format!("kubepods/pod{uid}/container"));
        std::fs::create_dir_all(&group).unwrap();
        Self(group)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        for group in self.0.ancestors().take(4) {
            for _ in 0..20 {
                if std::fs::remove_dir(group).is_ok() {
                    break;
                }
                std::thread::sleep(Duration::from_millis(50));
            }
        }
    }
}

mod inside {
    use super::*;

    #[test]
    #[ignore = "run in a namespace by the test above"]
    fn connections() {
        let mut events = SocketEvents::open().unwrap();
        for address in ["127.0.0.1", "::1"] {
            let listener = TcpListener::bind((address, 0)).unwrap();
            let open = listener.local_addr().unwrap();
            let stream = TcpStream::connect(open).unwrap();
            let _accepted = listener.accept().unwrap();
            let closed = SocketAddr::new(open.ip(), 1);
            assert!(TcpStream::connect(closed).is_err());

            let told = here(&mut events);
            let [opened, accepted, refused] = told[..] else {
                panic!("{told:?}");
            };
            let local = stream.local_addr().unwrap();
            assert_eq!((opened.local, opened.remote), (local, open));
            let outcome = |event: SocketEvent| match event.what {
                What::Opened { outcome, pod } => Some((outcome, pod)),
                What::Accepted => None,
            };
            assert_eq!(outcome(opened), Some((Opened::Accepted, None)));
            // The other end, and the same sequence number.
            assert_eq!((accepted.local, accepted.remote), (open, local));
            assert_eq!(outcome(accepted), None);
            assert_eq!(accepted.sequence, opened.sequence);
            assert_eq!(refused.remote, closed);
            assert_ne!(refused.local.port(), 0);
            assert_eq!(outcome(refused), Some((Opened::Refused, None)));
            assert!(opened.at <= accepted.at && accepted.at <= refused.at);
        }
        // A process that does not wait.
        let silent = SocketAddr::from(([10, 255, 255, 1], 9));
        run("ip link add pt0 type veth peer name pt1
             ip addr add 10.255.255.2/24 dev pt0
             ip link set pt0 up
             ip link set pt1 up
             ip neigh add 10.255.255.1 lladdr 02:00:00:00:00:01 dev pt0");
        let waits = TcpStream::connect_timeout(&silent, Duration::from_millis(50));
        assert!(waits.is_err());
        let told = here(&mut events);
        let [
            SocketEvent {
                what:
                    What::Opened {
                        outcome: Opened::GivenUp,
                        ..
                    },
                remote,
                ..
            },
        ] = told[..]
        else {
            panic!("{told:?}");
        };
        assert_eq!(remote, silent);

        let counts = events.counts();
        assert!(counts.begun >= 5 && counts.accepted >= 2, "{counts:?}");
        assert_eq!(
            (counts.lost, counts.accepted_lost, counts.forgotten),
            (0, 0, 0)
        );
        assert!(counts.told <= counts.begun, "{counts:?}");
    }

    fn run(script: &str) {
        let done = Command::new("sh").args(["-ec", script]).status().unwrap();
        assert!(done.success(), "{script}");
    }

    #[test]
    #[ignore = "run in a namespace by the test above"]
    fn pod() {
        const UID: &str = "0f8fad5b-d9cb-469f-a165-70867728950e";
        let mut events = SocketEvents::open().unwrap();
        let group = Group::new(UID);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        // It has ended before anybody could look at it.
        let script = format!(
            "echo $$ > {}/cgroup.procs; exec 3<>/dev/tcp/127.0.0.1/{port}",
            group.0.display()
        );
        let done = Command::new("bash")
            .args(["-ec", &script])
            .status()
            .unwrap();
        assert!(done.success());
        let told = here(&mut events);
        let uid = u128::from_str_radix(&UID.replace('-', ""), 16).unwrap();
        let pods = told.iter().filter_map(|event| match event.what {
            What::Opened { pod, .. } => Some(pod),
            What::Accepted => None,
        });
        assert_eq!(pods.collect::<Vec<_>>(), [Some(uid)]);
    }

    #[test]
    #[ignore = "run in a namespace by the test above"]
    fn full_ring() {
        let mut events = SocketEvents::open().unwrap();
        let closed = SocketAddr::from(([127, 0, 0, 1], 1));
        let before = events.counts();
        // The ring holds some 700 records.
        for _ in 0..2_000 {
            assert!(TcpStream::connect(closed).is_err());
        }
        assert!(events.counts().lost > before.lost);
        let mut read = 0;
        events.read(|event| {
            event.unwrap();
            read += 1;
        });
        let counts = events.counts();
        assert!(
            read >= counts.told && read <= counts.told + counts.accepted,
            "{read} {counts:?}"
        );
        // It goes on afterwards.
        assert!(TcpStream::connect(closed).is_err());
        assert_eq!(here(&mut events).len(), 1);
    }
}
