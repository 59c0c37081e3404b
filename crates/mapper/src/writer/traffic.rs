//! How much went from one workload to another, as far as an agent on the nodes tells.
//!
//! Not in the map: volumes add up, and what is added twice is wrong, so that they cannot be merged.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use cluster::{Holder, Index, STATUS_DELAY};
use map::{Protocol, Time, Workload};
use wire::input::TrafficLevelResult;

use crate::limits::MAX_LEVELS;
use crate::report::address;

/// Volumes between two workloads since the mapper started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Level {
    /// From.
    pub client: Workload,
    /// To.
    pub server: Workload,
    /// Bytes.
    pub bytes: u64,
    /// Connections.
    pub flows: u64,
    /// When it was last reported.
    pub last_seen: Time,
}

/// All volumes, at most [`MAX_LEVELS`].
#[derive(Debug, Default)]
pub struct Traffic {
    levels: BTreeMap<(Workload, Workload), Level>,
    refused: u64,
}

impl Traffic {
    /// Takes a report. It has no times: the addresses are those of the last moment of which all is known.
    pub fn take(&mut self, index: &Index, results: Vec<TrafficLevelResult>, now: Time) {
        let at = now.min(index.current()).minus(STATUS_DELAY);
        for result in results {
            let ends = [&result.src_ip, &result.dst_ip];
            let [client, server] =
                ends.map(|text| address(text).and_then(|address| workload(index, address, at)));
            let (Some(client), Some(server)) = (client, server) else {
                self.refused += 1;
                continue;
            };
            let key = (client.clone(), server.clone());
            if self.levels.len() >= MAX_LEVELS && !self.levels.contains_key(&key) {
                self.refused += 1;
                continue;
            }
            let level = self.levels.entry(key).or_insert(Level {
                client,
                server,
                bytes: 0,
                flows: 0,
                last_seen: now,
            });
            let count = |number: i64| u64::try_from(number).unwrap_or(0);
            level.bytes = level.bytes.saturating_add(count(result.bytes_sent.0));
            level.flows = level.flows.saturating_add(count(result.flows.0));
            level.last_seen = now;
        }
    }

    /// All of them, by client and server.
    pub fn levels(&self) -> Vec<Level> {
        self.levels.values().cloned().collect()
    }
}

fn workload(index: &Index, address: IpAddr, at: Time) -> Option<Workload> {
    let pod = match index.holder(address, None, at) {
        Holder::Pod(pod) => pod,
        Holder::Unknown => {
            let to = SocketAddr::new(address, 0);
            let (service, _) = index.service_at(to, Protocol::Tcp, at)?;
            index.only_backend(service)?
        }
        _ => return None,
    };
    match index.unknown_owner(pod) {
        Some(_) => None,
        None => Some(index.identity(pod).workload.clone()),
    }
}
