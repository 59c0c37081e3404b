use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use kernel::socket_events::{BadRecord, Opened, SocketEvent, What, event};
use proptest::prelude::*;

use crate::packets::socket;

const ESTABLISHED: u8 = 1;
const SYN_SENT: u8 = 2;
const SYN_RECEIVED: u8 = 3;
const CLOSED: u8 = 7;

/// A record as the program writes it.
#[derive(Clone, Copy, Debug)]
struct Record {
    nanos: u64,
    ends: (SocketAddr, SocketAddr),
    states: (u8, u8),
    sequence: u32,
    acknowledged: u64,
    error: i32,
    namespace: u32,
}

impl Record {
    fn bytes(&self, groups: &[&str]) -> Vec<u8> {
        let (local, remote) = self.ends;
        let family: u16 = if local.is_ipv4() && remote.is_ipv4() {
            2
        } else {
            10
        };
        let octets = |ip: IpAddr| match (ip, family) {
            (IpAddr::V4(ip), 2) => [ip.octets().as_slice(), &[0; 12]].concat(),
            (IpAddr::V4(ip), _) => ip.to_ipv6_mapped().octets().to_vec(),
            (IpAddr::V6(ip), _) => ip.octets().to_vec(),
        };
        let mut bytes = self.nanos.to_ne_bytes().to_vec();
        bytes.extend(family.to_ne_bytes());
        bytes.extend([self.states.1, self.states.0]);
        bytes.extend(local.port().to_be_bytes());
        bytes.extend(remote.port().to_be_bytes());
        bytes.extend(self.sequence.to_ne_bytes());
        bytes.extend(self.error.to_ne_bytes());
        bytes.extend(self.acknowledged.to_ne_bytes());
        bytes.extend(u64::from(self.namespace).to_le_bytes());
        bytes.extend(octets(local.ip()));
        bytes.extend(octets(remote.ip()));
        for group in groups {
            let mut name = group.as_bytes().to_vec();
            name.resize(96, 0);
            bytes.extend(name);
        }
        bytes
    }
}

fn record() -> impl Strategy<Value = Record> {
    let numbers = (any::<u32>(), any::<u64>(), any::<u32>());
    (any::<u64>(), socket(), socket(), numbers).prop_map(
        |(nanos, local, remote, (sequence, acknowledged, namespace))| Record {
            nanos,
            ends: (local, remote),
            states: (SYN_SENT, ESTABLISHED),
            sequence,
            acknowledged,
            error: 0,
            namespace,
        },
    )
}

proptest! {
    #[test]
    #[cfg(target_endian = "little")]
    fn every_record_comes_back(record in record()) {
        let what = What::Opened { outcome: Opened::Accepted, pod: None };
        let expected = SocketEvent {
            at: Duration::from_nanos(record.nanos),
            namespace: record.namespace,
            local: record.ends.0,
            remote: record.ends.1,
            sequence: record.sequence.wrapping_sub((record.acknowledged & 0xffff_ffff) as u32),
            what,
        };
        prop_assert_eq!(event(&record.bytes(&["", "", ""])), Ok(expected));
        let accepted = Record { states: (SYN_RECEIVED, ESTABLISHED), ..record };
        prop_assert_eq!(event(&accepted.bytes(&[])), Ok(SocketEvent { what: What::Accepted, ..expected }));
    }

    #[test]
    fn a_short_record_is_told(record in record(), cut in 0..72_usize) {
        prop_assert_eq!(event(&record.bytes(&[])[..cut]), Err(BadRecord));
    }

    #[test]
    fn noise_does_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = event(&bytes);
    }

    /// The outcome is told by the state after, and the error.
    #[test]
    fn every_end_has_a_meaning(record in record(), new in 1..=12_u8, error in 100..130) {
        let told = event(&Record { states: (SYN_SENT, new), error, ..record }.bytes(&[]));
        let expected = match (new, error) {
            (ESTABLISHED, _) => Opened::Accepted,
            // Connection refused.
            (CLOSED, 111) => Opened::Refused,
            _ => Opened::GivenUp,
        };
        let Ok(SocketEvent { what: What::Opened { outcome, .. }, .. }) = told else {
            panic!("{told:?}");
        };
        prop_assert_eq!(outcome, expected);
    }
}

#[test]
fn the_pod_is_that_of_the_innermost_group_that_names_one() {
    const UID: &str = "0f8fad5b-d9cb-469f-a165-70867728950e";
    let record = Record {
        nanos: 1,
        ends: ("10.0.0.1:1".parse().unwrap(), "10.0.0.2:2".parse().unwrap()),
        states: (SYN_SENT, ESTABLISHED),
        sequence: 0,
        acknowledged: 0,
        error: 0,
        namespace: 0,
    };
    let pod = |groups: [&str; 3]| match event(&record.bytes(&groups)).unwrap().what {
        What::Opened { pod, .. } => pod.is_some(),
        What::Accepted => false,
    };
    let slice = format!("kubepods-burstable-pod{}.slice", UID.replace('-', "_"));
    let plain = format!("pod{UID}");
    assert!(pod([
        "cri-containerd-4711.scope",
        &slice,
        "kubepods-burstable.slice"
    ]));
    assert!(pod(["init", "4711", &plain]));
    assert!(pod([&plain, "burstable", "kubepods"]));
    assert!(!pod(["sshd.service", "system.slice", ""]));
    // Cut off in the middle of its number.
    assert!(!pod([&plain[..30], "", ""]));
}
