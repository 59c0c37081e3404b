//! Who uses which topic: real brokers with real users, whose logs the built watcher follows through the API server's log
//! API and as files, to what the built mapper's map shows.

use std::collections::BTreeSet;
use std::process::Command;
use std::time::Duration;

use e2e::bed;
use e2e::kafka::{Broker, User, Watcher};
use e2e::kube::{Kube, Proxy, path};
use e2e::mapper::Mapper;
use e2e::node::{self, Node};
use e2e::scene::{self, Pod, Scene};
use e2e::time::wait;
use serde_json::{Value, json};

/// Long enough for a line to become an edge (a fact without a pod's UID waits until the watch is past it), on a busy
/// machine.
const SOON: Duration = Duration::from_secs(40);

/// Kinds of brokers, and their `StatefulSet`s.
const BROKERS: [(&str, &str); 3] = [
    ("kraft-4.1", "kafka"),
    ("kraft-3.9", "kafka-kraft"),
    ("zk-3.9", "kafka-zk"),
];

const CLIENTS: &str = "otterize-tutorial-kafka-mapping";

/// A pod of a `StatefulSet` on a node of KWOK, which serves its container's log.
fn broker_pod(scene: &mut Scene, name: &str) -> Pod {
    let mut object = scene::owned_by("apps/v1", "StatefulSet", name);
    let more = json!({
        "metadata": {"labels": {"app": name}},
        "spec": {
            "nodeName": "fake-0",
            "containers": [
                {"name": "exporter", "image": "registry.example/exporter:1"},
                {"name": "kafka", "image": "registry.example/kafka:1"},
            ],
        },
    });
    scene::merge(&mut object, &more);
    let status = json!({"containerStatuses": [started("exporter", 0), started("kafka", 0)]});
    scene.pod_with(&format!("{name}-0"), &object, &status)
}

fn started(name: &str, restarts: u32) -> Value {
    json!({
        "name": name, "image": "i", "imageID": "i", "ready": true, "started": true, "restartCount": restarts,
        "state": {"running": {"startedAt": e2e::time::whole_from_now(-600)}},
    })
}

fn was_restarted(kube: &mut Kube, pod: &str, restarts: u32) {
    let containers = json!([started("exporter", 0), started("kafka", restarts)]);
    kube.set_status(
        "kafka",
        "pods",
        pod,
        &json!({"containerStatuses": containers}),
    );
}

/// Edges or attempts of the clients; who makes topics, and brokers that ask each other, are left out.
fn told(mapper: &Mapper, field: &str) -> BTreeSet<String> {
    let all = scene::all(mapper, field);
    let texts = all.iter().map(|edge| scene::render(edge, CLIENTS));
    texts
        .filter(|text| text.starts_with("client") || text.starts_with("mallory"))
        .collect()
}

struct Town {
    brokers: Vec<Broker>,
    admin: User,
    client: User,
    client_2: User,
    mallory: User,
    edges: BTreeSet<String>,
    /// Topics of both clients at all brokers.
    topics: Vec<&'static str>,
}

impl Town {
    /// As the tutorial's two clients, at all brokers; in the tutorial nobody is denied, here one is.
    fn use_topic(&mut self, topic: &'static str) {
        for number in 0..self.brokers.len() {
            self.use_at(number, topic);
        }
        self.topics.push(topic);
    }

    fn make_topics(&mut self, topics: &[&str]) {
        for broker in &self.brokers {
            let at = broker.address();
            self.admin
                .does(&format!("topics {at} {}", topics.join(" ")));
            for rule in [
                "client READ GROUP my-group",
                "client DESCRIBE TOPIC trans*",
                "client-2 DESCRIBE TOPIC trans*",
            ] {
                self.admin.does(&format!("allow {at} {rule}"));
            }
            for topic in topics.iter().filter(|topic| !topic.starts_with("trans")) {
                self.admin
                    .does(&format!("allow {at} client READ TOPIC {topic}"));
                self.admin
                    .does(&format!("allow {at} client-2 WRITE TOPIC {topic}"));
            }
        }
    }

    fn use_at(&mut self, number: usize, topic: &str) {
        let at = self.brokers[number].address();
        for user in [&mut self.client, &mut self.client_2] {
            user.does(&format!("look {at} transactions"));
        }
        self.client_2.does(&format!("produce {at} {topic} 3"));
        self.client
            .does(&format!("consume {at} {topic} my-group 3"));
        let denied = self.mallory.tries(&format!("produce {at} {topic} 1"));
        assert!(denied.contains("TopicAuthorizationException"), "{denied}");
    }

