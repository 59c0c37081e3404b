//! The contract over HTTP: what lists say, and what reports may look like.

use e2e::kube::Proxy;
use e2e::mapper::Mapper;
use e2e::scene::{EDGE, Scene, play, set_up};
use e2e::time::from_now;
use serde_json::{Value, json};
use wire::document::{self, ReportKind};

fn labelled(labels: &Value) -> Value {
    json!({"metadata": {"labels": labels}})
}

/// Four clients, three servers and a neighbour.
fn town() -> [Scene; 2] {
    let mut s = Scene::new(170, "contract");
    let red = labelled(&json!({"team": "red", "app": "web"}));
    let web = s.deployment_with("web", &red, &json!({}));
    let db = s.deployment_with("db", &labelled(&json!({"tier": "db"})), &json!({}));
    let (agent, bare) = (s.daemon_set("agent"), s.pod("bare"));
    let broker = s.owned("kafka-0", "apps/v1", "StatefulSet", "kafka");
    let (at_db, at_web) = (s.service("db", &[&db]), s.service("web", &[&web]));
    let at_kafka = s.service("kafka", &[&broker]);
    // In no order.
    s.tcp(&bare.ip, &at_db.ip, 80);
    s.dns(&agent, &at_web.dns, "");
    s.dns(&web, &at_kafka.dns, "");
    s.dns(&agent, &at_db.dns, "");
    s.dns(&web, &at_db.dns, "");
    s.socket(&web, &at_db.ip, 80);
    let access = |topic: &str, operation: &str| {
        json!({"srcIp": web.ip, "serverPodName": "kafka-0", "serverNamespace": "contract", "topic": topic,
            "operation": operation, "lastSeen": "$at:0"})
    };
    let all = [
        ("z", "write"),
        ("a", "Write"),
        ("z", "read"),
        ("a", "DESCRIBE_CONFIGS"),
    ];
    let all = all.map(|(topic, operation)| access(topic, operation));
    s.sends_as_is("reportKafkaMapperResults", json!({ "results": all }), 4);
    s.edges(&[
        "agent/DaemonSet -> db/Deployment via db [dns]",
        "agent/DaemonSet -> web/Deployment via web [dns]",
        "bare/Pod -> db/Deployment via db :8080/tcp [tcp]",
        "web/Deployment -> db/Deployment via db :8080/tcp [dns,socket]",
        "web/Deployment -> kafka/StatefulSet via kafka [dns,kafka] topics a:produce+describe_configs,z:consume+produce",
        "contract-b/next/Pod -> db/Deployment via db [dns]",
    ]);
    let mut other = Scene::new(171, "contract-b");
    let next = other.pod("next");
    other.dns(&next, &at_db.dns, "");
    other.edges(&["next/Pod -> contract/db/Deployment via db [dns]"]);
    [s, other]
}

/// `client -> server TYPE` of rows.
fn pairs(rows: &Value) -> Vec<String> {
    let rows = rows.as_array().unwrap().iter();
    let name = |peer: &Value| peer["name"].as_str().unwrap().to_owned();
    rows.map(|row| {
        let kind = row["type"].as_str().unwrap_or_default();
        let text = format!(
            "{} -> {} {kind}",
            name(&row["client"]),
            name(&row["server"])
        );
        text.trim_end().to_owned()
    })
    .collect()
}

#[test]
#[ignore = "needs the testbed: ./dev test --only e2e"]
fn lists_are_sorted_and_filtered_as_documented() {
    let proxy = Proxy::start();
    let mapper = Mapper::ready("contract", &[]);
    let mut scenes = town();
    let before = from_now(-2);
    set_up(&proxy, &mapper, &mut scenes);
    play(&mapper, &scenes);
    intents(&mapper);
    service_intents(&mapper);
    beyond(&mapper, &before);
    reset(&mapper);
}

