//! The node's `/proc`, walked through as the sniffer does.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use kernel::proc;
use map::Time;

use super::super::namespaces::Namespaces;
use super::super::node::{Node, Tenant, own_namespace};
use super::super::owners::Claim;
use super::findings::{Found, Network, Processes};

pub(crate) fn look(folder: &Path) -> (Processes, Network) {
    let absolute = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
    let mounts = fs::read("/proc/self/mountinfo").unwrap_or_default();
    let processes = Processes {
        folder: folder.display().to_string(),
        mount: proc::mount_of(&mounts, &absolute.to_string_lossy()),
        found: walk(folder).map_err(|error| error.to_string()),
    };
    (processes, network(folder))
}

fn walk(folder: &Path) -> io::Result<Found> {
    let mut node = Node::new(folder, own_namespace());
    let walk = node.walk()?;
    let households = node.households();
    let pods: HashSet<_> = households
        .iter()
        .filter_map(|household| match household.tenant {
            Tenant::Pod(pod) => Some(pod),
            Tenant::Node | Tenant::Unknown => None,
        })
        .collect();
    let namespaces = households.len();
    let mut addresses = Namespaces::default();
    addresses.update(households, Duration::ZERO, drop);
    addresses.read_addresses(&node, Duration::ZERO);
    let owners = addresses.owners(Time::EPOCH);
    let owned = owners
        .values()
        .filter(|claim| matches!(claim, Claim::Owner(_)));
    let stat = |pid| fs::read(folder.join(format!("{pid}/stat"))).ok();
    let kernel = stat(2).and_then(|stat| proc::process_stat(&stat));
    let first = fs::read(folder.join("1/cgroup")).unwrap_or_default();
    let own = fs::read(folder.join("self/status")).unwrap_or_default();
    Ok(Found {
        processes: walk.processes,
        hidden: walk.hidden,
        namespaces,
        pods: pods.len(),
        addresses: owned.count(),
        has_first: stat(1).is_some(),
        first_is_pods: proc::pod_uid(&first).is_some(),
        has_kernel: kernel.is_some_and(|stat| stat.is_kernel_thread),
        levels: proc::process_status(&own).levels,
    })
}

/// By the inode that the sniffer tells namespaces apart by.
fn network(folder: &Path) -> Network {
    let first = fs::metadata(folder.join("1/net/tcp")).map(|file| file.ino());
    match (first.ok(), own_namespace()) {
        (Some(first), Some(own)) if first == own => Network::Node,
        (Some(_), Some(_)) => Network::Another,
        _ => Network::Unknown,
    }
}
