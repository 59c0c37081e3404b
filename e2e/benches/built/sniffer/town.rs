//! A node with pods of a city, a mapper that knows the city, and a sniffer that is measured.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use e2e::mapper::Mapper;
use e2e::node::{NetPod, Node, Running};
use e2e::scene::Pod;
use e2e::sniffer::Sniffer;
use e2e::time::wait;
use testkit::city::{City, address, pod_name, pod_uid};

use crate::api::Api;
use crate::running;

/// Where pods listen.
pub(crate) const PORT: u16 = 8080;

/// A node with its pods, as network namespaces with a process each.
#[derive(Debug)]
pub(crate) struct Town {
    /// The pods, by their number in the city.
    pub(crate) pods: Vec<NetPod>,
    pub(crate) city: City,
    pub(crate) node: Node,
    pub(crate) mapper: Mapper,
}

impl Town {
    pub(crate) fn new(number: u16, pods: usize) -> Self {
        let city = City { pods, calls: 1 };
        let api = Api::start(city);
        let (mapper, _) = running::start("town", &api.kubeconfig, &[], &["--access", "open"]);
        let mut node = Node::new(number);
        let pods = (0..pods)
            .map(|n| {
                let pod = Pod {
                    name: pod_name(n),
                    ip: address(n),
                };
                node.pod(&pod, &pod_uid(n))
            })
            .collect();
        Self {
            pods,
            city,
            node,
            mapper,
        }
    }

    /// The built sniffer on this node, and how long it took until it had read every socket table once.
    pub(crate) fn sniffer(&self) -> (Sniffer, Duration) {
        let url = format!(
            "http://{}:{}/query",
            self.node.outside(),
            self.mapper.address.port()
        );
        let begun = Instant::now();
        let sniffer = Sniffer::ready(&self.node, &url, &[]);
        let swept = wait(Duration::from_mins(1), || {
            let unread = sniffer.value("namespaces_unread");
            let reads = sniffer.value("namespace_reads_total");
            (unread == 0 && reads >= self.pods.len() as u64).then_some(())
        });
        assert!(swept.is_some(), "not every socket table was read");
        (sniffer, begun.elapsed())
    }

    /// A program of load in a pod, once it is set up.
    pub(crate) fn load(&self, pod: usize, arguments: &[&str]) -> Running {
        set_up(self.pods[pod].command(program()), arguments)
    }

    /// The same on the node itself.
    pub(crate) fn load_on_node(&self, arguments: &[&str]) -> Running {
        set_up(self.node.command(program()), arguments)
    }
}

fn program() -> PathBuf {
    env!("CARGO_BIN_EXE_load").into()
}

fn set_up(mut command: Command, arguments: &[&str]) -> Running {
    command.args(arguments);
    let mut running = Running::start(command);
    let said = running.says();
    assert!(!said.is_empty(), "{arguments:?}");
    running
}
