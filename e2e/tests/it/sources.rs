//! What more rights give the built sniffer, on a node of network namespaces: the same map, and what else a source tells.

use std::time::Duration;

use e2e::kube::Proxy;
use e2e::mapper::Mapper;
use e2e::node::{self, NetPod, Node, Running};
use e2e::scene::{self, Pod, Scene, Service};
use e2e::sniffer::Sniffer;
use e2e::time::wait;
use serde_json::json;

/// Long enough for an edge whose pod is known, and for a busy machine.
const SOON: Duration = Duration::from_secs(20);

const DIAGNOSTICS: [&str; 2] = ["sys_admin", "sys_ptrace"];
const TRACEPOINT: [&str; 2] = ["bpf", "perfmon"];

/// A client, a server behind a Service, and a pod on the node's own network.
struct Town {
    scene: Scene,
    mapper: Mapper,
    node: Node,
    service: Service,
    client: NetPod,
    server: NetPod,
    agent: NetPod,
    _serving: Running,
    _proxy: Proxy,
}

/// A Deployment whose pod has addresses of both families.
fn dual(scene: &mut Scene, number: u16, name: &str) -> Pod {
    let ip = scene.address();
    let ipv6 = Node::ipv6(number, &ip);
    let status = json!({"podIP": ip, "podIPs": [{"ip": ip}, {"ip": ipv6}]});
    scene.deployment_with(name, &json!({}), &status)
}

impl Town {
    fn new(number: u16, name: &str) -> Self {
        let mut scenes = [Scene::new(number, name)];
        let scene = &mut scenes[0];
        let mut node = Node::new(number);
        let [client, server] = ["client", "server"].map(|name| dual(scene, number, name));
        let service = scene.service("server", &[&server]);
        let host = json!({"podIP": node.address()});
        let its_node = json!({"addresses": [{"type": "InternalIP", "address": node.address()}]});
        let name_of_node = format!("{name}-node");
        let object = json!({"metadata": {"name": name_of_node}});
        scene.object("/nodes", object, Some(its_node));
        let spec = json!({"spec": {"hostNetwork": true, "nodeName": name_of_node}});
        let agent = scene.deployment_with("agent", &spec, &host);
        let proxy = Proxy::start();
        let mapper = Mapper::ready(name, &["--access", "open"]);
        scene::set_up(&proxy, &mapper, &mut scenes);
        let [scene] = scenes;
        let [client, server] = [&client, &server].map(|pod| node.pod(pod, scene.uid(&pod.name)));
        let agent = node.host_pod(scene.uid(&agent.name));
        node.service(&service.ip, 80, &[&server]);
        let mut serving = server.peer(&["serve", "0.0.0.0:8080", "[::]:8081"]);
        assert_eq!(serving.says(), "listening");
        Self {
            scene,
            mapper,
            node,
            service,
            client,
            server,
            agent,
            _serving: serving,
            _proxy: proxy,
        }
    }

    fn sniffer(&self, rights: &[&str]) -> Sniffer {
        let url = format!(
            "http://{}:{}/query",
            self.node.outside(),
            self.mapper.address.port()
        );
        Sniffer::ready_with(&self.node, &url, rights)
    }

    fn wait(&self) {
        scene::wait_edges(&self.mapper, &self.scene, SOON);
    }

    fn server_v6(&self) -> String {
        let (_, number) = self.node.name().rsplit_once('n').unwrap();
        let ip = Node::ipv6(number.parse().unwrap(), &self.server.ip);
        format!("[{ip}]:8081")
    }
}

fn uses(sniffer: &Sniffer, source: &str) -> bool {
    sniffer.metric(&format!("portolan_sniffer_source{{source=\"{source}\"}}")) > 0.0
}