fn intents(mapper: &Mapper) {
    let ask = |variables: Value| mapper.query(document::INTENTS, &variables)["intents"].clone();
    let here = [
        "agent -> db",
        "agent -> web",
        "bare -> db",
        "web -> db",
        "web -> kafka",
        "web -> kafka KAFKA",
    ];
    let all = ask(json!({}));
    assert_eq!(pairs(&all), [&["next -> db"], &here[..]].concat());
    // A namespace is that of clients.
    let mine = ask(json!({"namespaces": ["contract"]}));
    assert_eq!(pairs(&mine), here);
    assert_eq!(
        pairs(&ask(json!({"namespaces": "contract-b"}))),
        ["next -> db"]
    );
    assert_eq!(pairs(&ask(json!({"namespaces": ["nowhere"]}))), [""; 0]);
    // All that is known of the clients of a server.
    let server =
        json!({"namespaces": ["contract"], "server": {"name": "web", "namespace": "contract"}});
    assert_eq!(pairs(&ask(server)), ["agent -> db", "agent -> web"]);
    let without = json!({"namespaces": ["contract"], "excludeLabels": ["tier=db"]});
    assert_eq!(
        pairs(&ask(without)),
        ["agent -> web", "web -> kafka", "web -> kafka KAFKA"]
    );
    let labels = |variables: Value| ask(variables)[4]["client"]["labels"].clone();
    let team = json!([{"key": "team", "value": "red"}]);
    let both = json!([{"key": "app", "value": "web"}, {"key": "team", "value": "red"}]);
    assert_eq!(labels(json!({"includeLabels": ["team"]})), team);
    assert_eq!(labels(json!({"includeAllLabels": true})), both);
    assert_eq!(labels(json!({})), json!([]));
    // What old clients read of a row.
    assert_eq!(
        mine[5],
        json!({
            "client": {"name": "web", "namespace": "contract", "labels": [], "kubernetesService": null,
                "podOwnerKind": {"group": "apps", "version": "v1", "kind": "Deployment"}},
            "server": {"name": "kafka", "namespace": "contract", "labels": [], "kubernetesService": "kafka",
                "podOwnerKind": {"group": "apps", "version": "v1", "kind": "StatefulSet"}},
            "type": "KAFKA",
            "kafkaTopics": [
                {"name": "a", "operations": ["PRODUCE", "DESCRIBE_CONFIGS"]},
                {"name": "z", "operations": ["CONSUME", "PRODUCE"]},
            ],
            "httpResources": null,
        })
    );
    let kind = json!({"group": null, "version": "v1", "kind": "Pod"});
    assert_eq!(mine[2]["client"]["podOwnerKind"], kind);
    let how = mapper.query("{ intents { resolutionData } }", &json!({}));
    let how = how["intents"].as_array().unwrap().iter();
    let how: Vec<&str> = how
        .map(|row| row["resolutionData"].as_str().unwrap())
        .collect();
    assert_eq!(
        how,
        [
            "handleDNSCaptureResultsAsKubernetesPods",
            "handleDNSCaptureResultsAsKubernetesPods",
            "handleDNSCaptureResultsAsKubernetesPods",
            "handleInternalTrafficTCPResult",
            "addSocketScanServiceIntent",
            "handleDNSCaptureResultsAsKubernetesPods",
            "handleReportKafkaMapperResults",
        ]
    );
}

fn service_intents(mapper: &Mapper) {
    let found = mapper.query(
        document::SERVICE_INTENTS_WITH_LABELS,
        &json!({"namespaces": ["contract"], "includeLabels": ["tier"]}),
    );
    let found = found["serviceIntents"].as_array().unwrap();
    let text: Vec<String> = found
        .iter()
        .map(|row| {
            let servers = row["intents"].as_array().unwrap().iter();
            let servers: Vec<&str> = servers.map(|s| s["name"].as_str().unwrap()).collect();
            format!(
                "{}: {}",
                row["client"]["name"].as_str().unwrap(),
                servers.join(" ")
            )
        })
        .collect();
    assert_eq!(text, ["agent: db web", "bare: db", "web: db kafka"]);
    let tier = json!([{"key": "tier", "value": "db"}]);
    assert_eq!(found[0]["intents"][0]["labels"], tier);
    let old = mapper.query(document::SERVICE_INTENTS_UP_TO_MAPPER_V017, &json!({}));
    assert_eq!(old["serviceIntents"].as_array().unwrap().len(), 4);
}

