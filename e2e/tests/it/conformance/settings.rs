//! Situations that settings and rights change: each needs a mapper of its own.

use std::time::Duration;

use serde_json::json;

use super::{Row, rows, scenes};
use e2e::bed;
use e2e::kube::Proxy;
use e2e::mapper::Mapper;
use e2e::scene::{Scene, owned_by, play, set_up};
use e2e::time::wait;

const ROWS: &[Row] = rows![
    the_network_around_the_api_server_is_its_own,
    a_job_is_named_by_its_image,
    a_pod_of_a_deployment_is_not_named_by_its_image,
    left_out,
    an_annotation_of_choice_names_the_workload,
    handshakes_are_switched_off,
];

#[test]
#[ignore = "needs the testbed: ./dev test --only e2e"]
fn settings_change_who_is_who() {
    let mut scenes = scenes(150, ROWS);
    let proxy = Proxy::start();
    let mapper = Mapper::ready(
        "settings",
        &[
            "--control-plane-ipv4-cidr-prefix-length=28",
            "--use-image-name-for-service-id-for-jobs=true",
            "--exclude-namespaces=kube-public left-out",
            "--workload-name-override-annotation=example.com/name",
            "--enable-tcp=false",
        ],
    );
    set_up(&proxy, &mapper, &mut scenes);
    play(&mapper, &scenes);
}

/// The endpoint is 10.64.255.1.
fn the_network_around_the_api_server_is_its_own(s: &mut Scene) {
    let webhook = s.deployment("webhook");
    for (address, port) in [("10.64.255.14", 8080), ("10.64.255.16", 8081)] {
        let destination =
            json!({"destination": webhook.ip, "destinationIP": webhook.ip, "srcPorts": [port]});
        s.sends(
            "reportSocketScanResults",
            json!({"srcIp": address, "destinations": [destination]}),
        );
    }
    s.edges(&["default/kubernetes -> webhook/Deployment :8080/tcp [socket]"]);
    s.refused("unknown_source", 1);
}

fn imaged(s: &mut Scene, kind: &str) -> e2e::scene::Pod {
    let mut object = owned_by("batch/v1", kind, "random-1764048");
    object["spec"] = json!({"containers": [
        {"name": "main", "image": "registry.example/cool-image:some-tag"},
        {"name": "log-sidecar", "image": "registry.example/sidecar:1"}]});
    s.pod_with("random-1764048-x2x2x", &object, &json!({}))
}

fn a_job_is_named_by_its_image(s: &mut Scene) {
    let (job, server) = (imaged(s, "Job"), s.deployment("server"));
    s.socket(&job, &server.ip, 8080);
    s.edges(&["cool-image -> server/Deployment :8080/tcp [socket]"]);
}

fn a_pod_of_a_deployment_is_not_named_by_its_image(s: &mut Scene) {
    let (other, server) = (imaged(s, "Other"), s.deployment("server"));
    s.socket(&other, &server.ip, 8080);
    s.edges(&["random-1764048/Other -> server/Deployment :8080/tcp [socket]"]);
}

fn left_out(s: &mut Scene) {
    let (client, server) = (s.pod("client"), s.deployment("server"));
    s.socket(&client, &server.ip, 8080);
    s.refused("excluded_namespace", 1);
}

fn an_annotation_of_choice_names_the_workload(s: &mut Scene) {
    let server = s.deployment("server");
    let named = json!({"metadata": {"annotations": {
        "example.com/name": "chosen", "intents.otterize.com/service-name": "second-choice"}}});
    let usual = json!({"metadata": {"annotations": {"intents.otterize.com/workload-name": "not-asked-for"}}});
    let first = s.pod_with("first", &named, &json!({}));
    let second = s.pod_with("second", &usual, &json!({}));
    s.socket(&first, &server.ip, 8080);
    s.socket(&second, &server.ip, 8080);
    s.edges(&[
        "chosen -> server/Deployment :8080/tcp [socket]",
        "second/Pod -> server/Deployment :8080/tcp [socket]",
    ]);
}

fn handshakes_are_switched_off(s: &mut Scene) {
    let (client, server) = (s.pod("client"), s.deployment("server"));
    s.tcp(&client.ip, &server.ip, 8080);
    s.refused("switched_off", 1);
}

/// A kubeconfig with which everything is done in the name of this user, who may read these resources.
fn as_user(proxy: &Proxy, user: &str, rules: &serde_json::Value) -> std::path::PathBuf {
    let mut kube = proxy.client();
    let role = json!({"metadata": {"name": user}, "rules": rules});
    let rbac = "apis/rbac.authorization.k8s.io/v1";
    kube.send("POST", &format!("/{rbac}/clusterroles"), &role);
    let binding = json!({
        "metadata": {"name": user},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": user},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}],
    });
    kube.send("POST", &format!("/{rbac}/clusterrolebindings"), &binding);
    let done = std::process::Command::new(bed::variable("KUBECTL"))
        .args(["config", "view", "--raw", "--output=json"])
        .output()
        .unwrap();
    let mut config: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
    config["users"][0]["user"]["as"] = json!(user);
    let path = std::env::temp_dir().join(format!("e2e-{}-{user}.json", std::process::id()));
    std::fs::write(&path, config.to_string()).unwrap();
    path
}

/// Those of the chart, without a way to look up what else owns pods.
#[test]
#[ignore = "needs the testbed: ./dev test --only e2e"]
fn an_owner_that_may_not_be_read_is_the_root() {
    let proxy = Proxy::start();
    let mut kube = proxy.client();
    let crds = "apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    let schema = json!({"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}});
    let crd = json!({
        "metadata": {"name": "rollouts.e2e.example"},
        "spec": {
            "group": "e2e.example", "scope": "Namespaced", "names": {"plural": "rollouts", "kind": "Rollout"},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": schema}],
        },
    });
    kube.create("", crds, &crd);
    let is_served = wait(Duration::from_secs(20), || {
        let answer = kube.send("GET", "/apis/e2e.example/v1/rollouts", &json!(null));
        (answer.status == 200).then_some(())
    });
    assert!(is_served.is_some(), "rollouts are not served");
    let mut scene = Scene::new(160, "forbidden");
    let server = scene.deployment("server");
    let mut rollout =
        json!({"apiVersion": "e2e.example/v1", "kind": "Rollout", "metadata": {"name": "shop"}});
    e2e::scene::merge(
        &mut rollout,
        &owned_by("apps/v1", "Deployment", "never-seen"),
    );
    scene.object("apis/e2e.example/v1/rollouts", rollout, None);
    let client = scene.owned("shop-x2x2x", "e2e.example/v1", "Rollout", "shop");
    scene.tcp(&client.ip, &server.ip, 8080);
    scene.edges(&["shop/Rollout -> server/Deployment :8080/tcp [tcp]"]);
    let rules = json!([{
        "apiGroups": ["", "apps", "batch", "discovery.k8s.io"],
        "resources": ["pods", "services", "nodes", "endpoints", "endpointslices", "namespaces", "deployments",
            "replicasets", "statefulsets", "daemonsets", "jobs", "cronjobs"],
        "verbs": ["get", "list", "watch"],
    }]);
    let config = as_user(&proxy, "e2e-reader", &rules);
    let mapper = Mapper::start("forbidden", config.to_str().unwrap(), &[]);
    mapper.wait_ready();
    let mut scenes = [scene];
    set_up(&proxy, &mapper, &mut scenes);
    play(&mapper, &scenes);
}
