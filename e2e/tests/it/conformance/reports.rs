//! The replaced mapper's own tests of its reports.

use serde_json::json;

use super::{Row, rows};
use e2e::scene::Scene;

pub(super) const ROWS: &[Row] = rows![
    dns_answers_become_edges,
    handshakes_to_services_become_edges,
    open_connections_to_services_become_edges,
];

fn three_clients(s: &mut Scene) -> [e2e::scene::Pod; 3] {
    let one = s.deployment("service1");
    let two = s.deployment("service2");
    let three = s.daemon_set("service3");
    let _services = [s.service("svc-1", &[&one]), s.service("svc-2", &[&two])];
    [one, three, s.pod("pod4")]
}

fn dns_answers_become_edges(s: &mut Scene) {
    let [one, three, four] = three_clients(s);
    let ns = s.name.clone();
    for (from, to) in [(&one, 2), (&three, 1), (&three, 2), (&four, 2)] {
        s.dns(from, &format!("svc-{to}.{ns}.svc.cluster.local"), "");
    }
    s.edges(&[
        "service1/Deployment -> service2/Deployment via svc-2 [dns]",
        "service3/DaemonSet -> service1/Deployment via svc-1 [dns]",
        "service3/DaemonSet -> service2/Deployment via svc-2 [dns]",
        "pod4/Pod -> service2/Deployment via svc-2 [dns]",
    ]);
}

fn handshakes_to_services_become_edges(s: &mut Scene) {
    let server = s.deployment("server");
    let client = s.pod("client");
    let service = s.service("svc", &[&server]);
    s.tcp(&client.ip, &service.ip, 80);
    s.edges(&["client/Pod -> server/Deployment via svc :8080/tcp [tcp]"]);
}

fn open_connections_to_services_become_edges(s: &mut Scene) {
    let server = s.daemon_set("server");
    let client = s.pod_with("client", &json!({}), &json!({}));
    let service = s.service("svc", &[&server]);
    s.socket(&client, &service.ip, 80);
    s.edges(&["client/Pod -> server/DaemonSet via svc :8080/tcp [socket]"]);
}
