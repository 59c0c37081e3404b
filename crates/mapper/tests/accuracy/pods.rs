//! Nodes and pods, as they truly are.

use std::collections::VecDeque;
use std::net::Ipv4Addr;

use map::PodUid;

use crate::random::Random;
use crate::scene::At;

/// Addresses of a node's pods: few, so that they are always in use.
pub(crate) const ADDRESSES: u8 = 18;

/// A node.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) name: String,
    number: usize,
    /// How much its clock is ahead.
    pub(crate) skew: At,
    /// The address that came free last is taken first; else the next one around the circle.
    at_once: bool,
    /// Its kubelet tells when a sandbox is ready.
    pub(crate) tells_sandbox: bool,
    free: VecDeque<u8>,
    /// Pods that wait for an address.
    pub(crate) waiting: VecDeque<usize>,
}

impl Node {
    pub(crate) fn new(number: usize, skew: At, random: &mut Random) -> Self {
        Self {
            name: format!("n{number}"),
            number,
            skew,
            at_once: random.chance(600),
            tells_sandbox: random.chance(600),
            free: (2..2 + ADDRESSES).collect(),
            waiting: VecDeque::new(),
        }
    }

    pub(crate) fn take(&mut self) -> Option<Ipv4Addr> {
        let host = if self.at_once {
            self.free.pop_back()
        } else {
            self.free.pop_front()
        }?;
        Some(self.address(host))
    }

    pub(crate) fn release(&mut self, address: Ipv4Addr) {
        self.free.push_back(address.octets()[3]);
    }

    fn address(&self, host: u8) -> Ipv4Addr {
        let number = u16::try_from(self.number).unwrap();
        let [high, low] = number.to_be_bytes();
        Ipv4Addr::new(10, 100 + high, low, host)
    }

    /// The node's own.
    pub(crate) fn own(&self) -> Ipv4Addr {
        let [_, b, c, _] = self.address(0).octets();
        Ipv4Addr::new(172, b, c, 1)
    }

    pub(crate) fn range(&self) -> String {
        format!("{}/27", self.address(0))
    }
}

/// How far a pod has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    Pending,
    /// It has its address.
    Sandbox,
    /// Its init container runs.
    Init,
    /// Its container runs.
    Running,
    /// All its containers have ended.
    Finished,
}

/// A pod.
#[derive(Debug)]
pub(crate) struct Pod {
    pub(crate) number: usize,
    pub(crate) workload: usize,
    pub(crate) node: usize,
    pub(crate) skew: At,
    pub(crate) name: String,
    pub(crate) owner: Option<(&'static str, &'static str, String)>,
    pub(crate) is_job: bool,
    pub(crate) created: At,
    pub(crate) admitted: At,
    pub(crate) address: Option<Ipv4Addr>,
    /// Since when it has its address.
    pub(crate) taken: At,
    /// When its first container started.
    pub(crate) first: Option<At>,
    pub(crate) init: Option<(At, At)>,
    pub(crate) started: Option<At>,
    pub(crate) finished: Option<At>,
    pub(crate) released: Option<At>,
    pub(crate) evicted: bool,
    pub(crate) deleting: Option<At>,
    /// The API server has forgotten it.
    pub(crate) gone: bool,
    /// How far it has come as the API server knows.
    pub(crate) told: Stage,
    pub(crate) condition: Option<At>,
}

impl Pod {
    /// Made from its number, so that no other has it.
    pub(crate) fn uid(&self) -> PodUid {
        uid(self.number)
    }

    /// Whether it can call and be called.
    pub(crate) fn runs(&self) -> bool {
        self.first.is_some() && self.finished.is_none()
    }

    pub(crate) fn ran(&self, at: At) -> bool {
        self.first.is_some_and(|first| first <= at) && self.finished.is_none_or(|end| at < end)
    }

    pub(crate) fn key(&self) -> String {
        format!("shop/{}", self.name)
    }

    /// Whether its controller has to make another.
    pub(crate) fn is_lost(&self) -> bool {
        self.gone || self.evicted || self.deleting.is_some()
    }
}

pub(crate) fn uid(number: usize) -> PodUid {
    let mut random = Random::new(number as u64);
    PodUid::from_u128(u128::from(random.next()) << 64 | u128::from(random.next()))
}
