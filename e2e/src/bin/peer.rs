//! What the pods of tests run: it calls and answers, asks for names, and sends what nobody should.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "it talks to the test by standard output, and may fail loudly"
)]

use std::io::{self, BufRead, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use testkit::dns;

const USAGE: &str = "serve ADDRESS… | serve-udp ADDRESS… | connect ADDRESS… | hold ADDRESS… | hold-udp ADDRESS… \
                     | resolve udp|tcp SERVER TYPE NAME… | send MICROSECONDS";

/// How long a connection, or an answer, is waited for: longer than a packet takes on a busy machine, and shorter than a
/// SYN is sent again, so that a test knows how often it was sent.
const PATIENCE: Duration = Duration::from_millis(800);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (verb, rest) = arguments.split_first().expect(USAGE);
    match verb.as_str() {
        "serve" => serve(rest),
        "serve-udp" => serve_udp(rest),
        "connect" => connect(rest, drop),
        "hold" => {
            let mut streams = Vec::new();
            connect(rest, |stream| streams.push(stream));
            wait();
        }
        "hold-udp" => hold_udp(rest),
        "resolve" => resolve(rest),
        "send" => send(rest),
        _ => panic!("{USAGE}"),
    }
}

/// A line for the test.
fn say(line: &str) {
    println!("{line}");
    io::stdout().flush().unwrap();
}

/// Until the test closes our standard input.
fn wait() {
    let _closed = io::stdin().read_to_end(&mut Vec::new());
}

fn serve(addresses: &[String]) {
    let listeners: Vec<TcpListener> = addresses
        .iter()
        .map(|address| TcpListener::bind(address).unwrap_or_else(|e| panic!("{address}: {e}")))
        .collect();
    say("listening");
    for listener in listeners {
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { continue };
                std::thread::spawn(move || {
                    let mut bytes = [0; 64];
                    while matches!(stream.read(&mut bytes), Ok(1..)) {}
                });
            }
        });
    }
    wait();
}

/// Sends back what comes.
fn serve_udp(addresses: &[String]) {
    let sockets: Vec<UdpSocket> = addresses
        .iter()
        .map(|address| UdpSocket::bind(address).unwrap_or_else(|e| panic!("{address}: {e}")))
        .collect();
    say("listening");
    for socket in sockets {
        std::thread::spawn(move || {
            let mut bytes = [0; 64];
            while let Ok((length, from)) = socket.recv_from(&mut bytes) {
                let _sent = socket.send_to(&bytes[..length], from);
            }
        });
    }
    wait();
}

fn connect(addresses: &[String], mut each: impl FnMut(TcpStream)) {
    for address in addresses {
        let address: SocketAddr = address.parse().unwrap();
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(stream) => {
                say("open");
                each(stream);
            }
            Err(error) => say(&format!("{:?}", error.kind())),
        }
    }
}

fn hold_udp(addresses: &[String]) {
    let mut sockets = Vec::new();
    for address in addresses {
        let socket = connected(address.parse().unwrap());
        socket.send(b"hello").unwrap();
        match socket.recv(&mut [0; 64]) {
            Ok(_) => say("open"),
            Err(error) => say(&format!("{:?}", error.kind())),
        }
        sockets.push(socket);
    }
    wait();
}

/// A UDP socket that talks to this address alone.
fn connected(address: SocketAddr) -> UdpSocket {
    let any: IpAddr = match address {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0)).unwrap();
    socket.connect(address).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

/// Asks a DNS server as resolver libraries do: what does not fit into a datagram is asked again over TCP. Says the way of
/// the answer, and its addresses.
fn resolve(arguments: &[String]) {
    let [way, server, kind, names @ ..] = arguments else {
        panic!("{USAGE}");
    };
    let server: SocketAddr = server.parse().unwrap();
    let kind = match kind.as_str() {
        "A" => dns::A,
        "AAAA" => dns::AAAA,
        _ => panic!("{USAGE}"),
    };
    for (id, name) in (std::process::id()..).zip(names) {
        let query = dns::query((id & 0xffff) as u16, name, kind);
        let by_datagram = (way == "udp").then(|| by_datagram(server, &query));
        let (way, answer) = match by_datagram {
            Some(answer) if !is_cut(&answer) => ("udp", answer),
            _ => ("tcp", by_stream(server, &query)),
        };
        assert_eq!(answer[..2], query[..2], "another id");
        let addresses = addresses(&answer);
        let code = answer[3] & 0x0f;
        say(&if addresses.is_empty() {
            format!("{way} code {code}")
        } else {
            format!("{way} {}", addresses.join(" "))
        });
    }
}

