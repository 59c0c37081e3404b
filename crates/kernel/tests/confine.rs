//! The filter of system calls in force, in a process of its own.
#![cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
#![allow(
    clippy::unwrap_used,
    reason = "a test may fail loudly, in its helpers too"
)]

mod apart;

use std::fs;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream, ToSocketAddrs};
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::sync::mpsc::channel;
use std::thread;

use kernel::confine::confine;
use kernel::ring::PacketSocket;

/// A filter is for good: the test that has it is a process of its own.
#[test]
fn what_is_not_allowed_fails_in_every_thread_and_all_else_goes_on() {
    apart::passes("confined", &[]);
}

#[test]
#[ignore = "confines its process: is run by the test above"]
fn confined() {
    // Whoever holds a lock may be asked for everything before: the same calls do well without the filter.
    assert!(Command::new("true").status().unwrap().success());
    let (go, wait) = channel::<()>();
    let older = thread::spawn(move || {
        wait.recv().unwrap();
        forbidden();
        allowed();
    });
    confine(&[]).unwrap();
    go.send(()).unwrap();
    older.join().unwrap();
    forbidden();
    allowed();
    thread::spawn(|| {
        forbidden();
        allowed();
    })
    .join()
    .unwrap();
    // A second one can only take more away.
    let again = confine(&[]).unwrap_err();
    assert!(again.to_string().contains("no filter"), "{again}");
}

fn forbidden() {
    let started = Command::new("true").status().unwrap_err();
    let refused = [io::ErrorKind::PermissionDenied, io::ErrorKind::Unsupported];
    assert!(refused.contains(&started.kind()), "{started}");
    let socket = PacketSocket::open().unwrap_err().to_string();
    assert!(socket.contains("Operation not permitted"), "{socket}");
    // Nobody changes who may read a file.
    let file = tempfile();
    let mut rights = fs::metadata(&file).unwrap().permissions();
    rights.set_readonly(true);
    fs::set_permissions(&file, rights).unwrap_err();
    fs::remove_file(file).unwrap();
}

/// A new empty file.
fn tempfile() -> std::path::PathBuf {
    let name = format!("portolan-confine-{:?}", thread::current().id());
    let path = std::env::temp_dir().join(format!("{name}-{}", std::process::id()));
    fs::write(&path, b"").unwrap();
    path
}

fn allowed() {
    let file = tempfile();
    let renamed = file.with_extension("renamed");
    fs::write(&file, b"spooled").unwrap();
    fs::File::open(&file).unwrap().sync_all().unwrap();
    fs::rename(&file, &renamed).unwrap();
    assert_eq!(fs::read(&renamed).unwrap(), b"spooled");
    fs::remove_file(renamed).unwrap();
    assert!(fs::read_dir("/proc/self/task").unwrap().count() >= 1);
    assert!(!fs::read("/proc/self/net/tcp").unwrap().is_empty());

    assert!(
        ("localhost", 80)
            .to_socket_addrs()
            .unwrap()
            .next()
            .is_some()
    );
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (mut server, _) = listener.accept().unwrap();
    client.set_nodelay(true).unwrap();
    client.set_nonblocking(true).unwrap();
    client.set_nonblocking(false).unwrap();
    client.write_all(b"hi").unwrap();
    drop(client);
    let mut read = String::new();
    server.read_to_string(&mut read).unwrap();
    assert_eq!(read, "hi");
    let (_one, _other) = UnixStream::pair().unwrap();
    // Memory comes and goes.
    let large = vec![1_u8; 64 << 20];
    assert!(large.iter().all(|byte| *byte == 1));
    drop(large);
}
