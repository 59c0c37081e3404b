//! What can be asked beyond the old contract: windows of time, changes, attempts, coverage, volumes.

use std::time::Duration;

use e2e::kube::Proxy;
use e2e::mapper::Mapper;
use e2e::scene::{Pod, Scene, play, set_up};
use e2e::time::{from_now, wait};
use serde_json::{Value, json};

/// A pod that has run for almost an hour.
fn old_pod(scene: &mut Scene, name: &str) -> Pod {
    let since = "$whole:-3500";
    let status = json!({"startTime": since, "conditions": [
        {"type": "PodReadyToStartContainers", "status": "True", "lastTransitionTime": since}]});
    scene.pod_with(name, &json!({}), &status)
}

fn called(scene: &mut Scene, (from, to): (&Pod, &Pod), port: u16, at: i64, attempt: &Value) {
    let destination = json!({"destination": to.ip, "destinationIP": to.ip, "destinationPort": port,
        "destinationPodUid": format!("$uid:{}", to.name), "lastSeen": format!("$at:{at}"), "attempt": attempt});
    let source = json!({"srcIp": from.ip, "srcPodUid": format!("$uid:{}", from.name), "reporterId": "node-1",
        "destinations": [destination]});
    scene.sends("reportTCPCaptureResults", source);
}

/// The names of the servers in an answer.
fn servers(rows: &Value) -> Vec<&str> {
    let rows = rows.as_array().unwrap().iter();
    rows.map(|row| row["server"]["name"].as_str().unwrap())
        .collect()
}

#[test]
#[ignore = "needs the testbed: ./dev test --only e2e"]
fn what_came_and_what_went_quiet_is_told_of_any_time() {
    let proxy = Proxy::start();
    let mapper = Mapper::ready("times", &[]);
    let mut scene = Scene::new(175, "times");
    let client = old_pod(&mut scene, "client");
    let [gone, new, kept, shut, mute] =
        ["gone", "new", "kept", "shut", "mute"].map(|name| old_pod(&mut scene, name));
    let done = json!(null);
    called(&mut scene, (&client, &gone), 80, -2_400, &done);
    called(&mut scene, (&client, &kept), 80, -2_400, &done);
    called(&mut scene, (&client, &kept), 443, -60, &done);
    called(&mut scene, (&client, &new), 80, -60, &done);
    called(&mut scene, (&client, &shut), 80, -2_400, &json!("REFUSED"));
    called(&mut scene, (&client, &mute), 80, -60, &json!("UNANSWERED"));
    scene.edges(&[
        "client/Pod -> gone/Pod :80/tcp [tcp]",
        "client/Pod -> kept/Pod :80/tcp,443/tcp [tcp]",
        "client/Pod -> new/Pod :80/tcp [tcp]",
    ]);
    scene.attempts(&[
        "client/Pod -> mute/Pod :80/tcp [tcp] unanswered",
        "client/Pod -> shut/Pod :80/tcp [tcp] refused",
    ]);
    let mut scenes = [scene];
    set_up(&proxy, &mapper, &mut scenes);
    play(&mapper, &scenes);
    let (long_ago, between, soon) = (from_now(-3_000), from_now(-1_200), from_now(10));
    windows(&mapper, &long_ago, &between, &soon);
    changes(&mapper, &long_ago, &between);
}

