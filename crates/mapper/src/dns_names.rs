//! The addresses of DNS names outside the cluster, for ClientIntents.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use compact_str::CompactString;
use map::Time;

/// A name, read backwards so that the names under a domain lie side by side, and one of its addresses.
type Pair = (CompactString, IpAddr);

/// The first address in the order of addresses, and the last one.
const FIRST: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
const LAST: IpAddr = IpAddr::V6(Ipv6Addr::from_bits(u128::MAX));

/// Pairs of a name and an address, each with the time until which it counts. There is room for so many pairs; the one
/// learned least recently makes room.
#[derive(Debug)]
pub(crate) struct DnsNames {
    capacity: usize,
    pairs: BTreeMap<Pair, Lease>,
    /// Pairs by turn.
    order: BTreeMap<u64, Pair>,
    turn: u64,
}

#[derive(Clone, Copy, Debug)]
struct Lease {
    until: Time,
    /// When it was learned, in the order of all.
    turn: u64,
}

impl DnsNames {
    /// None yet; room for so many pairs, at least one.
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            capacity: capacity.max(1),
            pairs: BTreeMap::new(),
            order: BTreeMap::new(),
            turn: 0,
        }
    }

    /// Pairs of a name and an address, those that count no more until they are forgotten too.
    pub(crate) fn len(&self) -> usize {
        self.pairs.len()
    }

    /// This name, in lower case, has this address until then. Whether that is new at `now`.
    pub(crate) fn learn(&mut self, name: &str, address: IpAddr, until: Time, now: Time) -> bool {
        let pair = (backwards(name), address);
        self.turn += 1;
        let turn = self.turn;
        if let Some(lease) = self.pairs.get_mut(&pair) {
            self.order.remove(&lease.turn);
            self.order.insert(turn, pair);
            let is_new = lease.until < now;
            lease.until = lease.until.max(until);
            lease.turn = turn;
            return is_new;
        }
        if self.pairs.len() >= self.capacity
            && let Some((_, oldest)) = self.order.pop_first()
        {
            self.pairs.remove(&oldest);
        }
        self.order.insert(turn, pair.clone());
        self.pairs.insert(pair, Lease { until, turn });
        true
    }

    /// The addresses of a name, sorted.
    pub(crate) fn of(&self, name: &str, now: Time) -> impl Iterator<Item = IpAddr> {
        self.leases(name)
            .filter(move |(_, lease)| now <= lease.until)
            .map(|(address, _)| address)
    }

    /// Until when at least one address of a name counts.
    pub(crate) fn until(&self, name: &str) -> Option<Time> {
        self.leases(name).map(|(_, lease)| lease.until).max()
    }

    fn leases(&self, name: &str) -> impl Iterator<Item = (IpAddr, Lease)> {
        let name = backwards(name);
        let range = (name.clone(), FIRST)..=(name, LAST);
        let pairs = self.pairs.range(range);
        pairs.map(|((_, address), lease)| (*address, *lease))
    }

    /// The addresses of all names that end in `suffix`, such as `.example.com`; an address of two names comes twice.
    pub(crate) fn under(&self, suffix: &str, now: Time) -> impl Iterator<Item = IpAddr> {
        let suffix = backwards(suffix);
        self.pairs
            .range((suffix.clone(), FIRST)..)
            .take_while(move |((name, _), _)| name.starts_with(suffix.as_str()))
            .filter(move |(_, lease)| now <= lease.until)
            .map(|((_, address), _)| *address)
    }

    /// Forgets what counts no more. Looks at every pair.
    pub(crate) fn forget(&mut self, now: Time) {
        let order = &mut self.order;
        self.pairs.retain(|_, lease| {
            let counts = now <= lease.until;
            if !counts {
                order.remove(&lease.turn);
            }
            counts
        });
    }
}

