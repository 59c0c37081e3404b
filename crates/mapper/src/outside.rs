//! Names and addresses outside the cluster: which name an address has for a client, and bounds on both.

use std::collections::{HashMap, HashSet, VecDeque};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use map::workload::AddressRange;
use map::{DnsName, Time, Workload};

use crate::limits::{
    MAX_ADDRESSES_PER_WORKLOAD, MAX_NAMES_PER_PAIR, MAX_NAMES_PER_WORKLOAD, MAX_OUTSIDE_NAMES,
    NAME_GRACE, TELL_AGAIN,
};

/// The names that a workload's own pods got for outside addresses, while they are valid.
///
/// Only answers to the same workload count: another's name for the same address (a content network has
/// thousands) says nothing about this one.
#[derive(Debug, Default)]
pub(crate) struct Names {
    by_address: HashMap<(Workload, IpAddr), Vec<Lease>>,
    /// In order of arrival; the oldest makes room.
    order: VecDeque<(Workload, IpAddr)>,
}

#[derive(Debug)]
struct Lease {
    name: DnsName,
    from: Time,
    until: Time,
    /// Until when the last of those who were told believe that it is valid.
    told: Time,
}

impl Names {
    /// `client` got `address` for `name` between `first` and `last`, with this time to live in seconds. Whether that is
    /// worth telling: it is new, or valid for much longer than was told.
    pub(crate) fn learn(
        &mut self,
        client: &Workload,
        address: IpAddr,
        name: &DnsName,
        first: Time,
        last: Time,
        ttl: u32,
    ) -> bool {
        let until = last
            .plus(NAME_GRACE)
            .plus(Duration::from_secs(u64::from(ttl)));
        let key = (client.clone(), address);
        if !self.by_address.contains_key(&key) {
            if self.order.len() >= MAX_OUTSIDE_NAMES
                && let Some(oldest) = self.order.pop_front()
            {
                self.by_address.remove(&oldest);
            }
            self.order.push_back(key.clone());
        }
        let leases = self.by_address.entry(key).or_default();
        let room = leases.len() < MAX_NAMES_PER_PAIR;
        match leases.iter_mut().find(|lease| lease.name == *name) {
            Some(lease) => {
                lease.from = lease.from.min(first);
                lease.until = lease.until.max(until);
                let tells = lease.until.since(lease.told) >= TELL_AGAIN;
                if tells {
                    lease.told = lease.until;
                }
                tells
            }
            None if room => {
                leases.push(Lease {
                    name: name.clone(),
                    from: first,
                    until,
                    told: until,
                });
                true
            }
            // Nobody notes that it was told: it is told each time.
            None => true,
        }
    }

    /// The names of `address` for `client` at that time.
    pub(crate) fn of(
        &self,
        client: &Workload,
        address: IpAddr,
        at: Time,
    ) -> impl Iterator<Item = &DnsName> {
        // The key is built to be looked up: two short strings, inline.
        let leases = self.by_address.get(&(client.clone(), address));
        leases
            .into_iter()
            .flatten()
            .filter(move |lease| lease.from <= at && at <= lease.until)
            .map(|lease| &lease.name)
    }
}

/// Bounds the names and addresses listed for one workload: what comes after the bound is folded.
#[derive(Debug, Default)]
pub(crate) struct Fold {
    listed: HashMap<Workload, Listed>,
    folded: u64,
}

#[derive(Debug, Default)]
struct Listed {
    names: HashSet<DnsName>,
    /// `*.parent`, once there are too many names.
    parents: HashSet<DnsName>,
    addresses: HashSet<IpAddr>,
}

impl Fold {
    /// How many sightings were folded.
    pub(crate) const fn folded(&self) -> u64 {
        self.folded
    }

    /// The name under which `name` is listed for this workload.
    pub(crate) fn name(&mut self, workload: &Workload, name: &DnsName) -> DnsName {
        let listed = self.listed.entry(workload.clone()).or_default();
        if listed.names.contains(name) {
            return name.clone();
        }
        if listed.names.len() < MAX_NAMES_PER_WORKLOAD {
            listed.names.insert(name.clone());
            return name.clone();
        }
        self.folded += 1;
        let parent = wildcard(parent(name.as_str()));
        if listed.parents.contains(&parent) {
            return parent;
        }
        if listed.parents.len() < MAX_NAMES_PER_WORKLOAD {
            listed.parents.insert(parent.clone());
            return parent;
        }
        wildcard(top(name.as_str()))
    }

    /// A map that was kept lists this name.
    pub(crate) fn restore_name(&mut self, workload: &Workload, name: &DnsName) {
        let listed = self.listed.entry(workload.clone()).or_default();
        let is_folded = name.as_str().starts_with("*.");
        let names = if is_folded {
            &mut listed.parents
        } else {
            &mut listed.names
        };
        if names.len() < MAX_NAMES_PER_WORKLOAD {
            names.insert(name.clone());
        }
    }

