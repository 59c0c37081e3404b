//! The rows of "Kept and changed" in the design, and what the replaced mapper did without a test of its own.

use serde_json::json;

use super::{Row, rows};
use e2e::scene::{Scene, endpoint, owned_by};

pub(super) const ROWS: &[Row] = rows![
    a_terminating_pod_is_still_a_client,
    a_deleted_pod_was_a_client,
    an_init_container_is_a_client,
    an_address_belongs_to_its_holder_of_that_time,
    each_destination_has_a_time_of_its_own,
    a_pod_without_an_address_harms_nobody,
    two_balancers_with_one_address_are_told_by_the_port,
    all_pods_of_a_workload_are_one_server,
    the_dashed_name_of_a_pod_behind_a_service_is_the_pod,
    a_name_behind_a_headless_service_is_that_pod,
    a_host_network_pod_is_a_server_behind_its_service,
    the_kubelet_is_no_server,
    a_node_is_no_client,
    the_api_server_is_a_client,
    the_api_server_is_known_by_its_endpoint,
    an_address_that_host_network_shares_is_no_client,
    a_host_name_with_the_pods_address_is_the_pod,
    the_first_of_several_owners_counts,
    a_cron_job_of_a_removed_version_is_found,
    an_owner_that_exists_in_another_version_is_found,
    a_name_that_only_ends_like_the_clusters_domain_is_outside,
    the_mapper_itself_calls_the_internet,
    addresses_of_both_families_are_one_pod,
    an_ipv4_address_within_ipv6_is_the_pods,
    names_in_the_cluster_are_in_any_case,
    one_bad_item_spoils_no_batch,
    the_clusters_dns_is_no_server_and_no_client,
    an_answer_and_its_connection_are_one_edge,
    an_answer_whose_connection_was_refused_is_an_attempt,
    a_name_alone_chooses_the_first_of_several_workloads,
    two_kinds_of_one_name_are_two_workloads,
    azure_and_google_tell_by_name,
    endpoints_on_the_internet_are_the_server,
];

/// The replaced mapper lost what a pod did while it ended.
fn a_terminating_pod_is_still_a_client(s: &mut Scene) {
    let server = s.deployment("server");
    let (service, client) = (s.service("svc", &[&server]), s.pod("client"));
    s.then_delete(&client, 300);
    s.tcp(&client.ip, &service.ip, 80);
    s.edges(&["client/Pod -> server/Deployment via svc :8080/tcp [tcp]"]);
}

/// The replaced mapper looked for the pod of today.
fn a_deleted_pod_was_a_client(s: &mut Scene) {
    // As a kubelet tells it first. Of a pod that goes without a word nobody knows how long it was there.
    let ended = json!({"containerStatuses": [{
        "name": "main", "image": "i", "imageID": "", "ready": false, "restartCount": 0,
        "state": {"terminated": {"exitCode": 0, "startedAt": "$whole:-600", "finishedAt": "$whole:-30"}}}]});
    let client = s.pod_with("client", &json!({}), &ended);
    let server = s.deployment("server");
    s.then_delete(&client, 0);
    s.tcp_at(&client.ip, &server.ip, 8080, -60);
    s.edges(&["client/Pod -> server/Deployment :8080/tcp [tcp]"]);
}

/// The replaced mapper knew pods in the phase Running only.
fn an_init_container_is_a_client(s: &mut Scene) {
    let server = s.deployment("server");
    let status = json!({"phase": "Pending", "initContainerStatuses": [{
        "name": "init", "image": "i", "imageID": "", "ready": false, "restartCount": 0,
        "state": {"running": {"startedAt": "$whole:-600"}}}]});
    let init =
        json!({"spec": {"initContainers": [{"name": "init", "image": "registry.example/init"}]}});
    let client = s.deployment_with("client", &init, &status);
    s.tcp(&client.ip, &server.ip, 8080);
    s.edges(&["client/Deployment -> server/Deployment :8080/tcp [tcp]"]);
}

/// The replaced mapper gave all of it to the pod of today.
fn an_address_belongs_to_its_holder_of_that_time(s: &mut Scene) {
    let server = s.deployment("server");
    let first = s.pod_with(
        "first",
        &json!({}),
        &json!({"phase": "Succeeded", "containerStatuses": [{
            "name": "main", "image": "i", "imageID": "", "ready": false, "restartCount": 0,
            "state": {"terminated": {"exitCode": 0, "startedAt": "$whole:-590", "finishedAt": "$whole:-300"}}}]}),
    );
    let began = json!({"podIP": first.ip, "startTime": "$whole:-120", "conditions": [
        {"type": "PodReadyToStartContainers", "status": "True", "lastTransitionTime": "$whole:-120"}]});
    s.pod_with("second", &json!({}), &began);
    s.tcp_at(&first.ip, &server.ip, 8080, -400);
    s.tcp_at(&first.ip, &server.ip, 8080, -200);
    s.tcp_at(&first.ip, &server.ip, 8080, -60);
    s.edges(&[
        "first/Pod -> server/Deployment :8080/tcp [tcp]",
        "second/Pod -> server/Deployment :8080/tcp [tcp]",
    ]);
    s.refused("unknown_source", 1);
}

