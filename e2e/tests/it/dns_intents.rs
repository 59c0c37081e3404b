//! The addresses of internet targets in the status of real ClientIntents.

use std::time::{Duration, Instant};

use e2e::kube::{Kube, Proxy, path};
use e2e::mapper::{Mapper, WRITES_INTENTS};
use e2e::time::{from_now, wait, whole_from_now};
use serde_json::{Value, json};

const CRDS: &str = "apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const CRD: &str = "clientintents.k8s.otterize.com";
const INTENTS: &str = "apis/k8s.otterize.com/v2beta1/clientintents";
const NAMESPACE: &str = "dns-intents";
const POD: &str = "10.151.0.1";

/// A cluster without them is looked at once a minute.
const FOUND: Duration = Duration::from_secs(90);
const SOON: Duration = Duration::from_secs(20);

/// As the intents operator installs it, without its validation.
fn crd() -> Value {
    let version = |name: &str, storage: bool| {
        let open = json!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true });
        json!({
            "name": name, "served": true, "storage": storage,
            "subresources": { "status": {} },
            "schema": { "openAPIV3Schema": {
                "type": "object",
                "properties": { "spec": open, "status": open },
            } },
        })
    };
    json!({
        "metadata": { "name": CRD },
        "spec": {
            "group": "k8s.otterize.com",
            "scope": "Namespaced",
            "names": { "kind": "ClientIntents", "plural": "clientintents", "singular": "clientintents" },
            "versions": [version("v2alpha1", true), version("v2beta1", false)],
        },
    })
}

fn intents(name: &str, domains: &[&str]) -> Value {
    json!({
        "apiVersion": "k8s.otterize.com/v2beta1", "kind": "ClientIntents",
        "metadata": { "name": name },
        "spec": { "workload": { "name": name }, "targets": [
            { "kubernetes": { "name": "db" } },
            { "internet": { "domains": domains, "ports": [443] } },
        ] },
    })
}

/// A cluster without the CRD, in which one pod runs; its UID.
fn set_up(kube: &mut Kube) -> String {
    kube.send("DELETE", &path("", CRDS, CRD), &json!({}));
    let gone = wait(FOUND, || {
        let answer = kube.send("GET", &path("", CRDS, CRD), &Value::Null);
        (answer.status == 404).then_some(())
    });
    assert!(gone.is_some(), "the CRD of an earlier run stays");
    kube.namespace(NAMESPACE);
    let pod = json!({
        "metadata": { "name": "web" },
        "spec": { "nodeName": "dns-intents-node", "containers": [{ "name": "c", "image": "i" }] },
    });
    let uid = kube.create(NAMESPACE, "pods", &pod);
    let began = whole_from_now(-600);
    let status = json!({
        "phase": "Running", "podIP": POD, "podIPs": [{ "ip": POD }], "startTime": began,
        "containerStatuses": [{
            "name": "c", "image": "i", "imageID": "", "ready": true, "restartCount": 0,
            "state": { "running": { "startedAt": began } },
        }],
    });
    kube.set_status(NAMESPACE, "pods", "web", &status);
    uid
}

fn install(kube: &mut Kube) {
    kube.create("", CRDS, &crd());
    let served = wait(SOON, || {
        let answer = kube.send("GET", &path(NAMESPACE, INTENTS, ""), &Value::Null);
        (answer.status == 200).then_some(())
    });
    assert!(served.is_some(), "the CRD is not served");
}

/// A DNS answer that the pod with this address and UID got.
fn answer(mapper: &Mapper, from: &str, uid: &str, name: &str, address: &str) {
    let destination = json!({
        "destination": name, "destinationIP": address, "destinationPort": null,
        "TTL": 600, "lastSeen": from_now(0), "srcPorts": [],
    });
    let source = json!({
        "srcIp": from, "srcHostname": "", "srcPodUid": uid, "destinations": [destination],
    });
    mapper.report("reportCaptureResults", &json!({ "results": [source] }));
}

fn status(kube: &mut Kube, name: &str) -> Value {
    let answer = kube.send("GET", &path(NAMESPACE, INTENTS, name), &Value::Null);
    answer.json()["status"].take()
}

