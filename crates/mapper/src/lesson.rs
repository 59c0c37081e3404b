//! What answers teach: an address that a pod got for a name outside the cluster.

use std::net::IpAddr;
use std::time::Duration;

use map::{DnsName, Time};

use crate::limits::{LEAST_LIFETIME, LONGEST_LIFETIME};

/// A name outside the cluster has this address for so long from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Learned {
    /// The name.
    pub name: DnsName,
    /// The address.
    pub address: IpAddr,
    /// How much longer it counts.
    pub left: Duration,
}

/// An answer that was seen at `seen`, with this time to live in seconds, as it counts at `now`; `None` if it counts no
/// more.
pub(crate) fn lesson(
    name: &DnsName,
    address: IpAddr,
    ttl: u32,
    seen: Time,
    now: Time,
) -> Option<Learned> {
    let lifetime = Duration::from_secs(u64::from(ttl)).clamp(LEAST_LIFETIME, LONGEST_LIFETIME);
    let until = seen.plus(lifetime);
    (until > now).then(|| Learned {
        name: name.clone(),
        address: address.to_canonical(),
        left: until.since(now).min(lifetime),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_counts_for_its_time_to_live_within_bounds_from_when_it_was_seen() {
        let name = DnsName::new("a.org");
        let address: IpAddr = "::ffff:203.0.113.1".parse().unwrap();
        let left = |ttl, seen, now| {
            let (seen, now) = (Time::from_secs(seen), Time::from_secs(now));
            lesson(&name, address, ttl, seen, now).map(|learned| learned.left.as_secs())
        };
        assert_eq!(left(300, 1000, 1000), Some(300));
        assert_eq!(left(300, 1000, 1100), Some(200));
        assert_eq!(left(0, 1000, 1000), Some(120));
        assert_eq!(left(u32::MAX, 1000, 1000), Some(3600));
        assert_eq!(left(300, 1000, 1300), None);
        assert_eq!(left(300, 1005, 1000), Some(300), "a clock ahead of ours");
        let learned = lesson(&name, address, 0, Time::EPOCH, Time::EPOCH).unwrap();
        assert_eq!(learned.address.to_string(), "203.0.113.1");
    }
}
