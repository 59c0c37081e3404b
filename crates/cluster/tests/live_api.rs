//! The live watch against a real API server, such as that of `./dev testbed up`.
//!
//! ```console
//! $ ./dev testbed up && eval "$(./dev testbed env)" && ./dev testbed nodes 2
//! $ PORTOLAN_TESTBED=1 cargo test --workspace --test live_api -- --ignored --nocapture --test-threads 1
//! ```
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a test may fail loudly, in its helpers too, and is the rim where the clock is read"
)]

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cluster::live::{
    Client, Clock, Counters, KINDS, Live, Lookups, Settings, Synced, Verb, connect,
};
use cluster::{Event, Kind, OwnerKey, Update};
use http::{Method, Request};
use map::Time;
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

const NAMESPACE: &str = "live-api-test";

fn now() -> Time {
    Time::EPOCH.plus(SystemTime::now().duration_since(UNIX_EPOCH).unwrap())
}

/// A running watch.
struct Bed {
    client: Client,
    updates: mpsc::Receiver<Update>,
    lookups: Lookups,
    counters: Arc<Counters>,
    tasks: JoinSet<()>,
}

async fn bed(name: &str) -> Option<Bed> {
    if std::env::var_os("PORTOLAN_TESTBED").is_none() {
        println!(
            "{name} skipped: PORTOLAN_TESTBED is not set, so $KUBECONFIG may be anybody's cluster"
        );
        return None;
    }
    let client = connect().await.unwrap();
    let (sender, updates) = mpsc::channel(1024);
    let live = Live::new(client.clone(), &Settings::new(Clock::new(now)), &sender);
    let mut tasks = JoinSet::new();
    for task in live.tasks {
        tasks.spawn(task.until(std::future::pending()));
    }
    Some(Bed {
        client,
        updates,
        lookups: live.lookups,
        counters: live.counters,
        tasks,
    })
}

impl Bed {
    /// The next update of which `pick` makes something, within 30 s.
    async fn wait<T>(&mut self, what: &str, mut pick: impl FnMut(Update) -> Option<T>) -> T {
        let found = async {
            loop {
                if let Some(found) = pick(self.updates.recv().await.unwrap()) {
                    return found;
                }
            }
        };
        let found = timeout(Duration::from_secs(30), found).await;
        found.unwrap_or_else(|_| panic!("no {what} within 30 s"))
    }

    async fn synced(&mut self) {
        let mut synced = Synced::default();
        self.wait("complete lists", |update| {
            if let Update::Listed { kind, .. } = update {
                synced.listed(kind);
            }
            synced.is_complete().then_some(())
        })
        .await;
    }

    async fn send(&self, method: Method, path: &str, body: Value) -> Result<Value, kube::Error> {
        send(&self.client, method, path, body).await
    }

    async fn create(&self, path: &str, object: Value) {
        match self.send(Method::POST, path, object).await {
            Ok(_) => {}
            Err(kube::Error::Api(status)) if status.code == 409 => {}
            Err(error) => panic!("{path}: {error}"),
        }
    }

    async fn delete(&self, path: &str) {
        let _ = self
            .send(Method::DELETE, path, json!({"gracePeriodSeconds": 0}))
            .await;
    }

    async fn namespace(&self) {
        self.create(
            "/api/v1/namespaces",
            json!({"metadata": {"name": NAMESPACE}}),
        )
        .await;
        let account = format!("/api/v1/namespaces/{NAMESPACE}/serviceaccounts");
        self.create(&account, json!({"metadata": {"name": "default"}}))
            .await;
    }
}

async fn send(
    client: &Client,
    method: Method,
    path: &str,
    body: Value,
) -> Result<Value, kube::Error> {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("content-type", "application/json")
        .body(serde_json::to_vec(&body).unwrap())
        .unwrap();
    client.request(request).await
}

fn pods(name: &str) -> String {
    format!("/api/v1/namespaces/{NAMESPACE}/pods{name}")
}

fn pod(name: &str) -> Value {
    json!({
        "metadata": {"name": name},
        "spec": {"nodeName": "fake-0", "containers": [{"name": "a", "image": "registry.example/a"}]},
    })
}

