//! What the mapper rides out. These run alone: they stop the API server under everybody.

mod load;
mod many;
mod outage;

use std::time::Duration;

use e2e::bed;
use e2e::kube::Proxy;
use e2e::mapper::Mapper;
use e2e::scene::{Scene, play, set_up};
use e2e::time::wait;
use serde_json::json;

fn scene(number: u16, name: &str) -> Scene {
    let mut scene = Scene::new(number, name);
    let server = scene.deployment("server");
    let client = scene.pod("client");
    let service = scene.service("svc", &[&server]);
    scene.tcp(&client.ip, &service.ip, 80);
    scene.edges(&["client/Pod -> server/Deployment via svc :8080/tcp [tcp]"]);
    scene
}

#[test]
#[ignore = "needs the testbed: ./dev test --only e2e"]
fn faults_the_api_server_comes_late_and_goes_and_comes_back() {
    bed::testbed(&["kill", "apiserver"]);
    let mapper = Mapper::start("faults", &bed::variable("KUBECONFIG"), &[]);
    assert_eq!(mapper.get("/readyz").map(|answer| answer.status), Some(503));
    assert_eq!(
        mapper.query("{ health }", &json!({})),
        json!({"health": true})
    );
    bed::testbed(&["start", "apiserver"]);
    mapper.wait_ready();

    let proxy = Proxy::start();
    let mut first = [scene(240, "before")];
    set_up(&proxy, &mapper, &mut first);
    play(&mapper, &first);
    drop(proxy);

    // Away: what is known still answers, what is reported waits or is refused, counted.
    bed::testbed(&["kill", "apiserver"]);
    let now = e2e::time::from_now(0);
    for n in 1..=50 {
        let source = json!({"srcIp": format!("10.150.241.{n}"), "srcHostname": "", "destinations": [
            {"destination": "10.150.241.200", "destinationPort": 80, "lastSeen": now}]});
        mapper.report("reportTCPCaptureResults", &json!({"results": [source]}));
    }
    let edges = mapper.query("{ edges { server { name } } }", &json!({}));
    assert_eq!(edges["edges"].as_array().unwrap().len(), 1);
    assert_eq!(mapper.get("/readyz").map(|answer| answer.status), Some(200));
    bed::testbed(&["start", "apiserver"]);

    // Back: new objects are seen, and nothing wrong was added.
    mapper.wait_ends(51, 0, Duration::from_mins(1));
    let edges = mapper.query("{ edges(external: true) { server { name } } }", &json!({}));
    assert_eq!(edges["edges"].as_array().unwrap().len(), 1);
    let proxy = Proxy::start();
    let mut second = [scene(242, "after")];
    set_up(&proxy, &mapper, &mut second);
    let found = wait(Duration::from_secs(30), || {
        let pods = mapper.metrics().get("portolan_mapper_pods");
        (pods >= 4).then_some(())
    });
    assert!(found.is_some(), "new pods are not seen after the restart");
}