fn each_destination_has_a_time_of_its_own(s: &mut Scene) {
    let server = s.deployment("server");
    let (service, client) = (s.service("svc", &[&server]), s.pod("client"));
    let at = |at: &str| json!({"destination": service.dns, "lastSeen": at});
    let source = json!({"srcIp": client.ip, "destinations": [at("$at:-1800"), at("$at:0")]});
    s.sends("reportCaptureResults", source);
    s.edges(&["client/Pod -> server/Deployment via svc [dns]"]);
    s.refused("unknown_source", 1);
}

fn a_pod_without_an_address_harms_nobody(s: &mut Scene) {
    let server = s.deployment("server");
    let without = json!({"phase": "Pending", "podIP": null, "podIPs": null, "startTime": null, "conditions": null});
    s.pod_with("pending", &json!({}), &without);
    let client = s.pod("client");
    s.tcp(&client.ip, &server.ip, 8080);
    s.edges(&["client/Pod -> server/Deployment :8080/tcp [tcp]"]);
}

fn two_balancers_with_one_address_are_told_by_the_port(s: &mut Scene) {
    let (one, two) = (s.deployment("service1"), s.deployment("service2"));
    let shared = s.public_address();
    for (name, pod, port) in [("svc-1", &one, 9090), ("svc-2", &two, 1337)] {
        let object = json!({"spec": {"type": "LoadBalancer", "ports": [{"port": port, "targetPort": 8080}]}});
        let status = json!({"loadBalancer": {"ingress": [{"ip": shared}]}});
        s.service_with(name, &[pod], &object, Some(status));
    }
    let outside = s.public_address();
    s.tcp(&outside, &shared, 9090);
    s.edges(&[&format!(
        "internet -> service1/Deployment via svc-1 at {outside} :8080/tcp [tcp]"
    )]);
}

fn all_pods_of_a_workload_are_one_server(s: &mut Scene) {
    let one = s.deployment("server");
    let two = s.owned(
        "server-5d8f9-zzzzz",
        "apps/v1",
        "ReplicaSet",
        "server-5d8f9",
    );
    let (service, client) = (s.service("svc", &[&one, &two]), s.pod("client"));
    s.dns(&client, &service.dns, &service.ip);
    s.tcp(&client.ip, &two.ip, 8080);
    s.edges(&["client/Pod -> server/Deployment via svc :8080/tcp [dns,tcp]"]);
}

fn the_dashed_name_of_a_pod_behind_a_service_is_the_pod(s: &mut Scene) {
    let server = s.deployment("server");
    let (service, client) = (s.service("svc", &[&server]), s.pod("client"));
    let name = format!("{}.{}", server.ip.replace('.', "-"), service.dns);
    s.dns(&client, &name, &server.ip);
    s.edges(&["client/Pod -> server/Deployment via svc [dns]"]);
}

/// The replaced mapper took the Service's first pod.
fn a_name_behind_a_headless_service_is_that_pod(s: &mut Scene) {
    let client = s.pod("client");
    let (first, second) = (s.deployment("first"), s.deployment("second"));
    let headless = json!({"spec": {"clusterIP": "None"}});
    let service = s.service_with("nodes", &[&first, &second], &headless, None);
    s.dns(&client, &format!("second-0.{}", service.dns), &second.ip);
    s.edges(&["client/Pod -> second/Deployment via nodes [dns]"]);
}

/// The replaced mapper took it by handshakes, but not by DNS.
fn a_host_network_pod_is_a_server_behind_its_service(s: &mut Scene) {
    let node = s.node("n");
    let shared = json!({"spec": {"hostNetwork": true}});
    let agent = s.deployment_with(
        "agent",
        &shared,
        &json!({"podIP": node, "podIPs": [{"ip": node}]}),
    );
    let (service, client) = (s.service("svc", &[&agent]), s.pod("client"));
    s.dns(&client, &service.dns, "");
    s.tcp(&client.ip, &service.ip, 80);
    s.edges(&["client/Pod -> agent/Deployment via svc :8080/tcp [dns,tcp]"]);
}