/// `named` finds the name in an object's debug form: the fields are the crate's own.
fn named(update: &Update, name: &str) -> Option<(bool, String)> {
    let Update::Event(event) = update else {
        return None;
    };
    let (object, gone) = match event {
        Event::Applied(object) => (object, false),
        Event::Deleted(object) => (object, true),
    };
    let text = format!("{object:?}");
    text.contains(&format!("name: \"{name}\""))
        .then_some((gone, text))
}

/// User and system time of this process so far.
fn cpu() -> Duration {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<_> = text
        .rsplit(')')
        .next()
        .unwrap()
        .split_whitespace()
        .collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    Duration::from_millis(ticks * 10)
}

#[tokio::test]
#[ignore = "needs a real API server"]
async fn all_kinds_are_listed_and_pods_come_and_go() {
    let Some(mut bed) = bed("all_kinds_are_listed_and_pods_come_and_go").await else {
        return;
    };
    bed.namespace().await;
    bed.synced().await;
    bed.delete(&pods("/comes")).await;
    let begun = Instant::now();
    bed.create(&pods(""), pod("comes")).await;
    let (_, text) = bed
        .wait("pod", |update| {
            named(&update, "comes").filter(|(gone, _)| !gone)
        })
        .await;
    println!("a new pod was told after {:?}", begun.elapsed());
    assert!(
        text.contains("kind: \"Pod\"") && text.contains("api_version: \"v1\""),
        "{text}"
    );
    bed.delete(&pods("/comes")).await;
    bed.wait("deletion", |update| {
        named(&update, "comes").filter(|(gone, _)| *gone)
    })
    .await;
    for kind in KINDS {
        let lists = u64::from(kind != Kind::Endpoints);
        assert_eq!(bed.counters.lists(kind), lists, "{}", kind.as_str());
        assert_eq!(
            (bed.counters.errors(kind), bed.counters.undecodable(kind)),
            (0, 0)
        );
    }
}

