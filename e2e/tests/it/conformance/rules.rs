//! Who is who: sources, destinations and owners, with what the replaced mapper did where that differs.

use serde_json::json;

use super::{Row, rows};
use e2e::scene::Scene;

pub(super) const ROWS: &[Row] = rows![
    a_host_name_that_is_another_pods_is_refused,
    the_pods_own_host_name_is_taken,
    two_pods_with_one_address_are_nobody,
    a_time_before_the_pod_is_nobodys,
    a_young_pod_is_a_destination_by_its_lease,
    a_finished_job_was_a_client,
    the_api_server_is_known_by_name_and_address,
    a_host_network_pod_is_no_client,
    an_external_address_of_a_service_is_the_service,
    a_node_port_is_the_service,
    the_internet_calls_a_pod,
    the_internet_calls_a_pod_by_its_name,
    the_internet_calls_another_name,
    the_internet_is_called_by_name_and_by_address,
    an_external_name_is_what_it_stands_for,
    an_unknown_private_address_is_never_the_internet,
    a_service_without_endpoints_is_no_server,
    several_workloads_behind_a_service_are_told_by_the_backend,
    a_dns_name_of_a_pod_is_the_pod,
    an_unknown_service_name_is_refused,
    an_annotation_names_the_workload,
    the_old_annotation_names_it_too,
    a_dot_in_a_name_becomes_an_underscore,
    an_owner_of_an_unknown_kind_is_the_root,
    a_job_that_is_gone_is_itself,
    refused_connections_are_attempts,
    a_translated_connection_of_ours_resolves_by_the_uid,
    kafka_tells_topics_and_one_bad_operation_spoils_nothing,
    istio_tells_paths,
    clouds_tell_their_resources,
    a_pod_calls_itself_through_its_service,
];

fn a_host_name_that_is_another_pods_is_refused(s: &mut Scene) {
    let server = s.deployment("server");
    let service = s.service("svc", &[&server]);
    let client = s.pod("pod4");
    s.sends(
        "reportCaptureResults",
        json!({"srcIp": client.ip, "srcHostname": "pod5", "destinations": [{"destination": service.dns}]}),
    );
    s.refused("wrong_pod", 1);
}

fn the_pods_own_host_name_is_taken(s: &mut Scene) {
    let server = s.deployment("server");
    let service = s.service("svc", &[&server]);
    let client = s.pod("pod4");
    s.sends(
        "reportCaptureResults",
        json!({"srcIp": client.ip, "srcHostname": "pod4", "destinations": [{"destination": service.dns}]}),
    );
    s.edges(&["pod4/Pod -> server/Deployment via svc [dns]"]);
}

fn two_pods_with_one_address_are_nobody(s: &mut Scene) {
    let server = s.deployment("server");
    let service = s.service("svc", &[&server]);
    let one = s.pod("one");
    let _two = s.pod_with(
        "two",
        &json!({}),
        &json!({"podIP": one.ip, "podIPs": [{"ip": one.ip}]}),
    );
    s.dns(&one, &service.dns, "");
    s.refused("ambiguous_source", 1);
}

fn a_time_before_the_pod_is_nobodys(s: &mut Scene) {
    let server = s.deployment("server");
    let service = s.service("svc", &[&server]);
    let client = s.pod("client");
    s.tcp_at(&client.ip, &service.ip, 80, -1_800);
    s.refused("unknown_source", 1);
}

/// The replaced mapper ignored pods younger than five minutes.
fn a_young_pod_is_a_destination_by_its_lease(s: &mut Scene) {
    let client = s.pod("client");
    let young = json!({"startTime": "$whole:-20", "conditions": [
        {"type": "PodReadyToStartContainers", "status": "True", "lastTransitionTime": "$whole:-20"}]});
    let server = s.deployment_with("server", &json!({}), &young);
    s.tcp(&client.ip, &server.ip, 8080);
    s.edges(&["client/Pod -> server/Deployment :8080/tcp [tcp]"]);
}