    /// Both maps hold what was done, and nothing else.
    fn wait(&mut self, mappers: &[&Mapper]) {
        let topics = |each: &str, also: &str| {
            let mut all: Vec<String> = self
                .topics
                .iter()
                .map(|topic| format!("{topic}:{each}"))
                .collect();
            if !also.is_empty() {
                all.push(format!("transactions:{also}"));
            }
            all.sort();
            all.join(",")
        };
        self.edges.clear();
        let mut attempts = BTreeSet::new();
        for (_, name) in BROKERS {
            let to = format!("-> kafka/{name}/StatefulSet [kafka] topics");
            self.edges.extend([
                format!(
                    "client/Deployment {to} {}",
                    topics("consume+describe", "describe")
                ),
                format!(
                    "client-2/Deployment {to} {}",
                    topics("produce+describe", "describe")
                ),
            ]);
            attempts.insert(format!(
                "mallory/Deployment {to} {} refused",
                topics("describe", "")
            ));
        }
        for (number, mapper) in mappers.iter().enumerate() {
            let done = wait(SOON, || {
                let found = (told(mapper, "edges"), told(mapper, "attempts"));
                (found == (self.edges.clone(), attempts.clone())).then_some(())
            });
            assert!(
                done.is_some(),
                "mapper {number}\nwanted: {:#?} {attempts:#?}\nfound: {:#?} {:#?}\nrefused: {:?}",
                self.edges,
                told(mapper, "edges"),
                told(mapper, "attempts"),
                mapper.metrics().dropped(),
            );
        }
    }
}

fn export(mapper: &Mapper, arguments: &[&str]) -> String {
    let program = std::env::var_os("PORTOLAN_CLI")
        .map_or_else(|| bed::root().join("target/debug/portolan"), Into::into);
    let url = format!("http://{}", mapper.address);
    let mut command = Command::new(program);
    let done = command
        .args(["export", "--mapper-url", &url])
        .args(arguments)
        .output()
        .unwrap();
    assert!(done.status.success(), "{done:?}");
    String::from_utf8(done.stdout).unwrap()
}

