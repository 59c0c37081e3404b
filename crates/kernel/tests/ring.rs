//! The ring on real packets, in a network namespace of its own. It needs no root where users may make namespaces.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test may fail loudly, in its helpers too, and says what it skips"
)]

mod apart;

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::time::Duration;

use kernel::packet::{self, Packet, Transport};
use kernel::ring::{Direction, MIN_BYTES, PacketSocket, Ring};

/// Everything that comes until it has been quiet for a while.
fn captured(ring: &mut Ring, mut each: impl FnMut(Direction, &Packet<'_>)) -> usize {
    let mut count = 0;
    while ring.wait(Duration::from_millis(300)).unwrap() {
        while ring.read(|frame| {
            count += 1;
            let packet = packet::parse_network(frame.ethertype, frame.bytes).unwrap();
            assert!(frame.seconds > 1_700_000_000 && frame.nanoseconds < 1_000_000_000);
            assert_eq!(frame.interface, 1);
            each(frame.direction, &packet);
        }) {}
    }
    count
}

#[test]
fn dns_and_handshakes_are_captured_and_nothing_else() {
    apart::in_namespaces("inside::dns_and_handshakes");
}

#[test]
fn what_finds_the_ring_full_is_counted() {
    apart::in_namespaces("inside::full_ring");
}

mod inside {
    use super::*;

    #[test]
    #[ignore = "run in a namespace by the test above"]
    fn dns_and_handshakes() {
        for address in [
            IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(Ipv6Addr::LOCALHOST),
        ] {
            both_families(address);
        }
    }

    fn both_families(address: IpAddr) {
        let mut ring = PacketSocket::open().unwrap().start(MIN_BYTES).unwrap();
        let server = UdpSocket::bind((address, 53)).unwrap();
        let client = UdpSocket::bind((address, 0)).unwrap();
        let other = UdpSocket::bind((address, 5353)).unwrap();
        client
            .send_to(b"question", server.local_addr().unwrap())
            .unwrap();
        server
            .send_to(&[7; 4_000], client.local_addr().unwrap())
            .unwrap();
        client
            .send_to(b"no DNS", other.local_addr().unwrap())
            .unwrap();

        let listener = TcpListener::bind((address, 0)).unwrap();
        let open = listener.local_addr().unwrap();
        let mut stream = TcpStream::connect(open).unwrap();
        let (mut accepted, _) = listener.accept().unwrap();
        stream.write_all(b"data of an ordinary connection").unwrap();
        accepted.read_exact(&mut [0; 30]).unwrap();
        let closed = SocketAddr::new(address, 1);
        assert!(TcpStream::connect(closed).is_err());

        let mut seen = Vec::new();
        captured(&mut ring, |direction, packet| {
            let what = match packet.transport {
                Transport::Udp(udp) => format!("udp of {}", udp.payload.len()),
                Transport::Tcp(tcp) => {
                    assert!(tcp.timestamp.is_some() || tcp.flags.rst());
                    let flags = tcp.flags;
                    format!(
                        "syn {} ack {} rst {}",
                        flags.syn(),
                        flags.ack(),
                        flags.rst()
                    )
                }
            };
            // On loopback every packet goes out, and comes in.
            if direction == Direction::Host {
                seen.push(what);
            } else {
                assert_eq!(direction, Direction::Outgoing);
            }
        });
        let syn = "syn true ack false rst false";
        assert_eq!(
            seen,
            [
                "udp of 8",
                "udp of 4000",
                syn,
                "syn true ack true rst false",
                syn,
                "syn false ack true rst true"
            ]
        );
        let counts = ring.counts().unwrap();
        assert_eq!((counts.packets, counts.lost), (12, 0));
        assert_eq!(ring.counts().unwrap().packets, 0);
    }

    #[test]
    #[ignore = "run in a namespace by the test above"]
    fn full_ring() {
        const SENT: u32 = 2_000;
        let mut ring = PacketSocket::open().unwrap().start(MIN_BYTES).unwrap();
        let nobody = SocketAddr::from((Ipv4Addr::new(127, 0, 0, 9), 53));
        let client = UdpSocket::bind("127.0.0.1:0").unwrap();
        for _ in 0..SENT {
            client.send_to(&[0; 1_000], nobody).unwrap();
        }
        let read = captured(&mut ring, |_, _| {});
        let counts = ring.counts().unwrap();
        assert_eq!(counts.packets, 2 * SENT);
        assert!(counts.lost > 0);
        assert_eq!(u32::try_from(read).unwrap() + counts.lost, counts.packets);
        // It goes on afterwards.
        client.send_to(b"again", nobody).unwrap();
        assert_eq!(captured(&mut ring, |_, _| {}), 2);
    }
}