/// The replaced mapper saw no pod that has finished.
fn a_finished_job_was_a_client(s: &mut Scene) {
    let server = s.deployment("server");
    s.object(
        "apis/batch/v1/jobs",
        json!({"metadata": {"name": "once"}, "spec": {"suspend": true, "template": {"spec": {
            "restartPolicy": "Never", "containers": [{"name": "main", "image": "registry.example/main"}]}}}}),
        None,
    );
    let job = s.pod_with(
        "once-x7x7x",
        &e2e::scene::owned_by("batch/v1", "Job", "once"),
        &json!({"phase": "Succeeded", "containerStatuses": [{
            "name": "main", "image": "i", "imageID": "", "ready": false, "restartCount": 0,
            "state": {"terminated": {"exitCode": 0, "startedAt": "$whole:-60", "finishedAt": "$whole:-30"}}}]}),
    );
    // The Service would be younger than the call.
    s.tcp_at(&job.ip, &server.ip, 8080, -40);
    s.edges(&["once/Job -> server/Deployment :8080/tcp [tcp]"]);
}

fn the_api_server_is_known_by_name_and_address(s: &mut Scene) {
    let client = s.pod("client");
    s.dns(&client, "kubernetes.default.svc.cluster.local", "10.96.0.1");
    s.socket(&client, "10.96.0.1", 443);
    s.edges(&["client/Pod -> default/kubernetes via kubernetes :443/tcp [dns,socket]"]);
}

fn a_host_network_pod_is_no_client(s: &mut Scene) {
    let node = s.node("n");
    let server = s.deployment("server");
    let service = s.service("svc", &[&server]);
    let agent = s.pod_with(
        "agent",
        &json!({"spec": {"hostNetwork": true}}),
        &json!({"podIP": node, "podIPs": [{"ip": node}]}),
    );
    s.tcp(&agent.ip, &service.ip, 80);
    s.refused("host_network_source", 1);
}

/// The replaced mapper knew these addresses for sources outside the cluster only.
fn an_external_address_of_a_service_is_the_service(s: &mut Scene) {
    let (client, server) = (s.pod("client"), s.deployment("server"));
    let (external, balanced) = (s.public_address(), s.public_address());
    s.service_with(
        "svc",
        &[&server],
        &json!({"spec": {"type": "LoadBalancer", "externalIPs": [external]}}),
        Some(json!({"loadBalancer": {"ingress": [{"ip": balanced}]}})),
    );
    s.tcp(&client.ip, &external, 80);
    s.tcp(&client.ip, &balanced, 80);
    s.edges(&["client/Pod -> server/Deployment via svc :8080/tcp [tcp]"]);
}

fn a_node_port_is_the_service(s: &mut Scene) {
    let node = s.node("n");
    let (client, server) = (s.pod("client"), s.deployment("server"));
    let port = 32_100;
    s.service_with(
        "svc",
        &[&server],
        &json!({"spec": {"type": "NodePort", "ports": [{"port": 80, "targetPort": 8080, "nodePort": port}]}}),
        None,
    );
    s.tcp(&client.ip, &node, port);
    let outside = s.public_address();
    s.tcp(&outside, &node, port);
    s.edges(&[
        "client/Pod -> server/Deployment via svc :8080/tcp [tcp]",
        &format!("internet -> server/Deployment via svc at {outside} :8080/tcp [tcp]"),
    ]);
}

fn the_internet_calls_a_pod(s: &mut Scene) {
    let server = s.deployment("server");
    let outside = s.public_address();
    s.tcp(&outside, &server.ip, 8080);
    s.edges(&[&format!(
        "internet -> server/Deployment at {outside} :8080/tcp [tcp]"
    )]);
}

fn the_internet_calls_a_pod_by_its_name(s: &mut Scene) {
    let server = s.deployment("server");
    let outside = s.public_address();
    s.sends(
        "reportTCPCaptureResults",
        json!({"srcIp": outside, "destinations": [
            {"destination": server.name, "destinationIP": server.ip, "destinationPort": 8080}]}),
    );
    s.edges(&[&format!(
        "internet -> server/Deployment at {outside} :8080/tcp [tcp]"
    )]);
}

fn the_internet_calls_another_name(s: &mut Scene) {
    let server = s.deployment("server");
    let outside = s.public_address();
    s.sends(
        "reportTCPCaptureResults",
        json!({"srcIp": outside, "destinations": [
            {"destination": "another", "destinationIP": server.ip, "destinationPort": 8080}]}),
    );
    s.refused("wrong_pod", 1);
}

/// The replaced mapper listed nothing outside.
fn the_internet_is_called_by_name_and_by_address(s: &mut Scene) {
    let client = s.pod("client");
    let (named, bare) = (s.public_address(), s.public_address());
    s.dns(&client, "API.Example.com.", &named);
    s.tcp(&client.ip, &bare, 443);
    s.edges(&[
        &format!("client/Pod -> api.example.com at {named} [dns]"),
        &format!("client/Pod -> {bare} :443/tcp [tcp]"),
    ]);
}