fn windows(mapper: &Mapper, long_ago: &str, between: &str, soon: &str) {
    let ask = |field: &str, arguments: &str| {
        let document = format!("{{ {field}({arguments}) {{ server {{ name }} }} }}");
        mapper.query(&document, &json!({}))[field].clone()
    };
    let then = format!("since: \"{long_ago}\", until: \"{between}\"");
    let now = format!("since: \"{between}\"");
    assert_eq!(servers(&ask("edges", &then)), ["gone", "kept"]);
    assert_eq!(servers(&ask("edges", &now)), ["kept", "new"]);
    assert_eq!(servers(&ask("attempts", &then)), ["shut"]);
    assert_eq!(servers(&ask("attempts", &now)), ["mute"]);
    assert_eq!(
        servers(&ask("attempts", &format!("since: \"{soon}\""))),
        [""; 0]
    );
    assert_eq!(servers(&ask("attempts", "limit: 1")), ["mute"]);
    assert_eq!(
        servers(&ask("attempts", "namespaces: [\"elsewhere\"]")),
        [""; 0]
    );
    // All that is known of the clients of a server.
    let of = |name: &str| format!("server: {{name: \"{name}\", namespace: \"times\"}}");
    assert_eq!(servers(&ask("attempts", &of("shut"))), ["mute", "shut"]);
    assert_eq!(servers(&ask("attempts", &of("elsewhere"))), [""; 0]);
    // Old clients never see what was only tried.
    let old = mapper.query("{ intents { server { name } } }", &json!({}));
    assert_eq!(servers(&old["intents"]), ["gone", "kept", "new"]);
}

fn changes(mapper: &Mapper, long_ago: &str, between: &str) {
    let ask = |arguments: &str| {
        let document = format!(
            "{{ changes({arguments}) {{ kind edge {{ server {{ name }} }} gained {{ ports {{ port }} evidence }} \
             lost {{ ports {{ port }} evidence }} }} }}"
        );
        mapper.query(&document, &json!({}))["changes"].clone()
    };
    let row = |kind: &str, server: &str, gained: Value, lost: Value| json!({"kind": kind, "edge": {"server": {"name": server}}, "gained": gained, "lost": lost});
    let none = Value::Null;
    assert_eq!(
        ask(&format!("since: \"{between}\"")),
        json!([
            row("REMOVED", "gone", none.clone(), none.clone()),
            row(
                "CHANGED",
                "kept",
                json!({"ports": [{"port": 443}], "evidence": []}),
                json!({"ports": [{"port": 80}], "evidence": []}),
            ),
            row("ADDED", "new", none.clone(), none.clone()),
        ])
    );
    assert_eq!(
        ask(&format!("since: \"{long_ago}\", until: \"{between}\"")),
        json!([
            row("ADDED", "gone", none.clone(), none.clone()),
            row("ADDED", "kept", none.clone(), none),
        ])
    );
    assert_eq!(
        ask(&format!("since: \"{between}\", namespaces: \"elsewhere\"")),
        json!([])
    );
}

#[test]
#[ignore = "needs the testbed: ./dev test --only e2e"]
fn coverage_is_what_each_node_said_last() {
    let mapper = Mapper::ready("coverage", &[]);
    let said = |node: &str, dropped: i64| {
        json!({"nodeName": node, "reporterId": "r", "at": "2026-11-25T12:00:00.5Z",
            "seen": [{"reason": "dns", "count": 7}], "dropped": [{"reason": "ring", "count": dropped}], "spooled": 3,
            "rights": ["NET_RAW"], "lastScan": "2026-11-25T11:59:59Z", "version": "0.1.0"})
    };
    for coverage in [said("b", 1), said("a", 0), said("b", 2)] {
        mapper.report("reportCoverage", &coverage);
    }
    let found = mapper.query(
        "{ coverage { nodeName reporterId at seen { reason count } dropped { reason count } spooled rights lastScan \
         version } }",
        &json!({}),
    );
    assert_eq!(found["coverage"], json!([said("a", 0), said("b", 2)]));
}