fn backwards(name: &str) -> CompactString {
    name.chars().rev().collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    const NOW: Time = Time::from_secs(100);
    const LATER: Time = Time::from_secs(200);

    fn ip(last: u8) -> IpAddr {
        IpAddr::from([203, 0, 113, last])
    }

    fn of(names: &DnsNames, name: &str, now: Time) -> Vec<IpAddr> {
        names.of(name, now).collect()
    }

    #[test]
    fn one_address_of_a_name_then_two_and_none_of_an_unknown_name() {
        let mut names = DnsNames::new(100);
        assert!(names.learn("a.example.com", ip(1), LATER, NOW));
        assert_eq!(of(&names, "a.example.com", NOW), [ip(1)]);
        assert!(names.learn("a.example.com", ip(2), LATER, NOW));
        assert!(!names.learn("a.example.com", ip(2), LATER, NOW));
        assert_eq!(of(&names, "a.example.com", NOW), [ip(1), ip(2)]);
        assert!(of(&names, "b.example.com", NOW).is_empty());
        assert!(names.learn("b.example.com", ip(9), LATER, NOW));
        assert_eq!(of(&names, "b.example.com", NOW), [ip(9)]);
    }

    #[test]
    fn with_room_for_two_the_third_name_replaces_the_one_learned_least_recently() {
        let mut names = DnsNames::new(2);
        names.learn("a.org", ip(1), LATER, NOW);
        names.learn("b.org", ip(2), LATER, NOW);
        names.learn("a.org", ip(1), LATER, NOW);
        names.learn("c.org", ip(3), LATER, NOW);
        assert_eq!(names.len(), 2);
        assert_eq!(of(&names, "a.org", NOW), [ip(1)]);
        assert!(of(&names, "b.org", NOW).is_empty());
        assert_eq!(of(&names, "c.org", NOW), [ip(3)]);
    }

    #[test]
    fn a_suffix_has_the_addresses_of_one_host_then_of_two_and_of_no_lookalike() {
        let mut names = DnsNames::new(100);
        let under = |names: &DnsNames| names.under(".surf-forecast.com", NOW).collect::<Vec<_>>();
        names.learn("www.surf-forecast.com", ip(1), LATER, NOW);
        names.learn("surf-forecast.com", ip(7), LATER, NOW);
        names.learn("www.bad-surf-forecast.com", ip(8), LATER, NOW);
        assert_eq!(under(&names), [ip(1)]);
        names.learn("api.surf-forecast.com", ip(2), LATER, NOW);
        assert_eq!(under(&names).len(), 2);
    }

    #[test]
    fn an_address_counts_until_its_time_and_is_new_after_it() {
        let mut names = DnsNames::new(100);
        names.learn("a.org", ip(1), NOW, NOW);
        let after = NOW.plus(Duration::from_nanos(1));
        assert_eq!(of(&names, "a.org", NOW), [ip(1)]);
        assert!(of(&names, "a.org", after).is_empty());
        assert_eq!(names.under(".org", after).count(), 0);
        assert_eq!(names.until("a.org"), Some(NOW));
        assert!(names.learn("a.org", ip(1), LATER, after));
        names.forget(after);
        assert_eq!(names.len(), 1);
        names.forget(LATER.plus(Duration::from_secs(1)));
        assert_eq!((names.len(), names.order.len()), (0, 0));
    }

    type Step = (String, u8, i64);

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        proptest::collection::vec(("[ab.]{0,5}", 0_u8..4, 0_i64..20), 0..60)
    }

    proptest! {
        #[test]
        fn the_newest_pairs_are_kept_and_a_suffix_is_what_a_scan_finds(
            steps in steps(), capacity in 1_usize..12, suffix in "[ab.]{0,3}", now in 0_i64..20,
        ) {
            let mut names = DnsNames::new(capacity);
            // Newest last, each pair once: a list that is scanned.
            let mut scanned: Vec<Step> = Vec::new();
            for (name, last, until) in steps {
                names.learn(&name, ip(last), Time::from_secs(until), Time::from_secs(0));
                let place = scanned.iter().position(|s| s.0 == name && s.1 == last);
                let known = place.map(|place| scanned.remove(place).2);
                scanned.push((name, last, until.max(known.unwrap_or(until))));
                if scanned.len() > capacity {
                    scanned.remove(0);
                }
                prop_assert_eq!(names.len(), scanned.len());
                prop_assert_eq!(names.order.len(), scanned.len());
            }
            let expected = |wanted: &dyn Fn(&str) -> bool| -> BTreeSet<(String, IpAddr)> {
                let found = scanned.iter().filter(|(name, _, until)| wanted(name) && now <= *until);
                found.map(|(name, last, _)| (name.clone(), ip(*last))).collect()
            };
            let at = Time::from_secs(now);
            let under: Vec<_> = names.under(&suffix, at).collect();
            let scan = expected(&|name| name.ends_with(&suffix));
            prop_assert_eq!(under.len(), scan.len());
            prop_assert_eq!(
                under.into_iter().collect::<BTreeSet<_>>(),
                scan.into_iter().map(|(_, address)| address).collect::<BTreeSet<_>>()
            );
            let exact = of(&names, &suffix, at);
            prop_assert_eq!(exact.len(), expected(&|name| name == suffix).len());
            names.forget(at);
            prop_assert_eq!(names.len(), expected(&|_| true).len());
        }
    }
}