    /// A map that was kept lists this range.
    pub(crate) fn restore_address(&mut self, workload: &Workload, range: AddressRange) {
        let listed = self.listed.entry(workload.clone()).or_default();
        let is_single = range == AddressRange::single(range.address);
        if is_single && listed.addresses.len() < MAX_ADDRESSES_PER_WORKLOAD {
            listed.addresses.insert(range.address);
        }
    }

    /// The range under which `address` is listed for this workload.
    pub(crate) fn address(&mut self, workload: &Workload, address: IpAddr) -> AddressRange {
        let listed = self.listed.entry(workload.clone()).or_default();
        let room = listed.addresses.len() < MAX_ADDRESSES_PER_WORKLOAD;
        if listed.addresses.contains(&address) || room && listed.addresses.insert(address) {
            return AddressRange::single(address);
        }
        self.folded += 1;
        network(address)
    }
}

/// The name without its first label; a name of two labels or fewer is its own parent.
fn parent(name: &str) -> &str {
    match name.split_once('.') {
        Some((_, rest)) if rest.contains('.') => rest,
        _ => name,
    }
}

/// The last label.
fn top(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(_, last)| last)
}

fn wildcard(domain: &str) -> DnsName {
    DnsName::new(&format!("*.{domain}"))
}

/// The /24 or /48 around an address: what one organisation usually gets (RFC 6177).
fn network(address: IpAddr) -> AddressRange {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            AddressRange {
                address: Ipv4Addr::new(a, b, c, 0).into(),
                prefix: 24,
            }
        }
        IpAddr::V6(v6) => {
            let [a, b, c, ..] = v6.segments();
            AddressRange {
                address: Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0).into(),
                prefix: 48,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shop() -> Workload {
        Workload::new("shop", "frontend", "Deployment")
    }

    #[test]
    fn a_name_stands_for_an_address_for_its_time_to_live_and_ten_minutes() {
        let address: IpAddr = "203.0.113.10".parse().unwrap();
        let name = DnsName::new("api.example.com");
        let mut names = Names::default();
        names.learn(
            &shop(),
            address,
            &name,
            Time::from_secs(100),
            Time::from_secs(100),
            30,
        );
        let at = |secs| {
            names
                .of(&shop(), address, Time::from_secs(secs))
                .collect::<Vec<_>>()
        };
        assert_eq!(at(99), [] as [&DnsName; 0]);
        assert_eq!(at(100), [&name]);
        assert_eq!(at(730), [&name]);
        assert_eq!(at(731), [] as [&DnsName; 0]);
        let other = Workload::new("shop", "cart", "Deployment");
        assert_eq!(names.of(&other, address, Time::from_secs(100)).count(), 0);
    }

    #[test]
    fn a_name_is_told_when_it_is_new_and_when_it_counts_for_much_longer() {
        let address: IpAddr = "203.0.113.10".parse().unwrap();
        let name = DnsName::new("api.example.com");
        let mut names = Names::default();
        let mut learn = |secs| {
            let at = Time::from_secs(secs);
            names.learn(&shop(), address, &name, at, at, 60)
        };
        let told = [100, 100, 129, 130, 131, 160, 90].map(&mut learn);
        assert_eq!(told, [true, false, false, true, false, true, false]);
    }

    #[test]
    fn names_beyond_the_bound_are_folded_and_counted() {
        let mut fold = Fold::default();
        for n in 0..MAX_NAMES_PER_WORKLOAD {
            let name = DnsName::new(&format!("h{n}.cdn.example.com"));
            assert_eq!(fold.name(&shop(), &name), name);
        }
        assert_eq!(
            fold.name(&shop(), &DnsName::new("new.cdn.example.com"))
                .as_str(),
            "*.cdn.example.com"
        );
        assert_eq!(
            fold.name(&shop(), &DnsName::new("h1.cdn.example.com"))
                .as_str(),
            "h1.cdn.example.com"
        );
        for n in 1..MAX_NAMES_PER_WORKLOAD {
            fold.name(&shop(), &DnsName::new(&format!("a.b{n}.org")));
        }
        assert_eq!(
            fold.name(&shop(), &DnsName::new("a.one-more.org")).as_str(),
            "*.org"
        );
        assert_eq!(fold.folded(), 1 + MAX_NAMES_PER_WORKLOAD as u64);
    }

    #[test]
    fn addresses_beyond_the_bound_are_folded_to_their_network() {
        let mut fold = Fold::default();
        for n in 0..MAX_ADDRESSES_PER_WORKLOAD {
            let address = IpAddr::from([198, 51, 100, u8::try_from(n).unwrap()]);
            assert_eq!(
                fold.address(&shop(), address),
                AddressRange::single(address)
            );
        }
        assert_eq!(
            fold.address(&shop(), "203.0.113.7".parse().unwrap())
                .to_string(),
            "203.0.113.0/24"
        );
        assert_eq!(
            fold.address(&shop(), "2001:db8:1:2::3".parse().unwrap())
                .to_string(),
            "2001:db8:1::/48"
        );
    }
}
