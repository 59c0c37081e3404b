//! Walks through a `/proc` of files. Hard links of one file have one inode, as the tables of one namespace have.

use std::collections::HashMap;
use std::fs;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use map::{PodUid, Time};
use tempfile::TempDir;

use super::{Household, Member, Node, Tenant};
use crate::live::namespaces::Namespaces;
use crate::live::owners::{Claim, Holders, Owner};

struct Proc(TempDir);

const UID: &str = "146b5ec2-3767-4943-afa7-42218263b9bf";
const OTHER: &str = "00000000-0000-4000-8000-000000000002";

fn uid(text: &str) -> PodUid {
    text.parse().unwrap()
}

impl Proc {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn node(&self) -> Node {
        Node::new(self.0.path(), None)
    }

    fn path(&self, pid: u32, file: &str) -> PathBuf {
        self.0.path().join(pid.to_string()).join(file)
    }

    /// A process that began at this tick, in the namespace of that name.
    fn process(&self, pid: u32, began: u64, namespace: &str, pod: Option<&str>) {
        let folder = self.path(pid, "net");
        let _not_there = fs::remove_dir_all(self.path(pid, ""));
        fs::create_dir_all(&folder).unwrap();
        let table = self.0.path().join(namespace);
        if !table.exists() {
            fs::write(&table, "header\n").unwrap();
        }
        fs::hard_link(&table, folder.join("tcp")).unwrap();
        let stat = format!("{pid} (a) b) S 1 1 1 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 {began} 0");
        fs::write(self.path(pid, "stat"), stat).unwrap();
        let group = pod.map_or("/system".to_owned(), |uid| {
            format!("/kubepods/pod{uid}/abc")
        });
        fs::write(self.path(pid, "cgroup"), format!("0::{group}\n")).unwrap();
    }

    fn address(&self, pid: u32, address: &str) {
        let trie = format!("Local:\n  |-- {address}\n     /32 host LOCAL\n");
        fs::write(self.path(pid, "net/fib_trie"), trie).unwrap();
    }

    fn end(&self, pid: u32) {
        fs::remove_dir_all(self.path(pid, "")).unwrap();
    }
}

fn tenants(node: &Node) -> Vec<(Tenant, Vec<u32>)> {
    let mut all: Vec<(Tenant, Vec<u32>)> = node
        .households()
        .into_iter()
        .map(|one: Household| (one.tenant, one.members.iter().map(|m| m.pid).collect()))
        .collect();
    all.sort_by_key(|(_, members)| members.clone());
    all
}

#[test]
fn processes_are_sorted_into_namespaces_and_these_have_tenants() {
    let proc = Proc::new();
    proc.process(1, 10, "node", None);
    proc.process(7, 300, "node", Some(OTHER));
    proc.process(20, 900, "pod", Some(UID));
    // Older than the number says, and a visitor from the node.
    proc.process(19, 901, "pod", None);
    proc.process(30, 500, "mixed", Some(UID));
    proc.process(31, 501, "mixed", Some(OTHER));
    proc.process(40, 600, "nobody", None);
    let mut node = proc.node();
    let walk = node.walk().unwrap();
    assert_eq!((walk.processes, walk.hidden, walk.changed), (7, 0, true));
    assert_eq!(
        tenants(&node),
        [
            (Tenant::Node, vec![1, 7]),
            (Tenant::Pod(uid(UID)), vec![20, 19]),
            (Tenant::Unknown, vec![30, 31]),
            (Tenant::Unknown, vec![40]),
        ]
    );
    assert!(!node.walk().unwrap().changed);
}

#[test]
fn a_process_that_moves_into_its_pod_and_a_number_that_is_used_again_are_noticed() {
    let proc = Proc::new();
    proc.process(20, 900, "node", None);
    let mut node = proc.node();
    node.walk().unwrap();
    assert_eq!(tenants(&node), [(Tenant::Unknown, vec![20])]);
    proc.process(20, 900, "pod", Some(UID));
    assert!(node.walk().unwrap().changed);
    assert_eq!(tenants(&node), [(Tenant::Pod(uid(UID)), vec![20])]);
    for _ in 0..40 {
        node.walk().unwrap();
    }
    proc.process(20, 5_000, "other", Some(OTHER));
    let changed = (0..16).any(|_| node.walk().unwrap().changed);
    assert!(changed);
    assert_eq!(tenants(&node), [(Tenant::Pod(uid(OTHER)), vec![20])]);
    proc.end(20);
    assert!(node.walk().unwrap().changed);
    assert!(node.households().is_empty());
}

