//! Socket diagnostics of real namespaces: what they tell is what the tables tell. It needs no root where users may make
//! namespaces.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test may fail loudly, in its helpers too, and says what it skips"
)]

mod apart;

use std::fs::File;
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use kernel::socket_diag::{Family, Home, Kind, OpenError, SocketDiag};
use kernel::socket_table::{Socket, SocketState, sockets};
use rustix::thread::{
    CapabilitySet, CapabilitySets, LinkNameSpaceType, move_into_link_name_space, set_capabilities,
};

#[test]
fn another_namespace_is_told_as_by_its_tables() {
    apart::in_namespaces("inside::another_namespace");
}

#[test]
fn without_the_right_nothing_is_entered() {
    apart::in_namespaces("inside::no_right");
}

#[test]
fn what_cannot_be_opened_is_told() {
    let home = Home::of_this_thread().unwrap();
    let nobody = SocketDiag::open_in(Path::new("/proc/0/ns/net"), &home).unwrap_err();
    assert!(matches!(nobody, OpenError::Closed(_)), "{nobody}");
    // A file that is no namespace.
    let other = SocketDiag::open_in(Path::new("/proc/self/status"), &home).unwrap_err();
    assert!(matches!(other, OpenError::NotEntered(_)), "{other}");
}

/// A process in a network namespace of its own.
struct Neighbour(Child);

impl Neighbour {
    fn start() -> Self {
        let mut command = Command::new("unshare");
        let mut child = command
            .args([
                "--net",
                "sh",
                "-c",
                "ip link set lo up && echo up && exec sleep 60",
            ])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let said = child.stdout.as_mut().unwrap();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(said), &mut line).unwrap();
        assert_eq!(line, "up\n");
        Self(child)
    }

    fn file(&self, name: &str) -> PathBuf {
        format!("/proc/{}/{name}", self.0.id()).into()
    }

    /// Runs something inside, in a thread of its own.
    fn inside<T: Send>(&self, body: impl FnOnce() -> T + Send) -> T {
        let there = File::open(self.file("ns/net")).unwrap();
        std::thread::scope(|scope| {
            let thread = scope.spawn(|| {
                let network = LinkNameSpaceType::Network;
                move_into_link_name_space(there.as_fd(), Some(network)).unwrap();
                body()
            });
            thread.join().unwrap()
        })
    }

    /// The rows of a table that diagnostics are asked for, sorted.
    fn table(&self, kind: Kind, name: &str) -> Vec<String> {
        let table = std::fs::read(self.file(&format!("net/{name}"))).unwrap();
        let wanted = |socket: &Socket| match kind {
            Kind::Tcp => matches!(socket.state, SocketState::Established | SocketState::Listen),
            Kind::Udp => true,
        };
        sorted(sockets(&table).map(Result::unwrap).filter(wanted))
    }
}

impl Drop for Neighbour {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _code = self.0.wait();
    }
}

fn sorted(sockets: impl Iterator<Item = Socket>) -> Vec<String> {
    let mut all: Vec<String> = sockets.map(|socket| format!("{socket:?}")).collect();
    all.sort_unstable();
    all
}

fn asked(diag: &mut SocketDiag, kind: Kind, family: Family) -> Vec<String> {
    let mut all = Vec::new();
    diag.sockets(kind, family, &mut all).unwrap();
    sorted(all.into_iter().map(Result::unwrap))
}

/// Listeners and open connections of both families, a connection to a mapped address, and one that is closing.
fn open_some() -> (Vec<TcpListener>, Vec<TcpStream>, Vec<UdpSocket>) {
    let listen = |address: &str| TcpListener::bind(address).unwrap();
    let listeners = ["127.0.0.1:0", "[::1]:0", "[::]:0"].map(listen);
    let mut streams = Vec::new();
    let mut call = |listener: &TcpListener, address: SocketAddr| {
        streams.push(TcpStream::connect(address).unwrap());
        streams.push(listener.accept().unwrap().0);
    };
    for _ in 0..300 {
        call(&listeners[0], listeners[0].local_addr().unwrap());
    }
    call(&listeners[1], listeners[1].local_addr().unwrap());
    let both = listeners[2].local_addr().unwrap().port();
    call(&listeners[2], SocketAddr::from(([127, 0, 0, 1], both)));
    let closing = TcpStream::connect(listeners[0].local_addr().unwrap()).unwrap();
    streams.push(listeners[0].accept().unwrap().0);
    drop(closing);

    let udp = ["127.0.0.1:0", "[::1]:0", "127.0.0.1:0", "[::1]:0"];
    let udp = udp.map(|address| UdpSocket::bind(address).unwrap());
    udp[2].connect(udp[0].local_addr().unwrap()).unwrap();
    udp[3].connect(udp[1].local_addr().unwrap()).unwrap();
    (listeners.into(), streams, udp.into())
}

mod inside {
    use super::*;

    fn own_namespace() -> PathBuf {
        std::fs::read_link("/proc/thread-self/ns/net").unwrap()
    }

    #[test]
    #[ignore = "run in a namespace by the test above"]
    fn another_namespace() {
        let neighbour = Neighbour::start();
        let _open = neighbour.inside(open_some);
        let (home, before) = (Home::of_this_thread().unwrap(), own_namespace());
        let mut diag = SocketDiag::open_in(&neighbour.file("ns/net"), &home).unwrap();
        assert_eq!(own_namespace(), before);
        let questions = [
            (Kind::Tcp, Family::V4, "tcp", 601),
            (Kind::Tcp, Family::V6, "tcp6", 5),
            (Kind::Udp, Family::V4, "udp", 2),
            (Kind::Udp, Family::V6, "udp6", 2),
        ];
        for (kind, family, table, least) in questions {
            let told = asked(&mut diag, kind, family);
            assert!(told.len() >= least, "{table}: {}", told.len());
            assert_eq!(told, neighbour.table(kind, table), "{table}");
        }
        // Of here, where there is nothing.
        let mut here = SocketDiag::open().unwrap();
        assert_eq!(asked(&mut here, Kind::Tcp, Family::V4), [""; 0]);
    }

    #[test]
    #[ignore = "run in a namespace by the test above"]
    fn no_right() {
        let neighbour = Neighbour::start();
        let (home, before) = (Home::of_this_thread().unwrap(), own_namespace());
        let all = rustix::thread::capabilities(None).unwrap();
        let without = CapabilitySets {
            effective: all.effective - CapabilitySet::SYS_ADMIN,
            ..all
        };
        set_capabilities(None, without).unwrap();
        let refused = SocketDiag::open_in(&neighbour.file("ns/net"), &home).unwrap_err();
        assert!(matches!(refused, OpenError::NotEntered(_)), "{refused}");
        assert_eq!(own_namespace(), before);
    }
}
