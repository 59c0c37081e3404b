//! What the pods of benchmarks run: traffic at a pace, counted.
//!
//! Each says one line when it is set up, and one with what it counted when it is done.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "it talks to the benchmark by standard output, may fail loudly, and keeps the pace by the clock"
)]

use std::io::{BufRead, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const USAGE: &str = "answer ADDRESS | ask ADDRESS PER-SECOND SECONDS NAMES FIRST | send ADDRESS SECONDS | sink ADDRESS | \
                     keep ADDRESS | hold ADDRESS… | call ADDRESS PER-SECOND SECONDS | dial | stay";

/// Sockets of who asks: with 65 536 numbers each, no question is like another of the last minutes.
const ASKING: usize = 64;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["answer", address] => answer(address),
        ["ask", address, rate, seconds, names, first] => ask(
            address,
            rate.parse().unwrap(),
            seconds.parse().unwrap(),
            names.parse().unwrap(),
            first.parse().unwrap(),
        ),
        ["send", address, seconds] => send(address, seconds.parse().unwrap()),
        ["sink", address] => sink(address),
        ["keep", address] => keep(address),
        ["hold", ref addresses @ ..] => hold(addresses),
        ["call", address, rate, seconds] => {
            call(address, rate.parse().unwrap(), seconds.parse().unwrap());
        }
        ["dial"] => dial(),
        ["stay"] => {
            say("here");
            wait();
        }
        _ => panic!("{USAGE}"),
    }
}

fn say(line: impl std::fmt::Display) {
    println!("{line}");
    std::io::stdout().flush().unwrap();
}

/// Until our standard input is closed.
fn wait() {
    let _closed = std::io::stdin().read_to_end(&mut Vec::new());
}

/// Does `each` so often a second for so long, in steps of a millisecond or more; how often it did.
fn pace(rate: u64, seconds: u64, mut each: impl FnMut(u64)) -> u64 {
    let begun = Instant::now();
    let (time, mut done) = (Duration::from_secs(seconds), 0);
    // Hundreds that wake up for nothing would be a load of their own.
    let step = Duration::from_millis((500 / rate.max(1)).max(1));
    loop {
        let passed = begun.elapsed().min(time);
        let due = rate * u64::try_from(passed.as_micros()).unwrap() / 1_000_000;
        // Who is behind does not make up for it in one go: that would be another pace.
        for _ in 0..(due - done).min(rate / 200 + 1) {
            each(done);
            done += 1;
        }
        if passed == time {
            return done;
        }
        if done >= due {
            thread::sleep(step);
        }
    }
}

/// A DNS server that knows every name; what it answered.
fn answer(address: &str) {
    let socket = Arc::new(UdpSocket::bind(address).unwrap());
    let answered = Arc::new(AtomicU64::new(0));
    say("listening");
    let (sending, counting) = (Arc::clone(&socket), Arc::clone(&answered));
    thread::spawn(move || {
        let mut message = [0; 512];
        while let Ok((length, client)) = sending.recv_from(&mut message) {
            // RFC 1035, 4.1: it is a response, with one answer: the name of the question, A, IN, a TTL of 30 s.
            message[2] |= 0x80;
            message[7] = 1;
            let end = length + 16;
            message[length..end]
                .copy_from_slice(&[0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 30, 0, 4, 192, 0, 2, 1]);
            if sending.send_to(&message[..end], client).is_ok() {
                counting.fetch_add(1, Ordering::Relaxed);
            }
        }
    });
    wait();
    say(answered.load(Ordering::Relaxed));
}

/// Asks a DNS server; what it asked. Answers are not read: that they were sent is what counts.
fn ask(address: &str, rate: u64, seconds: u64, names: u64, first: u64) {
    let sockets: Vec<UdpSocket> = (0..ASKING)
        .map(|_| {
            let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
            socket.connect(address).unwrap();
            socket
        })
        .collect();
    say("asking");
    let mut failed = 0;
    let asked = pace(rate, seconds, |n| {
        let id = u16::try_from(n / ASKING as u64 % 65_536).unwrap();
        let name = format!("name-{:07}", first + n % names);
        let mut message = Vec::with_capacity(64);
        message.extend(id.to_be_bytes());
        message.extend([1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
        for label in [&*name, "example", "org"] {
            message.push(u8::try_from(label.len()).unwrap());
            message.extend(label.as_bytes());
        }
        message.extend([0, 0, 1, 0, 1]);
        let socket = &sockets[usize::try_from(n).unwrap() % ASKING];
        failed += u64::from(socket.send(&message).is_err());
    });
    say(asked - failed);
    wait();
}

/// Sends datagrams as fast as it can; what it sent.
fn send(address: &str, seconds: u64) {
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    socket.connect(address).unwrap();
    say("sending");
    let (begun, mut sent) = (Instant::now(), 0_u64);
    while begun.elapsed() < Duration::from_secs(seconds) {
        for _ in 0..64 {
            sent += u64::from(socket.send(&[0; 100]).is_ok());
        }
    }
    say(sent);
}

/// Takes datagrams; what it took.
fn sink(address: &str) {
    let socket = UdpSocket::bind(address).unwrap();
    let (stopped, taken) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicU64::new(0)),
    );
    say("listening");
    let (of_thread, counting) = (Arc::clone(&stopped), Arc::clone(&taken));
    thread::spawn(move || {
        let mut bytes = [0; 256];
        while !of_thread.load(Ordering::Relaxed) {
            if socket.recv(&mut bytes).is_ok() {
                counting.fetch_add(1, Ordering::Relaxed);
            }
        }
    });
    wait();
    stopped.store(true, Ordering::Relaxed);
    say(taken.load(Ordering::Relaxed));
}

/// Takes connections, and keeps them until the end.
fn keep(address: &str) {
    let listener = TcpListener::bind(address).unwrap_or_else(|error| panic!("{address}: {error}"));
    say("listening");
    thread::spawn(move || {
        let mut kept = Vec::new();
        for stream in listener.incoming().flatten() {
            // What its client has closed is let go when another comes.
            kept.retain(|stream: &TcpStream| {
                stream.set_nonblocking(true).unwrap();
                !matches!(stream.peek(&mut [0]), Ok(0))
            });
            kept.push(stream);
        }
    });
    wait();
}

/// Opens connections, and holds them.
fn hold(addresses: &[&str]) {
    let patience = Duration::from_secs(5);
    let open = |address: &&str| TcpStream::connect_timeout(&address.parse().unwrap(), patience);
    let streams: Vec<_> = addresses
        .iter()
        .map(open)
        .collect::<Result<_, _>>()
        .unwrap();
    say(streams.len());
    wait();
}

/// Opens connections and closes them; how many were taken.
fn call(address: &str, rate: u64, seconds: u64) {
    let address: SocketAddr = address.parse().unwrap();
    say("calling");
    let mut open = 0;
    pace(rate, seconds, |_| {
        let stream = TcpStream::connect_timeout(&address, Duration::from_millis(500));
        open += u64::from(stream.is_ok());
    });
    say(open);
}

/// Connects to each address that it is told, and holds all.
fn dial() {
    say("ready");
    let mut streams = Vec::new();
    for line in std::io::stdin().lock().lines() {
        let address: SocketAddr = line.unwrap().parse().unwrap();
        streams.push(TcpStream::connect_timeout(&address, Duration::from_secs(2)).unwrap());
        say("open");
    }
}
