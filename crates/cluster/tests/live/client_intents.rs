//! ClientIntents: not there, there in some version, not shown, gone from the history.

use std::time::Duration;

use cluster::live::{IntentsUpdate, Live, Settings, Task, client};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::quick;
use super::server::{Ask, Reply, Server, list, status};

const GROUP: &str = "/apis/k8s.otterize.com";
const ALPHA: &str = "/apis/k8s.otterize.com/v2alpha1/clientintents";
const BETA: &str = "/apis/k8s.otterize.com/v2beta1/clientintents";

fn group(versions: &[&str]) -> Value {
    let version = |name: &&str| json!({ "groupVersion": format!("k8s.otterize.com/{name}"), "version": name });
    json!({ "kind": "APIGroup", "versions": versions.iter().map(version).collect::<Vec<_>>() })
}

fn intents(name: &str, version: u64) -> Value {
    json!({
        "metadata": { "namespace": "shop", "name": name, "resourceVersion": version.to_string() },
        "spec": { "targets": [{ "internet": { "domains": ["a.org"] } }] },
    })
}

struct Following {
    updates: mpsc::Receiver<IntentsUpdate>,
    _tasks: JoinSet<()>,
}

fn follow(server: &Server) -> Following {
    let config = kube::Config::new(format!("http://{}", server.address).parse().unwrap());
    let settings = Settings {
        look_again: Duration::from_millis(20),
        ..quick()
    };
    let kube = client(config).unwrap();
    let (unused, _) = mpsc::channel(1);
    let live = Live::new(kube.clone(), &settings, &unused);
    let (sender, updates) = mpsc::channel(4);
    let (_writer, task): (_, Task) = live.client_intents(kube, &settings, sender);
    let mut tasks = JoinSet::new();
    tasks.spawn(task.until(std::future::pending()));
    Following {
        updates,
        _tasks: tasks,
    }
}

impl Following {
    /// The next so many updates, in words: `+name`, `-name`, `=N version`, `absent`.
    async fn next(&mut self, count: usize) -> Vec<String> {
        let mut told = Vec::new();
        while told.len() < count {
            let update = timeout(Duration::from_secs(10), self.updates.recv());
            let update = update.await.unwrap_or_else(|_| panic!("after {told:?}"));
            told.push(match update.unwrap() {
                IntentsUpdate::Applied(intents) => format!("+{}", intents.key.name),
                IntentsUpdate::Deleted(key) => format!("-{}", key.name),
                IntentsUpdate::Listed { version, present } => {
                    format!("={} {version}", present.len())
                }
                IntentsUpdate::Absent => "absent".to_owned(),
            });
        }
        told
    }
}

async fn served(versions: &[&str], ask: &Ask, mut reply: Reply) -> Reply {
    match ask.path.as_str() {
        GROUP => reply.json(200, &group(versions)).await,
        _ => reply.usual(ask).await,
    }
    reply
}

#[tokio::test]
async fn where_there_are_none_it_is_looked_again_until_they_come() {
    let server = Server::start(|ask, mut reply| async move {
        match (ask.path.as_str(), ask.before) {
            // Other resources of the group are served in the older version.
            (GROUP | BETA, 0) | (ALPHA, _) => reply.json(404, &status(404, "NotFound")).await,
            (GROUP, _) => reply.json(200, &group(&["v2beta1", "v2alpha1"])).await,
            (BETA, _) if !ask.is_watch() => {
                reply.json(200, &list("10", &[intents("web", 5)])).await;
            }
            _ => reply.usual(&ask).await,
        }
        reply
    })
    .await;
    let told = follow(&server).next(4).await;
    assert_eq!(told, ["absent", "absent", "+web", "=1 v2beta1"]);
}

#[tokio::test]
async fn the_stored_version_counts_where_several_are_served_and_unknown_ones_do_not() {
    let server = Server::start(|ask, reply| async move {
        served(&["v3", "v2beta1", "v2alpha1", "v1alpha3"], &ask, reply).await
    })
    .await;
    assert_eq!(follow(&server).next(1).await, ["=0 v2alpha1"]);
    let server =
        Server::start(|ask, reply| async move { served(&["v3"], &ask, reply).await }).await;
    assert_eq!(follow(&server).next(1).await, ["absent"]);
}

#[tokio::test]
async fn what_is_not_shown_is_asked_for_again() {
    let server = Server::start(|ask, mut reply| async move {
        match (ask.path.as_str(), ask.before) {
            (ALPHA, 0) if !ask.is_watch() => reply.json(403, &status(403, "Forbidden")).await,
            _ => return served(&["v2alpha1"], &ask, reply).await,
        }
        reply
    })
    .await;
    assert_eq!(follow(&server).next(2).await, ["absent", "=0 v2alpha1"]);
}

#[tokio::test]
async fn a_watch_goes_on_past_what_cannot_be_read_and_is_listed_again_when_its_history_is_gone() {
    let server = Server::start(|ask, mut reply| async move {
        let odd = json!({ "metadata": { "namespace": "shop", "name": "odd", "resourceVersion": "12" }, "spec": 3 });
        match (ask.path.as_str(), ask.is_watch(), ask.before) {
            (ALPHA, false, 0) => {
                let items = [intents("a", 5), odd, intents("b", 6)];
                reply.json(200, &list("10", &items)).await;
            }
            (ALPHA, true, 0) => {
                assert_eq!(ask.get("resourceVersion"), "10");
                reply.start().await;
                reply.event("MODIFIED", &intents("a", 11)).await;
                reply.event("ADDED", &odd).await;
                reply.event("DELETED", &intents("b", 13)).await;
                reply.cut().await;
            }
            (ALPHA, true, 1) => {
                assert_eq!(ask.get("resourceVersion"), "13");
                reply.start().await;
                reply.event("ERROR", &status(410, "Expired")).await;
                reply.end().await;
            }
            (ALPHA, false, _) => reply.json(200, &list("20", &[intents("c", 15)])).await,
            _ => return served(&["v2alpha1"], &ask, reply).await,
        }
        reply
    })
    .await;
    let told = follow(&server).next(7).await;
    let expected = ["+a", "+b", "=3 v2alpha1", "+a", "-b", "+c", "=1 v2alpha1"];
    assert_eq!(told, expected);
}
