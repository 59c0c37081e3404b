//! Synthetic traffic of a node, of any length, with a known truth.
//!
//! Workload `i` calls workload `i + 1` and `i + 7` (around the circle), each through its Service: a DNS question and
//! its answer, then a handshake whose destination is translated to the one pod behind the Service.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use serde_json::Value;

use crate::frames::{ACK, SYN, Segment, tcp, udp};
use crate::{cluster, dns};

/// How far away the servers of a workload are.
const CALLS: [usize; 2] = [1, 7];

/// The port that Services listen on.
const SERVICE_PORT: u16 = 80;

/// The port that pods listen on.
const POD_PORT: u16 = 8080;

/// 2026-11-24 10:01:00 in nanoseconds: a minute after the pods came up.
pub const START_NANOS: i64 = 1_795_514_460_000_000_000;

/// A cluster of this many workloads with one pod each, at most 4 096.
#[derive(Clone, Copy, Debug)]
pub struct Traffic {
    /// How many workloads.
    pub workloads: usize,
    /// Nanoseconds between two calls.
    pub pace_nanos: i64,
}

fn address(network: [u8; 2], number: usize) -> Ipv4Addr {
    Ipv4Addr::new(
        network[0],
        network[1],
        (number / 250) as u8,
        (number % 250 + 2) as u8,
    )
}

fn pod(number: usize) -> Ipv4Addr {
    address([10, 244], number)
}

fn service(number: usize) -> Ipv4Addr {
    address([10, 96], number)
}

fn dns_server() -> SocketAddr {
    (IpAddr::from([10, 245, 0, 10]), 53).into()
}

fn name(number: usize) -> String {
    format!("workload-{number}")
}

impl Traffic {
    /// The frames of call number `call`, as Ethernet: question, answer, SYN and SYN-ACK before and after translation.
    pub fn call(&self, call: usize) -> Vec<(i64, Vec<u8>)> {
        let (client, server) = self.ends(call);
        let at = START_NANOS + call as i64 * self.pace_nanos;
        let port = 32_768 + (call % 28_000) as u16;
        let (client, meant): (SocketAddr, SocketAddr) = (
            (IpAddr::V4(pod(client)), port).into(),
            (IpAddr::V4(service(server)), SERVICE_PORT).into(),
        );
        let reached = (IpAddr::V4(pod(server)), POD_PORT).into();
        let id = call as u16;
        let asked = format!("{}.shop.svc.cluster.local", name(server));
        let sequence = (call as u32).wrapping_mul(2_654_435_761);
        let syn = Segment {
            flags: SYN,
            sequence,
            timestamp: Some(call as u32),
            ..Segment::default()
        };
        let syn_ack = Segment {
            flags: SYN | ACK,
            sequence: !sequence,
            acknowledgement: sequence.wrapping_add(1),
            timestamp: Some(1),
            ..Segment::default()
        };
        let packets = [
            udp(client, dns_server(), &dns::query(id, &asked, dns::A)),
            udp(
                dns_server(),
                client,
                &dns::answer(id, &asked, &[meant.ip()], 30),
            ),
            tcp(client, meant, syn),
            tcp(client, reached, syn),
            tcp(reached, client, syn_ack),
            tcp(meant, client, syn_ack),
        ];
        let frames = packets.iter().enumerate();
        frames
            .map(|(place, packet)| {
                (
                    at + place as i64 * 1_000,
                    crate::frames::ethernet(&[], packet),
                )
            })
            .collect()
    }

    fn ends(&self, call: usize) -> (usize, usize) {
        let client = call / CALLS.len() % self.workloads;
        let server = (client + CALLS[call % CALLS.len()]) % self.workloads;
        (client, server)
    }

    /// The cluster.
    pub fn snapshot(&self) -> Value {
        let mut items = vec![cluster::node("n1", "172.18.0.2", "10.244.0.0/16")];
        for number in 0..self.workloads {
            let (name, address) = (name(number), pod(number).to_string());
            let pod = format!("{name}-5d7677ff9f-00000");
            items.extend(cluster::deployment("shop", &name, &[&address]));
            items.extend(cluster::service(
                "shop",
                &name,
                Some(&service(number).to_string()),
                (SERVICE_PORT, POD_PORT),
                &[(&pod, &address)],
            ));
        }
        cluster::list(&items)
    }

    /// The true edges after so many calls: client and server by name, sorted.
    pub fn truth(&self, calls: usize) -> Vec<(String, String)> {
        let circle = calls.min(self.workloads * CALLS.len());
        let ends = (0..circle).map(|call| self.ends(call));
        let mut edges: Vec<_> = ends
            .map(|(client, server)| (name(client), name(server)))
            .collect();
        edges.sort();
        edges.dedup();
        edges
    }
}
