//! The ring, as the sniffer opens it, and a packet of its own in it.

use std::io;
use std::net::{IpAddr, Ipv4Addr, UdpSocket};
use std::time::Duration;

use app::clock::Stopwatch;
use kernel::packet::{self, Transport};
use kernel::ring::{PacketSocket, Ring, RingError};
use rustix::io::Errno;

use super::findings::{Captured, Own, Packets};
use crate::dns::DNS_PORT;

/// How long is captured: long enough for its own packet, and to see that the node talks.
const CAPTURE: Duration = Duration::from_secs(1);

/// The question for the address of `portolan-check.invalid`, a name that nobody has (RFC 6761 6.4): header, name, type A,
/// class IN.
const QUESTION: &[u8] =
    b"\x50\x43\0\0\0\x01\0\0\0\0\0\0\x0eportolan-check\x07invalid\0\0\x01\0\x01";

pub(crate) fn look(socket: Result<PacketSocket, RingError>, bytes: usize) -> Packets {
    let ring = match socket.and_then(|socket| socket.start(bytes)) {
        Ok(ring) => ring,
        Err(error) => return refused(&error, bytes),
    };
    match capture(ring) {
        Ok(captured) => Packets::Captured(captured),
        Err(error) => Packets::Unreadable(error.to_string()),
    }
}

fn refused(error: &RingError, bytes: usize) -> Packets {
    let why = error.to_string();
    match error {
        RingError::Socket(cause) => Packets::Refused {
            errno: Errno::from_io_error(cause),
            why,
        },
        RingError::Setting { cause, .. } | RingError::Map { cause, .. } => Packets::NoRing {
            errno: Errno::from_io_error(cause),
            why,
            bytes,
        },
    }
}

fn capture(mut ring: Ring) -> io::Result<Captured> {
    let mut captured = Captured::default();
    let port = match ask() {
        Ok(port) => Some(port),
        Err(error) => {
            captured.own = Own::Unsent(error.to_string());
            None
        }
    };
    let watch = Stopwatch::start();
    while watch.elapsed() < CAPTURE {
        ring.wait(CAPTURE.saturating_sub(watch.elapsed()))?;
        while ring.read(|frame| {
            let Ok(packet) = packet::parse_network(frame.ethertype, frame.bytes) else {
                captured.others += 1;
                return;
            };
            match packet.transport {
                Transport::Udp(udp)
                    if packet.source == IpAddr::from(Ipv4Addr::LOCALHOST)
                        && port == Some(udp.source_port)
                        && udp.payload == QUESTION =>
                {
                    captured.own = Own::Seen;
                    return;
                }
                Transport::Udp(_) => captured.dns += 1,
                Transport::Tcp(tcp) if tcp.source_port == DNS_PORT && !tcp.flags.syn() => {
                    captured.dns += 1;
                }
                Transport::Tcp(_) => captured.handshakes += 1,
            }
            captured.others += 1;
        }) {}
    }
    captured.lost = u64::from(ring.counts()?.lost);
    Ok(captured)
}

/// Sends the question to this very host, and gives the port that it came from. Mostly nobody answers there.
fn ask() -> io::Result<u16> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    socket.send_to(QUESTION, (Ipv4Addr::LOCALHOST, DNS_PORT))?;
    Ok(socket.local_addr()?.port())
}