/// What the replaced mapper did not have.
fn beyond(mapper: &Mapper, before: &str) {
    let count = |arguments: &str| {
        let document = format!("{{ edges({arguments}) {{ {EDGE} }} }}");
        mapper.query(&document, &json!({}))["edges"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!(count("external: false"), 6);
    assert_eq!(count("limit: 2"), 2);
    assert_eq!(count("limit: 0"), 0);
    assert_eq!(count("evidence: [TCP, SOCKET]"), 2);
    assert_eq!(count("evidence: KAFKA, namespaces: \"contract\""), 1);
    let soon = from_now(400);
    assert_eq!(count(&format!("since: \"{soon}\"")), 0);
    assert_eq!(count("until: \"2026-01-01T00:00:00+02:00\""), 0);
    assert_eq!(count(&format!("since: \"{before}\", until: \"{soon}\"")), 6);
    let changes =
        format!("{{ changes(since: \"{before}\") {{ kind edge {{ client {{ name }} }} }} }}");
    let changes = mapper.query(&changes, &json!({}));
    let changes = changes["changes"].as_array().unwrap();
    assert_eq!(changes.len(), 6, "{changes:?}");
    assert!(changes.iter().all(|change| change["kind"] == "ADDED"));
    // Numbers may be text where they are variables, never in a document.
    let few = "query($few: Int) { edges(limit: $few) { connections } }";
    let few = mapper.query(few, &json!({"few": "3"}));
    assert_eq!(few["edges"].as_array().unwrap().len(), 3);
    let text = mapper.ask("{ edges(limit: \"3\") { connections } }", &json!({}));
    assert_eq!(text.status, 422, "{}", text.text());
    for wrong in [
        format!("{{ changes(since: \"{soon}\", until: \"{before}\") {{ kind }} }}"),
        "{ edges(limit: -1) { connections } }".to_owned(),
    ] {
        let answer = mapper.ask(&wrong, &json!({}));
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert!(answer.json()["errors"][0]["message"].is_string());
    }
    let ends = mapper.query("{ edges { firstSeen lastSeen connections } }", &json!({}));
    for edge in ends["edges"].as_array().unwrap() {
        assert!(
            edge["firstSeen"].as_str() <= edge["lastSeen"].as_str(),
            "{edge}"
        );
        assert!(edge["firstSeen"].as_str() >= Some(before), "{edge}");
    }
}

fn reset(mapper: &Mapper) {
    let late = from_now(-1);
    let reset = mapper.query(document::RESET_CAPTURE, &json!({}));
    assert_eq!(reset["resetCapture"], true);
    let nothing = mapper.query(document::INTENTS, &json!({}));
    assert_eq!(nothing["intents"], json!([]));
    // A report from before the reset brings nothing back.
    let destination = json!({"destination": "db.contract.svc.cluster.local", "lastSeen": late});
    let source = json!({"srcIp": "10.150.170.4", "srcHostname": "", "destinations": [destination]});
    let taken = mapper.metrics().taken();
    mapper.report("reportCaptureResults", &json!({"results": [source]}));
    let metrics = mapper.wait_ends(taken + 1, 0, std::time::Duration::from_secs(20));
    assert_eq!(metrics.dropped().get("below_floor"), Some(&1));
}

/// Every report, empty or with one item that names nobody.
fn reports() -> [(ReportKind, Value); 10] {
    let source = json!({"srcIp": "10.9.9.9", "srcHostname": "", "destinations": [
        {"destination": "10.9.9.8", "destinationIP": null, "destinationPort": null, "TTL": null,
         "lastSeen": "2026-11-25T12:00:00.123456789+02:00", "srcPorts": []}]});
    let captured = json!({ "results": [source] });
    let kafka = json!({"results": [{"srcIp": "10.9.9.9", "serverPodName": "a", "serverNamespace": "b", "topic": "c",
        "operation": "Read", "lastSeen": "2026-11-25T12:00:00Z"}]});
    let istio = json!({"results": [{"srcWorkload": "a", "srcWorkloadNamespace": "b", "dstWorkload": "c",
        "dstServiceName": "d", "dstWorkloadNamespace": "e", "path": "/", "methods": ["GET", "ALL"],
        "lastSeen": "2026-11-25T12:00:00Z"}]});
    let aws = json!([{"resource": "r", "actions": ["a"], "srcIp": null, "iamRole": null, "client": null}]);
    let gcp = json!([{"resource": "r", "permissions": ["a"], "srcIp": "10.9.9.9", "client": null}]);
    let azure = json!([{"scope": "s", "actions": [], "dataActions": [], "clientName": "a", "clientNamespace": "b"}]);
    let traffic = json!({"results": [{"srcIP": "10.9.9.9", "dstIP": "10.9.9.8",
        "bytesSent": 9_007_199_254_740_993_i64, "flows": "12"}]});
    let coverage = json!({"nodeName": "n", "reporterId": "r", "at": "2026-11-25T12:00:00Z",
        "seen": [{"reason": "dns", "count": "9223372036854775807"}], "dropped": [], "spooled": 0, "rights": ["NET_RAW"],
        "lastScan": null, "version": "0.1.0"});
    [
        (ReportKind::Captures, captured.clone()),
        (ReportKind::TcpCaptures, captured.clone()),
        (ReportKind::SocketScans, captured),
        (ReportKind::Kafka, kafka),
        (ReportKind::Istio, istio),
        (ReportKind::Aws, aws),
        (ReportKind::Azure, azure),
        (ReportKind::Gcp, gcp),
        (ReportKind::Traffic, traffic),
        (ReportKind::Coverage, coverage),
    ]
}

#[test]
#[ignore = "needs the testbed: ./dev test --only e2e"]
fn reports_are_taken_however_clients_write_them() {
    let mapper = Mapper::ready("documents", &[]);
    for (kind, argument) in reports() {
        let written = kind.document();
        let words = written.split_whitespace().collect::<Vec<_>>().join(" ");
        let variants = [
            words.replace(" (", "("),
            written.replace('\n', "\r\n"),
            format!("# a comment\n{written}"),
            words.replace(&format!("mutation {}", kind.field()), "mutation"),
            words.replace(&format!("mutation {}", kind.field()), "mutation Another"),
            written.replace(&format!("${}", kind.argument()), "$other"),
            words.clone(),
            written.to_owned(),
        ];
        for (number, document) in variants.iter().enumerate() {
            let name = if number == 5 {
                "other"
            } else {
                kind.argument()
            };
            let answer = mapper.ask(document, &json!({ name: argument }));
            let wanted = json!({"data": {kind.field(): true}});
            assert_eq!(answer.json(), wanted, "{document}\n{argument}");
        }
        let named = json!({"query": written, "operationName": kind.field(), "variables": {kind.argument(): argument},
            "extensions": null});
        assert_eq!(
            mapper.post(named.to_string().as_bytes()).status,
            200,
            "{named}"
        );
        let other = json!({"query": written, "operationName": "Other", "variables": {kind.argument(): argument}});
        assert_eq!(
            mapper.post(other.to_string().as_bytes()).status,
            422,
            "{other}"
        );
        refuses(&mapper, kind, &argument);
    }
    let metrics = mapper.wait_ends(8 * 9, 0, std::time::Duration::from_secs(45));
    assert_eq!(metrics.resolved() + metrics.attempts(), 0);
    let coverage = mapper.query(
        "{ coverage { nodeName at seen { reason count } rights lastScan } }",
        &json!({}),
    );
    assert_eq!(
        coverage["coverage"],
        json!([{"nodeName": "n", "at": "2026-11-25T12:00:00Z", "rights": ["NET_RAW"], "lastScan": null,
            "seen": [{"reason": "dns", "count": i64::MAX}]}])
    );
}

/// What is not in the contract is refused whole, with the status at which old clients fall back.
fn refuses(mapper: &Mapper, kind: ReportKind, argument: &Value) {
    let status = |argument: &Value| {
        let variables = json!({ kind.argument(): argument });
        mapper.ask(kind.document(), &variables).status
    };
    assert_eq!(status(&json!(null)), 422, "{kind:?}");
    assert_eq!(status(&json!("text")), 422, "{kind:?}");
    let text = argument.to_string();
    let broken = [
        ("\"lastSeen\":\"", "\"lastSeen\":\"yesterday "),
        ("\"srcIp\":\"", "\"sourceIp\":\""),
        ("\"GET\"", "\"HEAD\""),
        ("\"TTL\":null", "\"TTL\":1.5"),
        ("\"flows\":\"12\"", "\"flows\":\"many\""),
        ("\"resource\":", "\"unknown\":1,\"resource\":"),
        ("\"scope\":\"s\",", ""),
        ("\"count\":\"9", "\"count\":\"99"),
    ];
    for (from, to) in broken {
        let changed = text.replace(from, to);
        if changed != text {
            let changed: Value = serde_json::from_str(&changed).unwrap();
            assert_eq!(status(&changed), 422, "{changed}");
        }
    }
}

#[test]
#[ignore = "needs the testbed: ./dev test --only e2e"]
fn volumes_add_up_and_times_are_held_to_their_receipt() {
    let proxy = Proxy::start();
    let mapper = Mapper::ready("volumes", &[]);
    let mut scene = Scene::new(172, "volumes");
    let (client, server) = (scene.deployment("client"), scene.deployment("server"));
    let level = json!({"srcIP": client.ip, "dstIP": server.ip, "bytesSent": "9007199254740993", "flows": 2});
    let future = json!({"destination": server.ip, "destinationIP": server.ip, "destinationPort": 8080,
        "lastSeen": "2099-01-01T00:00:00Z"});
    let uid = format!("$uid:{}", client.name);
    scene.sends(
        "reportTCPCaptureResults",
        json!({"srcIp": client.ip, "srcPodUid": uid, "destinations": [future]}),
    );
    scene.edges(&["client/Deployment -> server/Deployment :8080/tcp [tcp]"]);
    let mut scenes = [scene];
    set_up(&proxy, &mapper, &mut scenes);
    let metrics = play(&mapper, &scenes);
    assert_eq!(metrics.get("portolan_mapper_clamped_times_total"), 1);
    let latest = from_now(6);
    let edges = mapper.query("{ edges { lastSeen } }", &json!({}));
    let seen = edges["edges"][0]["lastSeen"].as_str().unwrap();
    assert!(
        seen < latest.as_str() && seen > from_now(-60).as_str(),
        "{seen}"
    );
    let levels = json!({"results": [level, level]});
    mapper.report("reportTrafficLevelResults", &levels);
    let found = mapper.query(
        "{ trafficLevels(namespaces: \"volumes\") { client { name } server { name ownerKind } bytesSent flows } }",
        &json!({}),
    );
    assert_eq!(
        found["trafficLevels"],
        json!([{"client": {"name": "client"}, "server": {"name": "server", "ownerKind": "Deployment"},
            "bytesSent": 18_014_398_509_481_986_i64, "flows": 4}])
    );
}