#[test]
#[ignore = "needs the testbed and root: ./dev test --only e2e"]
#[allow(
    clippy::too_many_lines,
    reason = "brokers are started once, and what is done to them is a story"
)]
fn kafka_topics_of_real_brokers_come_to_the_map() {
    if !node::is_allowed() {
        return;
    }
    let mut scenes = [Scene::new(131, "kafka"), Scene::new(132, CLIENTS)];
    let pods = BROKERS.map(|(_, name)| broker_pod(&mut scenes[0], name));
    // IPv6 addresses are made of the node's number and the last part: those of the brokers are taken.
    for _ in BROKERS {
        scenes[1].address();
    }
    let clients = ["client", "client-2", "mallory", "admin"].map(|name| scenes[1].deployment(name));
    let proxy = Proxy::start();
    let mut kube = proxy.client();
    let through_api = Mapper::ready("kafka-api", &["--access", "open"]);
    let mut from_files = Mapper::ready("kafka-files", &["--access", "open"]);
    scene::set_up(&proxy, &through_api, &mut scenes);
    let mut node = Node::new(131);
    let nets = [0, 1, 2].map(|number| {
        let pod: &Pod = &pods[number];
        node.pod(pod, scenes[0].uid(&pod.name))
    });
    let homes = [0, 1, 2, 3].map(|number| {
        let pod: &Pod = &clients[number];
        node.pod(pod, scenes[1].uid(&pod.name))
    });

    // All at once; with ZooKeeper it takes longest.
    let kinds = BROKERS.iter().zip(pods.iter().zip(&nets));
    let brokers: Vec<Broker> = kinds
        .map(|((kind, _), (pod, net))| Broker::start(kind, &pod.name, net))
        .collect();
    let [client, client_2, mallory, admin] = ["client", "client-2", "mallory", "admin"];
    let mut town = Town {
        client: User::start(client, &homes[0]),
        client_2: User::start(client_2, &homes[1]),
        mallory: User::start(mallory, &homes[2]),
        admin: User::start(admin, &homes[3]),
        brokers,
        edges: BTreeSet::new(),
        topics: Vec::new(),
    };
    let api = through_api.address;
    let by_api = [
        "--kafka-servers=kafka-0.kafka kafka-zk-0.kafka kafka-9.kafka",
        "--kafka-selectors=kafka/app=kafka-kraft",
        "--kafka-container=kafka",
        "--cursor-namespace=kafka",
    ];
    let mut watcher = Watcher::start("api", api, &by_api);
    let of_files: Vec<Watcher> = town
        .brokers
        .iter()
        .map(|broker| {
            let file = format!("--kafka-authz-log-path={}", broker.log.own().display());
            let pod = format!("--pod={}", broker.pod);
            let all = [
                "--kafka-log-read-mode=file-logs",
                &file,
                &pod,
                "--namespace=kafka",
            ];
            Watcher::start(&format!("file-{}", broker.pod), from_files.address, &all)
        })
        .collect();
    for broker in &town.brokers {
        broker.wait();
    }
    town.make_topics(&["transactions", "mytopic"]);

    town.use_topic("mytopic");
    let mappers = [&through_api, &from_files];
    town.wait(&mappers);
    for mapper in mappers {
        let shown = export(mapper, &["-o", "list", "--attempts"]);
        assert_eq!(shown, include_str!("kafka/tutorial.list"));
        let shown = export(mapper, &["-o", "clientintents"]);
        assert_eq!(shown, include_str!("kafka/tutorial.yaml"));
    }

    town.make_topics(&["rotated", "away", "before", "after", "again"]);
    // Both ways of rotation, in the middle.
    for (number, broker) in town.brokers.iter().enumerate() {
        broker.log.rotate(number == 0);
    }
    town.use_topic("rotated");
    town.wait(&mappers);

    // Killed, and started again: it goes on from where the mapper had taken everything.
    let kept = wait(SOON, || {
        (watcher.metrics().get("portolan_kafka_cursor_writes_total") > 0).then_some(())
    });
    assert!(kept.is_some(), "no cursor");
    watcher.signal("KILL");
    watcher.wait_end(SOON);
    town.use_topic("away");
    watcher = Watcher::start("api", api, &by_api);
    town.wait(&mappers);
    let found = wait(SOON, || {
        (watcher.metrics().get("portolan_kafka_lines_again_total") > 0).then_some(())
    });
    assert!(
        found.is_some(),
        "nothing came again: it did not go on from the last second"
    );
    assert!(
        watcher
            .log()
            .contains("it is known how far logs were read before")
    );

    // A broker that is started again while nobody watches: what it said before is in the log of the container before.
    watcher.signal("TERM");
    let (status, took) = watcher.wait_end(Duration::from_secs(10)).unwrap();
    assert!(
        status.success() && took < Duration::from_secs(5),
        "{status} {took:?}"
    );
    town.use_topic("before");
    town.brokers[0].restart();
    was_restarted(&mut kube, "kafka-0", 1);
    town.brokers[0].wait();
    watcher = Watcher::start("api", api, &by_api);
    town.use_topic("after");
    town.wait(&mappers);

    // And one while the watcher follows it.
    town.brokers[1].restart();
    was_restarted(&mut kube, "kafka-kraft-0", 1);
    town.brokers[1].wait();
    town.use_topic("again");
    town.wait(&mappers);

    let metrics = watcher.metrics();
    assert_eq!(
        metrics.labelled("portolan_kafka_gaps_total").len(),
        0,
        "{metrics:?}"
    );
    let left_out = metrics.labelled("portolan_kafka_lines_left_out_total");
    for unusable in [
        "incomplete",
        "no_address",
        "unknown_operation",
        "bad_topic",
        "table_full",
    ] {
        assert_eq!(left_out.get(unusable), None, "{left_out:?}");
    }
    for told in ["foreign", "other_resource"] {
        assert!(left_out[told] > 0, "{left_out:?}");
    }
    let sum: u64 = left_out.values().sum();
    let accesses = metrics.get("portolan_kafka_accesses_total");
    assert_eq!(
        metrics.get("portolan_kafka_lines_total"),
        accesses + sum,
        "{metrics:?}"
    );
    assert!(metrics.get("kafka_reported_topics") > 0 && metrics.get("portolan_kafka_brokers") == 3);
    let covers = through_api.query("{ coverage { nodeName role rights } }", &json!({}));
    let own = json!({"nodeName": "", "role": "kafka-watcher", "rights": ["pod-logs"]});
    assert!(
        covers["coverage"].as_array().unwrap().contains(&own),
        "{covers}"
    );

    // A mapper that is away is no reason to restart who follows logs.
    from_files.signal("KILL");
    from_files.wait_end(SOON);
    std::thread::sleep(Duration::from_secs(2));
    for watcher in &of_files {
        assert_eq!(
            watcher.probe("/healthz").map(|answer| answer.status),
            Some(200)
        );
        assert_eq!(
            watcher.probe("/readyz").map(|answer| answer.status),
            Some(200)
        );
    }
    let name = path("kafka", "configmaps", "portolan-kafka-watcher");
    let kept = kube.send("GET", &name, &json!({})).json();
    assert!(
        kept["data"]["logs"]
            .as_str()
            .unwrap()
            .contains("kafka/kafka-zk-0/kafka")
    );
}
