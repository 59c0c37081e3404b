//! The built sniffer against the built mapper, on a node of network namespaces with real processes: the map is the truth.

use std::time::Duration;

use e2e::kube::Proxy;
use e2e::mapper::Mapper;
use e2e::node::{self, NetPod, Node, Running};
use e2e::scene::{self, Scene, Service};
use e2e::sniffer::Sniffer;
use serde_json::json;

use crate::town::{SCANS, SOON, Town, serve};

/// Three workloads on one node, the second of which is served by a Service. The first calls, and nobody calls the third.
fn street(number: u16, name: &str) -> (Town, [NetPod; 3], Service, Running) {
    let names = ["client", "server", "idle"];
    let (town, pods, service) = Town::new(number, name, names, |scene, [_, server, _]| {
        scene.service("server", &[server])
    });
    let [_, server, _] = &pods;
    town.node.service(&service.ip, 80, &[server]);
    let serving = serve(server, "serve", &["0.0.0.0:8080", "[::]:8081"]);
    (town, pods, service, serving)
}

#[test]
#[ignore = "needs the testbed and root: ./dev test --only e2e"]
fn sniffed_connections_are_the_map() {
    if !node::is_allowed() {
        return;
    }
    let (mut town, [client, server, _idle], service, _serving) = street(101, "sniffed");
    let sniffer = town.sniffer(&[]);
    let service = format!("{}:80", service.ip);
    assert_eq!(client.does(&["connect", &service]), ["open"]);
    // The server calls itself through its own Service.
    assert_eq!(server.does(&["connect", &service]), ["open"]);
    let ipv6 = format!("[{}]:8081", server.ipv6);
    assert_eq!(client.does(&["connect", &ipv6]), ["open"]);
    let refused = format!("{}:81", server.ip);
    assert_eq!(client.does(&["connect", &refused]), ["ConnectionRefused"]);
    town.scene.edges(&[
        "client/Deployment -> server/Deployment via server :8080/tcp,8081/tcp [tcp]",
        "server/Deployment -> server/Deployment via server :8080/tcp [tcp]",
    ]);
    town.scene
        .attempts(&["client/Deployment -> server/Deployment :81/tcp [tcp] refused"]);
    town.wait(SOON);
    assert!(sniffer.metric("portolan_sniffer_packets_lost_total") < 1.0);
    sniffer.balance();
    assert!(
        sniffer.log().contains("system calls are confined"),
        "{}",
        sniffer.log()
    );
}

#[test]
#[ignore = "needs the testbed and root: ./dev test --only e2e"]
fn sniffed_connections_may_be_older_than_the_sniffer() {
    if !node::is_allowed() {
        return;
    }
    let (mut town, [client, _server, _idle], service, _serving) = street(102, "older");
    let service = format!("{}:80", service.ip);
    let mut holding = client.peer(&["hold", &service]);
    assert_eq!(holding.says(), "open");
    let sniffer = town.sniffer(SCANS);
    town.scene
        .edges(&["client/Deployment -> server/Deployment via server :8080/tcp [socket]"]);
    town.wait(SOON);
    sniffer.balance();
    holding.end();
}

#[test]
#[ignore = "needs the testbed and root: ./dev test --only e2e"]
fn sniffed_connections_are_held_and_told_again() {
    if !node::is_allowed() {
        return;
    }
    let (mut town, [client, server, _idle], service, serving) = street(103, "held");
    let service = format!("{}:80", service.ip);
    // Stopped, the mapper takes connections and answers nothing.
    town.mapper.signal("STOP");
    let mut sniffer = town.sniffer(&["--calls-timeout", "1s"]);
    assert_eq!(client.does(&["connect", &service]), ["open"]);
    std::thread::sleep(Duration::from_secs(3));
    assert!(sniffer.metric("portolan_sniffer_spooled") > 0.0);
    town.mapper.signal("CONT");
    let wanted = "client/Deployment -> server/Deployment via server :8080/tcp [tcp]";
    town.scene.edges(&[wanted]);
    town.wait(SOON);

    // A map that was reset is told what goes on, and what the sniffer remembers of before is below the floor.
    town.mapper.query("mutation { resetCapture }", &json!({}));
    assert_eq!(client.does(&["connect", &service]), ["open"]);
    town.wait(SOON);

    sniffer.balance();

    // What was seen a moment before the end arrives.
    let direct = format!("{}:8080", client.ip);
    assert_eq!(server.does(&["connect", &direct]), ["ConnectionRefused"]);
    sniffer.signal("TERM");
    let ended = sniffer.wait_end(Duration::from_secs(5)).unwrap();
    assert_eq!(ended.code(), Some(0), "{}", sniffer.log());
    town.scene
        .attempts(&["server/Deployment -> client/Deployment :8080/tcp [tcp] refused"]);
    town.wait(SOON);
    drop(serving);
}

#[test]
#[ignore = "needs the testbed and root: ./dev test --only e2e"]
fn sniffed_addresses_may_be_used_again_at_once() {
    if !node::is_allowed() {
        return;
    }
    let mut scenes = [Scene::new(104, "reuse")];
    let scene = &mut scenes[0];
    let server = scene.deployment("server");
    let shared = json!({"podIP": scene.address()});
    let names = ["first", "second", "third", "fourth"];
    // To the API server all of them have the address: it is the nodes' word that counts.
    let pods = names.map(|name| scene.deployment_with(name, &json!({}), &shared));
    let proxy = Proxy::start();
    let mapper = Mapper::ready("reuse", &["--access", "open"]);
    scene::set_up(&proxy, &mapper, &mut scenes);
    let [mut scene] = scenes;
    let mut node = Node::new(104);
    let server = node.pod(&server, scene.uid(&server.name));
    let mut serving = server.peer(&["serve", "0.0.0.0:8080"]);
    assert_eq!(serving.says(), "listening");
    let url = format!("http://{}:{}/query", node.outside(), mapper.address.port());
    let sniffer = Sniffer::ready(&node, &url, SCANS);

    let server = format!("{}:8080", server.ip);
    for (name, pod) in names.iter().zip(&pods) {
        let pod = node.pod(pod, scene.uid(&pod.name));
        assert_eq!(pod.does(&["connect", &server]), ["open"]);
        // As a Job whose work took no longer; the report leaves within 300 ms.
        std::thread::sleep(Duration::from_millis(400));
        node.remove(&pod);
        scene.edges(&[&format!(
            "{name}/Deployment -> server/Deployment :8080/tcp [tcp]"
        )]);
    }
    scene::wait_edges(&mapper, &scene, SOON);
    assert!(sniffer.metric("portolan_sniffer_observations_attributed_total") >= 4.0);
    sniffer.balance();
}