#[test]
#[ignore = "needs the testbed and root: ./dev test --only e2e"]
fn sources_draw_the_same_map_whatever_the_rights() {
    if !node::is_allowed() {
        return;
    }
    let mut town = Town::new(121, "rights");
    let service = format!("{}:80", town.service.ip);
    let ipv6 = town.server_v6();
    // Open before any of the sniffers: only sockets tell of it.
    let mut holding = town.client.peer(&["hold", &ipv6]);
    assert_eq!(holding.says(), "open");
    town.scene.edges(&[
        "client/Deployment -> server/Deployment via server :8080/tcp,8081/tcp [tcp,socket]",
    ]);
    town.scene
        .attempts(&["client/Deployment -> server/Deployment :81/tcp [tcp] refused"]);
    let all = [DIAGNOSTICS, TRACEPOINT].concat();
    let profiles: [(&[&str], bool, bool); 6] = [
        (&[], false, false),
        // To enter a namespace one must see it too.
        (&["sys_ptrace"], false, false),
        // It counts as the right to load programs too.
        (&["sys_admin"], false, true),
        (&DIAGNOSTICS, true, true),
        (&TRACEPOINT, false, true),
        (&all, true, true),
    ];
    for (rights, diagnostics, tracepoint) in profiles {
        let mut sniffer = town.sniffer(rights);
        assert_eq!(town.client.does(&["connect", &service]), ["open"]);
        let refused = format!("{}:81", town.server.ip);
        assert_eq!(
            town.client.does(&["connect", &refused]),
            ["ConnectionRefused"]
        );
        town.wait();

        let used = ["socket-diagnostics", "socket-tracepoint"].map(|one| uses(&sniffer, one));
        assert_eq!(used, [diagnostics, tracepoint], "{rights:?}");
        assert!(uses(&sniffer, "packets") && uses(&sniffer, "sockets"));
        let by = "portolan_sniffer_namespace_reads_by_total{source=\"socket-diagnostics\"}";
        assert_eq!(sniffer.metric(by) > 0.0, diagnostics, "{rights:?}");
        assert!(sniffer.metric("portolan_sniffer_diagnostics_failed_total") < 1.0);
        assert_eq!(sniffer.log().contains("socket-tracepoint\""), tracepoint);

        // One thread keeps a right, if any does: SYS_PTRACE and SYS_ADMIN.
        for (thread, permitted) in sniffer.rights_of_threads() {
            let kept = if thread == "namespaces" {
                1 << 19 | 1 << 21
            } else {
                0
            };
            assert_eq!(permitted, kept, "{thread} with {rights:?}");
        }
        let threads = sniffer.rights_of_threads();
        let door = threads.iter().any(|(thread, _)| thread == "namespaces");
        assert_eq!(door, diagnostics, "{threads:?}");

        sniffer.signal("TERM");
        assert!(sniffer.wait_end(Duration::from_secs(5)).unwrap().success());
        drop(sniffer);
        town.mapper.query("mutation { resetCapture }", &json!({}));
    }
    holding.end();
}

#[test]
#[ignore = "needs the testbed and root: ./dev test --only e2e"]
fn sources_tell_which_pod_of_the_host_network_called() {
    if !node::is_allowed() {
        return;
    }
    let mut town = Town::new(122, "host");
    let service = format!("{}:80", town.service.ip);
    let refused = format!("{}:81", town.server.ip);
    let calls = |town: &Town| {
        // Each in a process that has ended before anybody could look at it.
        assert_eq!(town.agent.does(&["connect", &service]), ["open"]);
        assert_eq!(
            town.agent.does(&["connect", &refused]),
            ["ConnectionRefused"]
        );
        // A process of the node that is in no pod.
        let url = format!("http://{}:8080/", town.server.ip);
        let mut called = town.node.command("curl");
        called.args(["-s", "--max-time", "1", &url]);
        assert!(called.status().is_ok());
    };

    let sniffer = town.sniffer(&DIAGNOSTICS[1..]);
    calls(&town);
    // One that is known shows that those before it have arrived.
    assert_eq!(town.client.does(&["connect", &service]), ["open"]);
    let known = "client/Deployment -> server/Deployment via server :8080/tcp [tcp]";
    town.scene.edges(&[known]);
    town.wait();
    assert!(town.mapper.metrics().dropped()["host_network_source"] >= 2);
    drop(sniffer);

    let sniffer = town.sniffer(&TRACEPOINT);
    calls(&town);
    town.scene
        .edges(&["agent/Deployment -> server/Deployment :8080/tcp [tcp]"]);
    town.scene
        .attempts(&["agent/Deployment -> server/Deployment :81/tcp [tcp] refused"]);
    town.wait();
    let lost = "portolan_sniffer_tracepoint_total{fate=\"decided, and lost to a full ring\"}";
    assert!(sniffer.metric(lost) < 1.0);
}

#[test]
#[ignore = "needs the testbed and root: ./dev test --only e2e"]
fn sources_tell_of_connections_without_packets() {
    if !node::is_allowed() {
        return;
    }
    let mut town = Town::new(123, "unseen");
    town.node.link_beside(&town.client, &town.server);
    let ipv6 = town.server_v6();
    let service = format!("{}:80", town.service.ip);
    let ports = |town: &Town| {
        let edges = scene::all(&town.mapper, "edges");
        let edges: Vec<String> = edges
            .iter()
            .map(|edge| scene::render(edge, &town.scene.name))
            .collect();
        edges.join("\n")
    };
    let sniffer = town.sniffer(&[]);
    assert_eq!(town.client.does(&["connect", &ipv6]), ["open"]);
    assert_eq!(town.client.does(&["connect", &service]), ["open"]);
    let seen = wait(SOON, || ports(&town).contains(":8080/tcp").then_some(()));
    assert!(seen.is_some(), "{}", ports(&town));
    drop(sniffer);
    assert!(!ports(&town).contains("8081"), "{}", ports(&town));

    let sniffer = town.sniffer(&TRACEPOINT);
    assert_eq!(town.client.does(&["connect", &ipv6]), ["open"]);
    assert_eq!(town.client.does(&["connect", &service]), ["open"]);
    let both = "client/Deployment -> server/Deployment via server :8080/tcp,8081/tcp [tcp]";
    town.scene.edges(&[both]);
    town.wait();
    let events = |fate: &str| {
        let name = format!("portolan_sniffer_socket_events_total{{fate=\"{fate}\"}}");
        sniffer.metric(&name)
    };
    assert!(events("not seen in packets") >= 1.0);
    assert!(events("told by packets") >= 1.0);
}