fn the_kubelet_is_no_server(s: &mut Scene) {
    let (node, client) = (s.node("n"), s.pod("client"));
    s.tcp(&client.ip, &node, 10_250);
    s.refused("host_network_destination", 1);
}

fn a_node_is_no_client(s: &mut Scene) {
    let (node, server) = (s.node("n"), s.deployment("server"));
    s.tcp(&node, &server.ip, 8080);
    s.refused("host_network_source", 1);
}

fn the_api_server_is_a_client(s: &mut Scene) {
    let webhook = s.deployment("webhook");
    let service = s.service("svc", &[&webhook]);
    s.tcp("10.96.0.1", &webhook.ip, 8080);
    s.tcp("10.96.0.1", &service.ip, 80);
    s.edges(&["default/kubernetes -> webhook/Deployment via svc :8080/tcp [tcp]"]);
}

fn the_api_server_is_known_by_its_endpoint(s: &mut Scene) {
    let client = s.pod("client");
    let base: u16 = e2e::bed::variable("TESTBED_PORT_BASE").parse().unwrap();
    let port = base + 2;
    s.socket(&client, "10.64.255.1", port);
    s.edges(&[&format!(
        "client/Pod -> default/kubernetes :{port}/tcp [socket]"
    )]);
}

fn an_address_that_host_network_shares_is_no_client(s: &mut Scene) {
    let server = s.deployment("server");
    let status = json!({"podIP": "10.64.255.1", "podIPs": [{"ip": "10.64.255.1"}]});
    let agent = s.pod_with("agent", &json!({"spec": {"hostNetwork": true}}), &status);
    s.tcp(&agent.ip, &server.ip, 8080);
    s.refused("host_network_source", 1);
}

/// On AWS, the replaced sniffer tells a host name.
fn a_host_name_with_the_pods_address_is_the_pod(s: &mut Scene) {
    let (client, server) = (s.pod("client"), s.deployment("server"));
    let destination =
        json!({"destination": "some-host", "destinationIP": server.ip, "destinationPort": 8080});
    let source = json!({"srcIp": client.ip, "destinations": [destination]});
    s.sends("reportTCPCaptureResults", source);
    s.edges(&["client/Pod -> server/Deployment :8080/tcp [tcp]"]);
}

fn the_first_of_several_owners_counts(s: &mut Scene) {
    let server = s.deployment("server");
    let owner = |kind: &str, name: &str| {
        let all = owned_by("example.com/v1", kind, name);
        all["metadata"]["ownerReferences"][0].clone()
    };
    let mut second = owner("Second", "two");
    second["controller"] = json!(true);
    let object = json!({"metadata": {"ownerReferences": [owner("First", "one"), second]}});
    let client = s.pod_with("client", &object, &json!({}));
    s.tcp(&client.ip, &server.ip, 8080);
    s.edges(&["one/First -> server/Deployment :8080/tcp [tcp]"]);
}

fn job(name: &str) -> serde_json::Value {
    json!({"metadata": {"name": name}, "spec": {"suspend": true, "template": {"spec": {
        "restartPolicy": "Never", "containers": [{"name": "main", "image": "registry.example/main"}]}}}})
}

fn a_cron_job_of_a_removed_version_is_found(s: &mut Scene) {
    let server = s.deployment("server");
    let template = job("nightly")["spec"].clone();
    let cron = json!({"metadata": {"name": "nightly"},
        "spec": {"schedule": "0 0 1 1 *", "suspend": true, "jobTemplate": {"spec": template}}});
    s.object("apis/batch/v1/cronjobs", cron, None);
    let mut run = job("nightly-1");
    e2e::scene::merge(&mut run, &owned_by("batch/v1beta1", "CronJob", "nightly"));
    s.object("apis/batch/v1/jobs", run, None);
    let client = s.owned("nightly-1-abcde", "batch/v1", "Job", "nightly-1");
    s.tcp(&client.ip, &server.ip, 8080);
    s.edges(&["nightly/CronJob -> server/Deployment :8080/tcp [tcp]"]);
}

fn an_owner_that_exists_in_another_version_is_found(s: &mut Scene) {
    let server = s.deployment("server");
    let client = s.deployment("client");
    let old = s.owned("old-x2x2x", "apps/v1beta2", "ReplicaSet", "client-5d8f9");
    s.tcp(&client.ip, &server.ip, 8080);
    s.tcp(&old.ip, &server.ip, 8080);
    s.edges(&["client/Deployment -> server/Deployment :8080/tcp [tcp]"]);
}