fn an_external_name_is_what_it_stands_for(s: &mut Scene) {
    let client = s.pod("client");
    let address = s.public_address();
    s.object(
        "services",
        json!({"metadata": {"name": "billing"},
            "spec": {"type": "ExternalName", "externalName": "billing.example.com"}}),
        None,
    );
    let name = format!("billing.{}.svc.cluster.local", s.name);
    s.dns(&client, &name, &address);
    s.edges(&[&format!(
        "client/Pod -> billing.example.com at {address} [dns]"
    )]);
}

/// The replaced mapper took an unknown private source for the internet.
fn an_unknown_private_address_is_never_the_internet(s: &mut Scene) {
    let server = s.deployment("server");
    let (nobody, client) = (s.address(), s.pod("client"));
    let other = s.address();
    s.tcp(&nobody, &server.ip, 8080);
    s.tcp(&client.ip, &other, 8080);
    s.refused("unknown_source", 1);
    s.refused("unknown_destination", 1);
}

fn a_service_without_endpoints_is_no_server(s: &mut Scene) {
    let client = s.pod("client");
    let empty = s.service_alone("empty", &json!({}), None);
    s.tcp(&client.ip, &empty.ip, 80);
    s.refused("no_backend", 1);
}

/// The replaced mapper took the first pod.
fn several_workloads_behind_a_service_are_told_by_the_backend(s: &mut Scene) {
    let client = s.pod("client");
    let (blue, green) = (s.deployment("blue"), s.deployment("green"));
    let service = s.service("svc", &[&blue, &green]);
    s.sends(
        "reportTCPCaptureResults",
        json!({"srcIp": client.ip, "srcPodUid": "$uid:client", "reporterId": "r", "destinations": [
            {"destination": green.ip, "destinationIP": green.ip, "destinationPort": 8080,
             "originalDestination": service.ip, "originalPort": 80}]}),
    );
    s.edges(&["client/Pod -> green/Deployment via svc :8080/tcp [tcp]"]);
}

fn a_dns_name_of_a_pod_is_the_pod(s: &mut Scene) {
    let (client, server) = (s.pod("client"), s.deployment("server"));
    let name = format!(
        "{}.{}.pod.cluster.local",
        server.ip.replace('.', "-"),
        s.name
    );
    s.dns(&client, &name, &server.ip);
    s.edges(&["client/Pod -> server/Deployment [dns]"]);
}

fn an_unknown_service_name_is_refused(s: &mut Scene) {
    let client = s.pod("client");
    let name = format!("nosuch.{}.svc.cluster.local", s.name);
    s.dns(&client, &name, "");
    // The cluster's domain itself ended the replaced mapper.
    s.dns(&client, "cluster.local", "");
    s.refused("unknown_name", 2);
}

fn annotated(key: &str, name: &str) -> serde_json::Value {
    json!({"metadata": {"annotations": {key: name}}})
}

fn an_annotation_names_the_workload(s: &mut Scene) {
    let server = s.deployment("server");
    let service = s.service("svc", &[&server]);
    let object = annotated("intents.otterize.com/workload-name", "renamed");
    let client = s.deployment_with("client", &object, &json!({}));
    s.tcp(&client.ip, &service.ip, 80);
    s.edges(&["renamed -> server/Deployment via svc :8080/tcp [tcp]"]);
}

fn the_old_annotation_names_it_too(s: &mut Scene) {
    let object = annotated("intents.otterize.com/service-name", "old-name");
    let server = s.deployment_with("server", &object, &json!({}));
    let (client, service) = (s.pod("client"), s.service("svc", &[&server]));
    s.tcp(&client.ip, &service.ip, 80);
    s.edges(&["client/Pod -> old-name via svc :8080/tcp [tcp]"]);
}

fn a_dot_in_a_name_becomes_an_underscore(s: &mut Scene) {
    let (client, server) = (s.pod("client"), s.deployment("cool.4.2.0"));
    let service = s.service("svc", &[&server]);
    s.tcp(&client.ip, &service.ip, 80);
    s.edges(&["client/Pod -> cool_4_2_0/Deployment via svc :8080/tcp [tcp]"]);
}