#[test]
fn what_cannot_be_looked_at_is_counted_and_spoils_nothing() {
    let proc = Proc::new();
    proc.process(20, 900, "pod", Some(UID));
    proc.process(21, 901, "pod", Some(UID));
    fs::remove_file(proc.path(21, "cgroup")).unwrap();
    proc.process(22, 902, "pod", Some(UID));
    fs::write(proc.path(22, "stat"), "22 (no stat").unwrap();
    fs::create_dir(proc.0.path().join("sys")).unwrap();
    let mut node = proc.node();
    let walk = node.walk().unwrap();
    assert_eq!((walk.processes, walk.hidden), (2, 1));
    assert_eq!(tenants(&node), [(Tenant::Pod(uid(UID)), vec![20])]);
    assert!(
        Node::new(&proc.0.path().join("nowhere"), None)
            .walk()
            .is_err()
    );
}

#[test]
fn the_namespace_of_the_sniffer_is_the_nodes() {
    let proc = Proc::new();
    proc.process(20, 900, "node", Some(UID));
    let mut node = proc.node();
    node.walk().unwrap();
    let inode = node.households()[0].inode;
    let mut node = Node::new(proc.0.path(), Some(inode));
    node.walk().unwrap();
    assert_eq!(tenants(&node), [(Tenant::Node, vec![20])]);
}

fn owners(node: &mut Node) -> HashMap<IpAddr, Claim> {
    node.walk().unwrap();
    let mut namespaces = Namespaces::default();
    namespaces.update(node.households(), Duration::ZERO, |_| {});
    assert!(namespaces.read_addresses(node, Duration::ZERO));
    namespaces.owners(Time::from_secs(1_000))
}

/// Who has had the address since, asked anew.
fn holder(
    owners: &HashMap<IpAddr, Claim>,
    node: &mut Node,
    address: IpAddr,
    first: Time,
) -> Option<PodUid> {
    Holders::new(Arc::new(owners.clone()), node).pod(address, first)
}

#[test]
fn an_address_is_its_pods_from_its_first_process_on_as_long_as_that_lives() {
    let proc = Proc::new();
    proc.process(20, 900, "pod", Some(UID));
    proc.address(20, "10.0.0.5");
    let mut node = proc.node();
    let owners = owners(&mut node);
    let address = [10, 0, 0, 5].into();
    let Some(Claim::Owner(Owner { since, witness, .. })) = owners.get(&address).copied() else {
        panic!("{owners:?}");
    };
    assert_eq!(since, Time::from_secs(1_009));
    assert_eq!(
        witness,
        Member {
            began: 900,
            pid: 20
        }
    );
    let now = Time::from_secs(2_000);
    assert_eq!(holder(&owners, &mut node, address, now), Some(uid(UID)));
    // Seen before the pod was there: it was another's.
    let before = Time::from_secs(1_008);
    assert_eq!(holder(&owners, &mut node, address, before), None);
    assert_eq!(holder(&owners, &mut node, [10, 0, 0, 6].into(), now), None);
    // The number lives on, the process does not.
    proc.process(20, 1_500, "pod", Some(OTHER));
    assert_eq!(holder(&owners, &mut node, address, now), None);
    proc.process(20, 900, "elsewhere", Some(UID));
    assert_eq!(holder(&owners, &mut node, address, now), None);
    proc.end(20);
    assert_eq!(holder(&owners, &mut node, address, now), None);
}

#[test]
fn an_address_that_two_claim_is_nobodys() {
    let proc = Proc::new();
    proc.process(1, 10, "node", None);
    proc.address(1, "10.0.0.1");
    proc.process(20, 900, "pod", Some(UID));
    proc.address(20, "10.0.0.5");
    proc.process(30, 950, "thief", Some(OTHER));
    proc.address(30, "10.0.0.5");
    let owners = owners(&mut proc.node());
    assert_eq!(owners.get(&[10, 0, 0, 5].into()), Some(&Claim::Nobodys));
    assert_eq!(owners.get(&[10, 0, 0, 1].into()), Some(&Claim::Nobodys));
}