/// Waits until the status has these entries; how long that took.
fn wait_for(kube: &mut Kube, name: &str, entries: &Value, most: Duration) -> Duration {
    let begun = Instant::now();
    let done = wait(most, || {
        (status(kube, name)["resolvedIPs"] == *entries).then_some(())
    });
    let found = status(kube, name);
    assert!(
        done.is_some(),
        "{name}\n  wanted: {entries}\n  found: {found}"
    );
    begun.elapsed()
}

#[test]
#[ignore = "needs the testbed: ./dev test --only e2e"]
fn internet_targets_get_the_addresses_that_pods_get() {
    let proxy = Proxy::start();
    let mut kube = proxy.client();
    let uid = set_up(&mut kube);
    let mapper = Mapper::ready("dns-intents", &[WRITES_INTENTS, "true"]);
    let pod = |name: &str, address: &str| answer(&mapper, POD, &uid, name, address);
    pod("api.example.net", "203.0.113.20");
    pod("API.example.net", "203.0.113.3");
    pod("a.example.org", "203.0.113.1");
    pod("rebinding.example.org", "169.254.169.254");
    answer(
        &mapper,
        "10.151.0.99",
        "",
        "api.example.net",
        "203.0.113.66",
    );

    // The operator comes later than the mapper.
    install(&mut kube);
    // Domains of no other test: their mappers write statuses, too.
    let domains = ["api.example.net", "*.example.org", "never.invalid"];
    kube.create(NAMESPACE, INTENTS, &intents("web", &domains));
    kube.create(NAMESPACE, INTENTS, &intents("other", &["never.invalid"]));
    let before = json!({
        "upToDate": true, "observedGeneration": 3,
        "resolvedIPs": [
            { "dns": "former.example.net", "ips": ["203.0.113.8"] },
            { "dns": "api.example.net", "ips": ["203.0.113.4"] },
        ],
    });
    kube.set_status(NAMESPACE, INTENTS, "web", &before);
    let api =
        json!({ "dns": "api.example.net", "ips": ["203.0.113.20", "203.0.113.3", "203.0.113.4"] });
    let org = |ips: &[&str]| json!({ "dns": "*.example.org", "ips": ips });
    let entries = json!([org(&["203.0.113.1"]), api]);
    let took = wait_for(&mut kube, "web", &entries, FOUND);
    println!("found {took:?} after the CRD came");
    let now = status(&mut kube, "web");
    assert_eq!(
        (&now["upToDate"], &now["observedGeneration"]),
        (&json!(true), &json!(3))
    );

    // A new name under a wildcard.
    pod("b.c.example.org", "203.0.113.2");
    let both = org(&["203.0.113.1", "203.0.113.2"]);
    let took = wait_for(&mut kube, "web", &json!([both, api]), SOON);
    println!("written {took:?} after it was reported");

    // A domain leaves the spec, and its addresses the status.
    let spec = json!({ "spec": { "targets": [{ "internet": { "domains": ["*.example.org"] } }] } });
    let changed = kube.send("PATCH", &path(NAMESPACE, INTENTS, "web"), &spec);
    assert_eq!(changed.status, 200, "{}", changed.text());
    let took = wait_for(&mut kube, "web", &json!([both]), SOON);
    println!("removed {took:?} after the change");

    // What was learned is there for those that come later.
    kube.create(NAMESPACE, INTENTS, &intents("late", &["a.example.org"]));
    let entry = json!({ "dns": "a.example.org", "ips": ["203.0.113.1"] });
    wait_for(&mut kube, "late", &json!([entry]), SOON);
    assert_eq!(status(&mut kube, "other"), Value::Null);

    let metrics = mapper.metrics();
    assert_eq!(metrics.get("portolan_mapper_client_intents"), 3);
    assert_eq!(metrics.get("portolan_mapper_dns_names"), 4);
    assert_eq!(
        metrics.get("portolan_mapper_client_intents_failures_total"),
        0
    );
    // Counted once the answer to the last one is there.
    let patched = wait(SOON, || {
        let patches = mapper
            .metrics()
            .get("portolan_mapper_client_intents_patches_total");
        (patches >= 4).then_some(())
    });
    assert!(patched.is_some(), "fewer than four patches");
    mapper.wait_ends(metrics.taken(), 0, Duration::from_secs(45));
}