#[tokio::test]
#[ignore = "needs a real API server"]
async fn owners_are_looked_up_whatever_their_version() {
    let Some(mut bed) = bed("owners_are_looked_up_whatever_their_version").await else {
        return;
    };
    bed.namespace().await;
    bed.synced().await;
    let crds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    let schema = json!({"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}});
    bed.create(crds, json!({
        "metadata": {"name": "rollouts.live.example"},
        "spec": {
            "group": "live.example", "scope": "Namespaced", "names": {"plural": "rollouts", "kind": "Rollout"},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": schema}],
        },
    })).await;
    let cron_jobs = format!("/apis/batch/v1/namespaces/{NAMESPACE}/cronjobs");
    bed.create(&cron_jobs, json!({
        "metadata": {"name": "nightly"},
        "spec": {"schedule": "0 0 1 1 *", "jobTemplate": {"spec": {"template": {"spec": {
            "restartPolicy": "Never", "containers": [{"name": "a", "image": "registry.example/a"}]}}}}},
    })).await;
    let rollouts = format!("/apis/live.example/v1/namespaces/{NAMESPACE}/rollouts");
    for _ in 0..100 {
        let rollout = json!({"apiVersion": "live.example/v1", "kind": "Rollout", "metadata": {"name": "shop"}});
        match bed.send(Method::POST, &rollouts, rollout).await {
            Err(kube::Error::Api(status)) if status.code == 404 => {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            _ => break,
        }
    }
    let key = |api_version: &str, kind: &str, name: &str| OwnerKey {
        api_version: api_version.into(),
        kind: kind.into(),
        namespace: NAMESPACE.into(),
        name: name.into(),
    };
    for (api_version, kind, name, served) in [
        (
            "live.example/v1alpha1",
            "Rollout",
            "shop",
            "live.example/v1",
        ),
        ("batch/v1beta1", "CronJob", "nightly", "batch/v1"),
        ("v1", "Node", "fake-0", "v1"),
    ] {
        // The watch of CronJobs tells it too.
        while bed.updates.try_recv().is_ok() {}
        assert!(bed.lookups.ask(key(api_version, kind, name)));
        let (_, text) = bed.wait(kind, |update| named(&update, name)).await;
        assert!(
            text.contains(&format!("api_version: \"{served}\"")),
            "{text}"
        );
        assert!(text.contains(&format!("kind: \"{kind}\"")), "{text}");
    }
    for (api_version, kind, name) in [
        ("live.example/v1", "Rollout", "missing"),
        ("live.example/v1", "NoKind", "shop"),
        ("no.such.group/v1", "Rollout", "shop"),
        ("../../v1", "Rollout", "shop"),
        ("v1", "ConfigMap", "../secrets"),
        ("", "", ""),
    ] {
        let asked = key(api_version, kind, name);
        assert!(bed.lookups.ask(asked.clone()));
        let answer = bed.wait("answer", |update| match update {
            Update::OwnerUnknowable(key) => Some(key),
            _ => None,
        });
        assert_eq!(answer.await, asked);
    }
    println!(
        "requests: {:?}",
        Verb::ALL.map(|verb| (verb.as_str(), bed.counters.requests(verb)))
    );
}

/// Something else than pods that changes 20 times a second, as nodes' leases do: versions are of all objects together.
async fn busy(client: Client) {
    let path = format!("/api/v1/namespaces/{NAMESPACE}/configmaps");
    for number in 0_u64.. {
        let body = json!({"metadata": {"name": "busy"}, "data": {"number": number.to_string()}});
        let (method, path) = match number {
            0 => (Method::POST, path.clone()),
            _ => (Method::PUT, format!("{path}/busy")),
        };
        // There may be one from an earlier run.
        let _ = send(&client, method, &path, body).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Times of one sort, and how they spread.
fn print(what: &str, times: &mut [Duration]) -> Duration {
    times.sort();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100];
    println!(
        "  {what}: least {:.3?}, median {:.3?}, p90 {:.3?}, most {:.3?}",
        at(0),
        at(50),
        at(90),
        at(100)
    );
    at(100)
}

#[tokio::test]
#[ignore = "needs a real API server"]
async fn progress_of_the_watch_of_pods() {
    let Some(mut bed) = bed("progress_of_the_watch_of_pods").await else {
        return;
    };
    bed.namespace().await;
    bed.synced().await;
    let lasting =
        std::env::var("PORTOLAN_TESTBED_SECONDS").map_or(30, |text| text.parse().unwrap());
    for what in ["quiet", "busy"] {
        if what == "busy" {
            bed.tasks.spawn(busy(bed.client.clone()));
        }
        let (begun, cpu_before) = (Instant::now(), cpu());
        let before = Verb::ALL.map(|verb| bed.counters.requests(verb));
        let (mut lags, mut pauses, mut worst) = (Vec::new(), Vec::new(), Vec::new());
        let (mut last, mut told) = (now(), Instant::now());
        while begun.elapsed() < Duration::from_secs(lasting) {
            let Ok(update) = timeout(Duration::from_secs(20), bed.updates.recv()).await else {
                panic!("no update for 20 s");
            };
            match update {
                Some(Update::PodsCurrent(at)) => {
                    lags.push(now().since(at));
                    worst.push(now().since(last));
                    pauses.push(told.elapsed());
                    (last, told) = (at, Instant::now());
                }
                Some(Update::ProgressUnsupported) => {
                    panic!("the API server does not tell its progress")
                }
                _ => {}
            }
        }
        let spent = cpu().saturating_sub(cpu_before);
        let requests =
            |(verb, before): (&Verb, u64)| (verb.as_str(), bed.counters.requests(*verb) - before);
        let requests: Vec<_> = Verb::ALL.iter().zip(before).map(requests).collect();
        println!(
            "{what}: {} announcements in {lasting} s; {requests:?}; our CPU {spent:?}",
            lags.len()
        );
        print("behind when told", &mut lags);
        print("from one to the next", &mut pauses);
        let most = print("behind just before", &mut worst);
        assert!(most < Duration::from_secs(10), "{what}: {most:?}");
    }
    assert!(bed.counters.progress_supported());
    bed.tasks.abort_all();
}

/// The testbed's command, for the testbed whose environment we have.
fn testbed(arguments: &[&str]) {
    let state = std::env::var("TESTBED_STATE").unwrap();
    let name = state.rsplit('/').next().unwrap();
    let status = std::process::Command::new("./dev")
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
        .arg("testbed")
        .args(arguments)
        .args(["--name", name])
        .status();
    assert!(status.unwrap().success(), "./dev testbed {arguments:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a real API server, which it kills"]
async fn a_killed_api_server_loses_nothing() {
    let Some(mut bed) = bed("a_killed_api_server_loses_nothing").await else {
        return;
    };
    bed.namespace().await;
    for name in ["/stays", "/goes"] {
        bed.delete(&pods(name)).await;
    }
    bed.create(&pods(""), pod("goes")).await;
    bed.synced().await;
    let current = |update| match update {
        Update::PodsCurrent(at) => Some(at),
        _ => None,
    };
    bed.wait("progress", current).await;
    bed.tasks.spawn(busy(bed.client.clone()));
    testbed(&["kill", "apiserver"]);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(bed.counters.errors(Kind::Pod) > 0);
    while bed.updates.try_recv().is_ok() {}
    testbed(&["start", "apiserver"]);
    let (begun, back) = (Instant::now(), now());
    bed.delete(&pods("/goes")).await;
    bed.create(&pods(""), pod("stays")).await;
    let (mut goes, mut stays, mut current) = (false, false, None);
    bed.wait("all that happened", |update| {
        match update {
            Update::PodsCurrent(at) if at > back => current = Some(begun.elapsed()),
            // It was in the first list: what a later one lacks is gone.
            Update::Listed {
                kind: Kind::Pod, ..
            } => goes = true,
            update => {
                goes |= matches!(named(&update, "goes"), Some((true, _)));
                stays |= matches!(named(&update, "stays"), Some((false, _)));
            }
        }
        (goes && stays && current.is_some()).then_some(())
    })
    .await;
    println!(
        "all known {current:.1?} after the start; {} lists of pods, {} failures, {} expired",
        bed.counters.lists(Kind::Pod),
        bed.counters.errors(Kind::Pod),
        bed.counters.expired(Kind::Pod),
    );
    bed.tasks.abort_all();
}

/// A line of `/proc/self/status`, in KiB.
fn memory(key: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find(|line| line.starts_with(key)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// With `PORTOLAN_TESTBED_PODS=5000` it takes a minute.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a real API server"]
async fn memory_and_time_of_a_list_of_pods() {
    let Some(count) = std::env::var_os("PORTOLAN_TESTBED_PODS") else {
        println!("memory_and_time_of_a_list_of_pods skipped: PORTOLAN_TESTBED_PODS is not set");
        return;
    };
    let count: usize = count.to_str().unwrap().parse().unwrap();
    let Some(bed) = bed("memory_and_time_of_a_list_of_pods").await else {
        return;
    };
    bed.namespace().await;
    let mut adding = JoinSet::new();
    for number in 0..count {
        if adding.len() >= 16 {
            adding.join_next().await;
        }
        let client = bed.client.clone();
        adding.spawn(async move {
            let mut pod = pod(&format!("many-{number}"));
            // As real ones: 8 KB.
            pod["metadata"]["annotations"] = json!({"note": "x".repeat(6000)});
            let _ = send(&client, Method::POST, &pods(""), pod).await;
        });
    }
    while adding.join_next().await.is_some() {}
    drop(bed);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let (before, spent) = (memory("VmRSS"), cpu());
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    let begun = Instant::now();
    let mut bed = self::bed("").await.unwrap();
    bed.synced().await;
    println!(
        "{} pods listed in {:.2?}, our CPU {:.2?}; memory {before} KiB before, {} at most, {} after",
        bed.counters.events(Kind::Pod),
        begun.elapsed(),
        cpu().saturating_sub(spent),
        memory("VmHWM"),
        memory("VmRSS"),
    );
    bed.tasks.abort_all();
}
