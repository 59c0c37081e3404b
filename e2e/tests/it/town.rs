//! Workloads on one node of network namespaces, and a mapper that everybody reaches.

use std::time::Duration;

use e2e::kube::Proxy;
use e2e::mapper::Mapper;
use e2e::node::{NetPod, Node};
use e2e::scene::{self, Pod, Scene};
use e2e::sniffer::Sniffer;
use serde_json::json;

/// Long enough for an edge whose pod is known, and for a busy machine.
pub(super) const SOON: Duration = Duration::from_secs(20);

/// For tests that wait for scans: the processes and namespaces of all tests that run at the same time are looked at.
pub(super) const SCANS: &[&str] = &["--scan-budget", "300"];

/// A town; its pods are Deployments of one pod each.
pub(super) struct Town {
    pub(super) scene: Scene,
    pub(super) mapper: Mapper,
    pub(super) node: Node,
    _proxy: Proxy,
}

impl Town {
    /// One with these workloads and with what `more` adds to the scene. Its number is the scene's and the node's.
    pub(super) fn new<const N: usize, T>(
        number: u16,
        name: &str,
        workloads: [&str; N],
        more: impl FnOnce(&mut Scene, &[Pod; N]) -> T,
    ) -> (Self, [NetPod; N], T) {
        Self::with(number, name, workloads, &[], more)
    }

    /// The same, whose mapper is told more.
    pub(super) fn with<const N: usize, T>(
        number: u16,
        name: &str,
        workloads: [&str; N],
        arguments: &[&str],
        more: impl FnOnce(&mut Scene, &[Pod; N]) -> T,
    ) -> (Self, [NetPod; N], T) {
        let mut scenes = [Scene::new(number, name)];
        let scene = &mut scenes[0];
        let pods = workloads.map(|name| dual(scene, number, name));
        let added = more(scene, &pods);
        let proxy = Proxy::start();
        let mapper = Mapper::ready(name, &[&["--access", "open"], arguments].concat());
        scene::set_up(&proxy, &mapper, &mut scenes);
        let [scene] = scenes;
        let mut node = Node::new(number);
        let pods = pods.map(|pod| node.pod(&pod, scene.uid(&pod.name)));
        let town = Self {
            scene,
            mapper,
            node,
            _proxy: proxy,
        };
        (town, pods, added)
    }

    /// Where a sniffer on the node finds this port of the test's own machine.
    pub(super) fn url(&self, port: u16) -> String {
        format!("http://{}:{port}/query", self.node.outside())
    }

    pub(super) fn sniffer(&self, arguments: &[&str]) -> Sniffer {
        let url = self.url(self.mapper.address.port());
        Sniffer::ready(&self.node, &url, arguments)
    }

    pub(super) fn wait(&self, most: Duration) {
        scene::wait_edges(&self.mapper, &self.scene, most);
    }
}

/// A Deployment whose pod has addresses of both families.
fn dual(scene: &mut Scene, number: u16, name: &str) -> Pod {
    let ip = scene.address();
    let ipv6 = Node::ipv6(number, &ip);
    let status = json!({"podIP": ip, "podIPs": [{"ip": ip}, {"ip": ipv6}]});
    scene.deployment_with(name, &json!({}), &status)
}

/// Serves, and gives what must be held for that.
pub(super) fn serve(pod: &NetPod, verb: &str, addresses: &[&str]) -> e2e::node::Running {
    let arguments = [&[verb], addresses].concat();
    let mut serving = pod.peer(&arguments);
    assert_eq!(serving.says(), "listening");
    serving
}

/// A Service of the cluster's DNS, before this pod.
pub(super) fn cluster_dns(scene: &mut Scene, number: u16, pod: &Pod) -> String {
    let (name, ip) = (format!("dns-{number}"), format!("10.96.{number}.53"));
    let ports = |named: &str| json!([{"name": "dns", "port": 53, "protocol": "UDP"}, {"name": named, "port": 53, "protocol": "TCP"}]);
    let service = json!({
        "metadata": {"name": name, "labels": {"k8s-app": "kube-dns"}},
        "spec": {"clusterIP": ip, "ports": ports("dns-tcp")},
    });
    scene.object("/api/v1/namespaces/kube-system/services", service, None);
    let (slices, object) = (
        "/apis/discovery.k8s.io/v1/namespaces/kube-system/endpointslices",
        |family: &str, address: &str| {
            json!({
                "metadata": {
                    "name": format!("{name}-{}", family.to_lowercase()),
                    "labels": {"kubernetes.io/service-name": name},
                },
                "addressType": family,
                "endpoints": [{"addresses": [address]}],
                "ports": ports("dns-tcp"),
            })
        },
    );
    scene.object(slices, object("IPv4", &pod.ip), None);
    scene.object(slices, object("IPv6", &Node::ipv6(number, &pod.ip)), None);
    ip
}