/// The replaced mapper took it for one in the cluster.
fn a_name_that_only_ends_like_the_clusters_domain_is_outside(s: &mut Scene) {
    let (client, address) = (s.pod("client"), s.public_address());
    s.dns(&client, "svc.notcluster.local", &address);
    s.edges(&[&format!(
        "client/Pod -> svc.notcluster.local at {address} [dns]"
    )]);
}

/// The replaced mapper left its own calls out.
fn the_mapper_itself_calls_the_internet(s: &mut Scene) {
    let (client, address) = (s.deployment("otterize-network-mapper"), s.public_address());
    s.dns(&client, "app.example.com", &address);
    s.edges(&[&format!(
        "otterize-network-mapper/Deployment -> app.example.com at {address} [dns]"
    )]);
}

/// The replaced mapper compared addresses as text.
fn addresses_of_both_families_are_one_pod(s: &mut Scene) {
    let mut both = |name: &str, v6: &str| {
        let ip = s.address();
        let status = json!({"podIP": ip, "podIPs": [{"ip": ip}, {"ip": v6}]});
        s.deployment_with(name, &json!({}), &status)
    };
    both("client", "fd00:150::a1");
    let server = both("server", "fd00:150::b2");
    let backend =
        json!([{"addresses": ["fd00:150::b2"], "targetRef": endpoint(&server)["targetRef"]}]);
    s.service("svc", &[&server]);
    s.slice("svc", "-v6", &backend);
    s.tcp("FD00:150:0:0:0:0:0:A1", "fd00:0150::00b2", 8080);
    s.dns_from(
        "fd00:150::a1",
        &format!("svc.{}.svc.cluster.local", s.name),
        "fd00:150::b2",
    );
    s.edges(&["client/Deployment -> server/Deployment via svc :8080/tcp [dns,tcp]"]);
}

fn an_ipv4_address_within_ipv6_is_the_pods(s: &mut Scene) {
    let (client, server) = (s.pod("client"), s.deployment("server"));
    s.tcp(
        &format!("::ffff:{}", client.ip),
        &format!("::ffff:{}", server.ip),
        8080,
    );
    s.edges(&["client/Pod -> server/Deployment :8080/tcp [tcp]"]);
}

/// The replaced mapper knew none of it.
fn names_in_the_cluster_are_in_any_case(s: &mut Scene) {
    let server = s.deployment("server");
    let (service, client) = (s.service("svc", &[&server]), s.pod("client"));
    s.dns(
        &client,
        &format!("{}.", service.dns.to_uppercase()),
        &service.ip,
    );
    s.edges(&["client/Pod -> server/Deployment via svc [dns]"]);
}

/// The replaced mapper refused the batch, or died of it.
fn one_bad_item_spoils_no_batch(s: &mut Scene) {
    let (client, server) = (s.pod("client"), s.deployment("server"));
    let to = |to: &str, port: i64| json!({"destination": to, "destinationIP": "", "destinationPort": port});
    let source = json!({"srcIp": client.ip, "destinations": [
        to("", 80), to(&server.ip, 99_999), to(&server.ip, -1), to(&"x".repeat(2000), 80),
        to("10.1.2.3.4", 80), to(&server.ip, 8080)]});
    s.sends("reportTCPCaptureResults", source);
    let named = |name: &str, ip: &str| json!({"destination": name, "destinationIP": ip});
    let nobody = json!({"srcIp": "not an address", "destinations": [named("a.example", "")]});
    s.sends("reportCaptureResults", nobody);
    let source =
        json!({"srcIp": client.ip, "destinations": [named("", ""), named("a.example", "x")]});
    s.sends("reportCaptureResults", source);
    s.refused("unreadable", 8);
    s.edges(&["client/Pod -> server/Deployment :8080/tcp [tcp]"]);
}

fn the_clusters_dns_is_no_server_and_no_client(s: &mut Scene) {
    let (client, server) = (
        s.pod("client"),
        s.owned("dns-0", "apps/v1", "DaemonSet", "dns"),
    );
    let object = json!({
        "metadata": {"name": "kube-dns", "labels": {"k8s-app": "kube-dns"}},
        "spec": {"clusterIP": "10.96.0.10", "ports": [{"port": 53, "protocol": "UDP"}]},
    });
    s.object("/api/v1/namespaces/kube-system/services", object, None);
    let slice = json!({
        "metadata": {"name": "kube-dns-1", "labels": {"kubernetes.io/service-name": "kube-dns"}},
        "addressType": "IPv4", "endpoints": [endpoint(&server)],
        "ports": [{"name": "", "port": 53, "protocol": "UDP"}],
    });
    s.object(
        "/apis/discovery.k8s.io/v1/namespaces/kube-system/endpointslices",
        slice,
        None,
    );
    s.tcp(&client.ip, "10.96.0.10", 53);
    s.tcp(&client.ip, &server.ip, 53);
    s.refused("cluster_dns", 2);
    s.dns(&server, "api.example.com", "198.18.0.1");
    s.refused("recursion", 1);
}