fn by_datagram(server: SocketAddr, query: &[u8]) -> Vec<u8> {
    let socket = connected(server);
    let mut bytes = [0; 4096];
    for _try in 0..5 {
        socket.send(query).unwrap();
        // What comes of a closed port, or never, is asked for again.
        if let Ok(length) = socket.recv(&mut bytes) {
            return bytes[..length].to_vec();
        }
    }
    panic!("no answer from {server}");
}

fn by_stream(server: SocketAddr, query: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect_timeout(&server, PATIENCE).unwrap();
    stream.set_read_timeout(Some(5 * PATIENCE)).unwrap();
    stream.write_all(&dns::over_tcp(query)).unwrap();
    let mut length = [0; 2];
    stream.read_exact(&mut length).unwrap();
    let mut answer = vec![0; u16::from_be_bytes(length).into()];
    stream.read_exact(&mut answer).unwrap();
    answer
}

/// Whether the answer did not fit (RFC 1035 4.1.1, TC).
fn is_cut(answer: &[u8]) -> bool {
    answer[2] & 2 != 0
}

/// The addresses of an answer, sorted.
fn addresses(answer: &[u8]) -> Vec<String> {
    let number = |place: usize| usize::from(u16::from_be_bytes([answer[place], answer[place + 1]]));
    let behind_name = |mut place: usize| loop {
        match usize::from(answer[place]) {
            0 => return place + 1,
            0xc0.. => return place + 2,
            label => place += 1 + label,
        }
    };
    let mut place = behind_name(12) + 4;
    let mut found = Vec::new();
    for _record in 0..number(6) {
        place = behind_name(place);
        let (kind, length) = (number(place), number(place + 8));
        let data = &answer[place + 10..place + 10 + length];
        if kind == usize::from(dns::A) {
            let address = <[u8; 4]>::try_from(data).unwrap();
            found.push(Ipv4Addr::from(address).to_string());
        } else if kind == usize::from(dns::AAAA) {
            let address = <[u8; 16]>::try_from(data).unwrap();
            found.push(Ipv6Addr::from(address).to_string());
        }
        place += 10 + length;
    }
    found.sort();
    found
}

/// Sends IP packets as they are, whoever they claim to come from: each is a line of its destination and its bytes in
/// hexadecimal; so long after each, the next. What goes to an IPv6 address is not looked at on its way, and may be no packet at all.
fn send(arguments: &[String]) {
    let [pause] = arguments else {
        panic!("{USAGE}");
    };
    let pause = Duration::from_micros(pause.parse().unwrap());
    let open = |domain| {
        // IPPROTO_RAW: the header is in the bytes (raw(7)).
        Socket::new(domain, Type::RAW, Some(Protocol::from(255))).unwrap()
    };
    let (v4, v6) = (open(Domain::IPV4), open(Domain::IPV6));
    let (mut sent, mut refused) = (0, 0);
    for line in io::stdin().lock().lines() {
        let line = line.unwrap();
        let (to, hex) = line.split_once(' ').unwrap();
        let to: IpAddr = to.parse().unwrap();
        let bytes: Vec<u8> = (0..hex.len() / 2)
            .map(|n| u8::from_str_radix(&hex[2 * n..2 * n + 2], 16).unwrap())
            .collect();
        let socket = if to.is_ipv4() { &v4 } else { &v6 };
        match socket.send_to(&bytes, &SocketAddr::new(to, 0).into()) {
            Ok(_) => sent += 1,
            // The queue of the interface is full, or the kernel does not send this.
            Err(_) => refused += 1,
        }
        if !pause.is_zero() {
            std::thread::sleep(pause);
        }
    }
    say(&format!("{sent} sent, {refused} refused"));
}