#[test]
#[ignore = "needs the testbed: ./dev test --only e2e"]
fn volumes_are_those_of_workloads_by_address_and_by_service() {
    let proxy = Proxy::start();
    let mapper = Mapper::ready("levels", &[]);
    let mut scene = Scene::new(176, "levels");
    let (client, server, other) = (
        scene.deployment("client"),
        scene.deployment("server"),
        scene.pod("other"),
    );
    let (service, nobody) = (scene.service("svc", &[&server]), scene.address());
    let mut scenes = [scene];
    set_up(&proxy, &mapper, &mut scenes);
    play(&mapper, &scenes);
    let level = |from: &str, to: &str, bytes: i64| json!({"srcIP": from, "dstIP": to, "bytesSent": bytes, "flows": 1});
    // A report of volumes has no time: it is of what is known to be certain.
    let known = wait(Duration::from_secs(30), || {
        let probe = json!({"results": [level(&server.ip, &service.ip, 0)]});
        mapper.report("reportTrafficLevelResults", &probe);
        let found = mapper.query("{ trafficLevels { flows } }", &json!({}));
        (found["trafficLevels"] != json!([])).then_some(())
    });
    assert!(known.is_some(), "the Service is not known");
    let report = json!({"results": [
        level(&client.ip, &service.ip, 1_000),
        level(&client.ip, &server.ip, 24),
        level(&other.ip, &server.ip, 5),
        level(&nobody, &server.ip, 7),
        level(&client.ip, "not an address", 9),
        level(&client.ip, &server.ip, -1),
    ]});
    mapper.report("reportTrafficLevelResults", &report);
    let row = |from: &str, bytes: i64, flows: i64| json!({"client": {"name": from}, "server": {"name": "server"}, "bytesSent": bytes, "flows": flows});
    // But for the probes, of which nobody knows how many there were.
    let ask = |arguments: &str| {
        let document = format!(
            "{{ trafficLevels{arguments} {{ client {{ name }} server {{ name }} bytesSent flows }} }}"
        );
        let mut found = mapper.query(&document, &json!({}))["trafficLevels"].take();
        let rows = found.as_array_mut().unwrap();
        rows.retain(|row| row["client"]["name"] != "server");
        found
    };
    assert_eq!(
        ask(""),
        json!([row("client", 1_024, 3), row("other", 5, 1)])
    );
    assert_eq!(ask("(namespaces: \"levels\")"), ask(""));
    assert_eq!(ask("(namespaces: \"elsewhere\")"), json!([]));
}

/// A reporter whose clock is wrong by years moves no edge out of the last hour, nor into the future.
#[test]
#[ignore = "needs the testbed: ./dev test --only e2e"]
fn times_of_a_wrong_clock_are_held_to_their_receipt() {
    let proxy = Proxy::start();
    let mapper = Mapper::ready("clocks", &[]);
    let mut scene = Scene::new(177, "clocks");
    let (client, server) = (scene.deployment("client"), scene.deployment("server"));
    let mut at = |time: &str, first: Value| {
        let destination = json!({"destination": server.ip, "destinationIP": server.ip, "destinationPort": 8080,
            "destinationPodUid": format!("$uid:{}", server.name), "lastSeen": time, "firstSeen": first});
        scene.sends(
            "reportTCPCaptureResults",
            json!({"srcIp": client.ip, "srcPodUid": format!("$uid:{}", client.name), "destinations": [destination]}),
        );
    };
    // An hour ago, then, when there was no such pod.
    at("2001-09-09T01:46:40Z", json!(null));
    at("2199-01-01T00:00:00Z", json!(null));
    // Its own order is wrong, too.
    at("$at:-10", json!("2199-01-01T00:00:00Z"));
    scene.refused("unknown_pod", 1);
    scene.edges(&["client/Deployment -> server/Deployment :8080/tcp [tcp]"]);
    let mut scenes = [scene];
    set_up(&proxy, &mapper, &mut scenes);
    play(&mapper, &scenes);
    let clamped = wait(Duration::from_secs(5), || {
        let clamped = mapper.metrics().get("portolan_mapper_clamped_times_total");
        (clamped >= 3).then_some(clamped)
    });
    assert!(clamped.is_some(), "{:?}", mapper.metrics());
    let edges = mapper.query("{ edges { firstSeen lastSeen } }", &json!({}));
    let edge = &edges["edges"][0];
    let (first, last) = (edge["firstSeen"].as_str(), edge["lastSeen"].as_str());
    assert!(first > Some(from_now(-700).as_str()), "{edge}");
    assert!(last > first && last < Some(from_now(10).as_str()), "{edge}");
}