/// What our sniffer tells: who it is, and what became of it.
fn ours(
    s: &mut Scene,
    field: &'static str,
    client: &e2e::scene::Pod,
    destination: &serde_json::Value,
) {
    let uid = format!("$uid:{}", client.name);
    s.sends(
        field,
        json!({"srcIp": client.ip, "srcPodUid": uid, "nodeName": "by-hand", "reporterId": "node-1",
            "destinations": [destination]}),
    );
}

fn an_answer_and_its_connection_are_one_edge(s: &mut Scene) {
    let (client, address) = (s.pod("client"), s.public_address());
    let answer = json!({"destination": "shop.example.com", "destinationIP": address, "TTL": 60});
    ours(s, "reportCaptureResults", &client, &answer);
    let opened = json!({"destination": address, "destinationIP": address, "destinationPort": 443, "connections": 7});
    ours(s, "reportTCPCaptureResults", &client, &opened);
    s.edges(&[&format!(
        "client/Pod -> shop.example.com at {address} :443/tcp [dns,tcp]"
    )]);
}

/// The replaced mapper took every question for a call.
fn an_answer_whose_connection_was_refused_is_an_attempt(s: &mut Scene) {
    let (client, server) = (s.pod("client"), s.deployment("server"));
    let service = s.service("svc", &[&server]);
    let answer = json!({"destination": service.dns, "destinationIP": service.ip, "TTL": 60});
    ours(s, "reportCaptureResults", &client, &answer);
    let refused = json!({"destination": service.ip, "destinationIP": service.ip, "destinationPort": 80,
        "attempt": "REFUSED"});
    ours(s, "reportTCPCaptureResults", &client, &refused);
    s.waits(1);
    s.attempts(&["client/Pod -> server/Deployment via svc :8080/tcp [dns,tcp] refused"]);
}

/// The replaced mapper took the first pod, whichever that was.
fn a_name_alone_chooses_the_first_of_several_workloads(s: &mut Scene) {
    let client = s.pod("client");
    let (green, blue) = (s.deployment("green"), s.deployment("blue"));
    let service = s.service("svc", &[&green, &blue]);
    s.dns(&client, &service.dns, &service.ip);
    s.waits(1);
    s.edges(&["client/Pod -> blue/Deployment via svc [dns] assumed"]);
}

/// The replaced mapper took them for one.
fn two_kinds_of_one_name_are_two_workloads(s: &mut Scene) {
    let server = s.deployment("server");
    let one = s.owned("same-0", "apps/v1", "StatefulSet", "same");
    let two = s.owned("same-x2x2x", "apps/v1", "DaemonSet", "same");
    s.tcp(&one.ip, &server.ip, 8080);
    s.tcp(&two.ip, &server.ip, 8080);
    s.edges(&[
        "same/StatefulSet -> server/Deployment :8080/tcp [tcp]",
        "same/DaemonSet -> server/Deployment :8080/tcp [tcp]",
    ]);
}

fn azure_and_google_tell_by_name(s: &mut Scene) {
    s.deployment("client");
    let ns = s.name.clone();
    let azure = json!([{"scope": "/subscriptions/1", "actions": ["read"], "dataActions": ["blobs/read"],
        "clientName": "client", "clientNamespace": ns}]);
    s.sends_as_is("reportAzureOperation", azure, 1);
    let google = |name: &str| {
        json!({"resource": "projects/1", "permissions": ["storage.get"], "srcIp": null,
            "client": {"name": name, "namespace": ns}})
    };
    s.sends_as_is(
        "reportGCPOperation",
        json!([google("client"), google("nobody")]),
        2,
    );
    s.refused("unknown_workload", 1);
    s.edges(&[
        "client/Deployment -> /subscriptions/1 [cloud] actions read data actions blobs/read",
        "client/Deployment -> projects/1 [cloud] actions storage.get",
    ]);
}

fn endpoints_on_the_internet_are_the_server(s: &mut Scene) {
    let (client, address) = (s.pod("client"), s.public_address());
    let service = s.service_alone("svc", &json!({}), None);
    s.slice("svc", "", &json!([{"addresses": [address]}]));
    s.tcp(&client.ip, &service.ip, 80);
    s.edges(&[&format!("client/Pod -> {address} :8080/tcp [tcp]")]);
}
