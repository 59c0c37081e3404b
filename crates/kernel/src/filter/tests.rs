//! The program, run as the kernel runs it, against the walk of `packet`.

use std::net::{Ipv6Addr, SocketAddr};

use proptest::prelude::*;
use testkit::frames::{self, ACK, ECN, FIN, RST, SYN, Segment};

use super::{DNS_BYTES, EXTENDED_BYTES, HEADER_BYTES, Instruction, program};
use crate::packet::{self, LinkType, Transport};

const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;

/// What the program returns for a packet; a read beyond its end returns nothing, as in the kernel.
fn run(ethertype: u16, packet: &[u8]) -> u32 {
    let program = program();
    let (mut a, mut x, mut memory, mut next) = (0_u32, 0_u32, [0_u32; 16], 0_usize);
    let word = |place: u32, length: usize| -> Option<u32> {
        let place = usize::try_from(place).ok()?;
        let bytes = packet.get(place..place + length)?;
        Some(bytes.iter().fold(0, |n, byte| n << 8 | u32::from(*byte)))
    };
    loop {
        let Instruction {
            code,
            jump_true,
            jump_false,
            k,
        } = program[next];
        next += 1;
        let mut branch = |holds: bool| {
            next += usize::from(if holds { jump_true } else { jump_false });
        };
        let loaded = match code {
            0x28 if k == 0xffff_f000 => Some(u32::from(ethertype)),
            0x28 => word(k, 2),
            0x30 => word(k, 1),
            0x40 => word(x + k, 4),
            0x48 => word(x + k, 2),
            0x50 => word(x + k, 1),
            _ => Some(a),
        };
        let Some(loaded) = loaded else { return 0 };
        a = loaded;
        match code {
            0xb1 => match word(k, 1) {
                Some(byte) => x = 4 * (byte & 0x0f),
                None => return 0,
            },
            0x01 => x = k,
            0x61 => x = memory[k as usize],
            0x60 => a = memory[k as usize],
            0x02 => memory[k as usize] = a,
            0x04 => a = a.wrapping_add(k),
            0x0c => a = a.wrapping_add(x),
            0x1c => a = a.wrapping_sub(x),
            0x54 => a &= k,
            0x74 => a >>= k,
            0x05 => next += k as usize,
            0x15 => branch(a == k),
            0x45 => branch(a & k != 0),
            0x06 => return k,
            0x28 | 0x30 | 0x40 | 0x48 | 0x50 => {}
            other => panic!("the kernel knows no code {other:#x} here"),
        }
    }
}

/// What should be passed, told from the walk of `packet`.
fn wanted(packet: &[u8]) -> u32 {
    let Ok(parsed) = packet::parse(LinkType::RawIp, packet) else {
        return 0;
    };
    match parsed.transport {
        Transport::Udp(udp) if udp.source_port == 53 || udp.destination_port == 53 => DNS_BYTES,
        Transport::Udp(_) => 0,
        Transport::Tcp(tcp) => {
            let flags = tcp.flags;
            let refusal = flags.rst() && (!flags.ack() || tcp.sequence == 0);
            if flags.syn() || refusal {
                HEADER_BYTES
            } else if !flags.rst() && tcp.source_port == 53 && !tcp.payload.is_empty() {
                DNS_BYTES
            } else {
                0
            }
        }
    }
}

fn end(port: u16) -> impl Strategy<Value = SocketAddr> {
    any::<[u8; 4]>().prop_map(move |ip| (ip, port).into())
}

fn ends() -> impl Strategy<Value = (SocketAddr, SocketAddr)> {
    let port = prop_oneof![Just(53_u16), any::<u16>()];
    (port.clone(), port, any::<bool>())
        .prop_flat_map(|(from, to, v6)| (end(from), end(to), Just(v6)))
        .prop_map(|(from, to, v6)| if v6 { (six(from), six(to)) } else { (from, to) })
}

fn six(end: SocketAddr) -> SocketAddr {
    let low = end.port() % 251 + 1;
    (Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, low), end.port()).into()
}

fn ethertype(packet: &[u8]) -> u16 {
    if packet[0] >> 4 == 4 { IPV4 } else { IPV6 }
}

proptest! {
    #[test]
    fn what_the_collectors_use_is_passed_and_nothing_else(
        (from, to) in ends(),
        flags in prop_oneof![Just(SYN), Just(SYN | ACK), Just(RST), Just(RST | ACK), Just(ACK), Just(SYN | ECN), Just(FIN | ACK), any::<u8>()],
        sequence in prop_oneof![Just(0_u32), any::<u32>()],
        timestamp in any::<Option<u32>>(),
        payload in prop::collection::vec(any::<u8>(), 0..40),
        is_udp in any::<bool>(),
    ) {
        let segment = Segment { flags, sequence, acknowledgement: 1, timestamp, payload: &payload };
        let packet = if is_udp { frames::udp(from, to, &payload) } else { frames::tcp(from, to, segment) };
        prop_assert_eq!(run(ethertype(&packet), &packet), wanted(&packet));
        let tagged = [&[0, 7][..], &ethertype(&packet).to_be_bytes(), &packet].concat();
        prop_assert_eq!(run(0x8100, &tagged), wanted(&packet));
    }

    #[test]
    fn no_bytes_at_all_lead_it_astray(ethertype in any::<u16>(), packet in prop::collection::vec(any::<u8>(), 0..120)) {
        run(ethertype, &packet);
    }
}

#[test]
fn later_fragments_and_other_protocols_are_not_passed() {
    let ends: [SocketAddr; 2] = [([10, 0, 0, 1], 53).into(), ([10, 0, 0, 2], 53).into()];
    let mut packet = frames::udp(ends[0], ends[1], b"fragment");
    assert_eq!(run(IPV4, &packet), DNS_BYTES);
    packet[7] = 1;
    assert_eq!(run(IPV4, &packet), 0);
    let sctp = frames::ip(ends[0].ip(), ends[1].ip(), 132, &[0; 40]);
    assert_eq!(run(IPV4, &sctp), 0);
    assert_eq!(run(0x0806, &[0, 1, 8, 0, 6, 4, 0, 1]), 0);
}

#[test]
fn extension_headers_are_left_to_the_reader() {
    let ends = [six(([0; 4], 1).into()), six(([0; 4], 2).into())];
    let packet = frames::ip(ends[0].ip(), ends[1].ip(), 0, &[17, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(run(IPV6, &packet), EXTENDED_BYTES);
    // Who listens to groups says so in ICMPv6 behind a hop-by-hop header (RFC 3810).
    let packet = frames::ip(ends[0].ip(), ends[1].ip(), 0, &[58, 0, 5, 2, 0, 0, 1, 0]);
    assert_eq!(run(IPV6, &packet), 0);
}

#[test]
fn jumps_are_short_enough_to_be_written() {
    let program = program();
    assert!(program.len() < 128, "{} instructions", program.len());
    // A jump that could not be written would be 0 on both sides.
    for instruction in program {
        if matches!(instruction.code, 0x15 | 0x45) {
            assert_ne!((instruction.jump_true, instruction.jump_false), (0, 0));
        }
    }
}