fn an_owner_of_an_unknown_kind_is_the_root(s: &mut Scene) {
    let server = s.deployment("server");
    let service = s.service("svc", &[&server]);
    let client = s.owned("odd-0", "example.com/v1", "BadKind", "odd");
    s.tcp(&client.ip, &service.ip, 80);
    s.edges(&["odd/BadKind -> server/Deployment via svc :8080/tcp [tcp]"]);
}

fn a_job_that_is_gone_is_itself(s: &mut Scene) {
    let server = s.deployment("server");
    let service = s.service("svc", &[&server]);
    let client = s.owned("lost-x2x2x", "batch/v1", "Job", "lost");
    s.tcp(&client.ip, &service.ip, 80);
    s.edges(&["lost/Job -> server/Deployment via svc :8080/tcp [tcp]"]);
}

fn refused_connections_are_attempts(s: &mut Scene) {
    let (client, server) = (s.pod("client"), s.deployment("server"));
    let service = s.service("svc", &[&server]);
    s.sends(
        "reportTCPCaptureResults",
        json!({"srcIp": client.ip, "srcPodUid": "$uid:client", "reporterId": "r", "destinations": [
            {"destination": service.ip, "destinationIP": service.ip, "destinationPort": 80, "attempt": "REFUSED"}]}),
    );
    s.attempts(&["client/Pod -> server/Deployment via svc :8080/tcp [tcp] refused"]);
}

fn a_translated_connection_of_ours_resolves_by_the_uid(s: &mut Scene) {
    let (client, server) = (s.pod("client"), s.deployment("server"));
    let uid = format!("$uid:{}", server.name);
    s.sends(
        "reportSocketScanResults",
        json!({"srcIp": client.ip, "srcPodUid": "$uid:client", "reporterId": "r", "destinations": [
            {"destination": server.ip, "destinationIP": server.ip, "destinationPort": 8080,
             "destinationPodUid": uid, "connections": 3}]}),
    );
    s.edges(&["client/Pod -> server/Deployment :8080/tcp [socket]"]);
}

/// The replaced mapper gave up the rest of the report at the first unknown operation.
fn kafka_tells_topics_and_one_bad_operation_spoils_nothing(s: &mut Scene) {
    let broker = s.owned("kafka-0", "apps/v1", "StatefulSet", "kafka");
    let client = s.pod("client");
    let ns = s.name.clone();
    let access = |operation: &str| {
        json!({"srcIp": client.ip, "serverPodName": broker.name, "serverNamespace": ns, "topic": "orders",
            "operation": operation, "lastSeen": "$at:0"})
    };
    let all = ["Read", "Nonsense", "Write", "Describe"].map(access);
    s.sends_as_is("reportKafkaMapperResults", json!({"results": all}), 4);
    s.refused("unknown_operation", 1);
    s.edges(&["client/Pod -> kafka/StatefulSet [kafka] topics orders:consume+produce+describe"]);
}

fn istio_tells_paths(s: &mut Scene) {
    let _pods = [s.deployment("web"), s.deployment("api")];
    let ns = s.name.clone();
    let request = json!({
        "srcWorkload": "web", "srcWorkloadNamespace": ns, "dstWorkload": "api", "dstServiceName": "api",
        "dstWorkloadNamespace": ns, "path": "/v1.2/items", "methods": ["POST", "GET"], "lastSeen": "$at:0",
    });
    s.sends_as_is(
        "reportIstioConnectionResults",
        json!({"results": [request]}),
        1,
    );
    s.edges(&["web/Deployment -> api/Deployment via api [istio] paths /v1.2/items:get+post"]);
}

fn clouds_tell_their_resources(s: &mut Scene) {
    let client = s.deployment("client");
    let aws = json!([{"resource": "arn:aws:s3:::bucket", "actions": ["s3:GetObject"], "srcIp": client.ip,
        "iamRole": null, "client": null}]);
    s.sends_as_is("reportAWSOperation", aws, 1);
    s.edges(&["client/Deployment -> arn:aws:s3:::bucket [cloud] actions s3:getobject"]);
}

fn a_pod_calls_itself_through_its_service(s: &mut Scene) {
    let selfie = s.deployment("selfie");
    let service = s.service("selfie", &[&selfie]);
    s.tcp(&selfie.ip, &service.ip, 80);
    s.edges(&["selfie/Deployment -> selfie/Deployment via selfie :8080/tcp [tcp]"]);
}
