//! When it is said that all pods are known.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use cluster::Update;
use cluster::live::Settings;
use map::Time;
use serde_json::json;

use crate::server::{Server, list, pod};
use crate::{now, quick, watch};

fn current(update: &Update) -> Option<Time> {
    match update {
        Update::PodsCurrent(at) => Some(*at),
        _ => None,
    }
}

#[tokio::test]
async fn a_list_makes_all_pods_known_up_to_when_it_was_asked_for() {
    let server = Server::start(|ask, mut reply| async move {
        match ask.of_pods() {
            "list" => {
                tokio::time::sleep(Duration::from_millis(200)).await;
                reply.json(200, &list("100", &[])).await;
            }
            "probe" => reply.json(200, &list("9999", &[])).await,
            _ => reply.usual(&ask).await,
        }
        reply
    })
    .await;
    let begun = now();
    let mut watch = watch(&server.address, &quick());
    let mut listed = None;
    let at = watch
        .wait("progress", |update| {
            if let Update::Listed {
                kind: cluster::Kind::Pod,
                asked,
                ..
            } = update
            {
                listed = Some(*asked);
            }
            current(update)
        })
        .await;
    assert_eq!(Some(at), listed);
    assert!(at >= begun && at < begun.plus(Duration::from_millis(200)));
}

#[tokio::test]
async fn only_a_watch_that_has_told_what_the_api_server_knew_makes_pods_known() {
    let watched = Arc::new(AtomicU64::new(0));
    let reached = Arc::clone(&watched);
    let server = Server::start(move |ask, mut reply| {
        let reached = Arc::clone(&reached);
        async move {
            match (ask.of_pods(), ask.before) {
                ("probe", _) => reply.json(200, &list("205", &[])).await,
                ("watch", 0) => {
                    reply.start().await;
                    for version in [150, 203, 204] {
                        reply.bookmark(version).await;
                    }
                    tokio::time::sleep(Duration::from_millis(300)).await;
                    reached.store(205, SeqCst);
                    // An event says as much as a bookmark.
                    reply.event("ADDED", &pod("a", 1, 205)).await;
                    tokio::time::sleep(Duration::from_millis(500)).await;
                    reply.end().await;
                }
                _ => reply.usual(&ask).await,
            }
            reply
        }
    })
    .await;
    let mut watch = watch(&server.address, &quick());
    let listed = watch.wait("progress of the list", current).await;
    let mut told = Vec::new();
    let at = watch
        .wait("progress", |update| {
            told.extend(crate::words(update));
            current(update)
        })
        .await;
    assert_eq!(watched.load(SeqCst), 205);
    assert_eq!(told, ["+a"], "what is known was told before");
    assert!(at > listed && watch.counters.last_progress() == Some(at));
}

#[tokio::test]
async fn an_api_server_whose_bookmarks_lag_for_long_is_said_to_once_and_taken_back() {
    let server = Server::start(|ask, mut reply| async move {
        match (ask.of_pods(), ask.before) {
            ("probe", _) => reply.json(200, &list("205", &[])).await,
            ("watch", 0..2) => {
                reply.start().await;
                reply.bookmark(150).await;
                tokio::time::sleep(Duration::from_millis(900)).await;
                reply.end().await;
            }
            ("watch", 2) => {
                reply.start().await;
                reply.bookmark(300).await;
                tokio::time::sleep(Duration::from_millis(900)).await;
                reply.end().await;
            }
            _ => reply.usual(&ask).await,
        }
        reply
    })
    .await;
    let settings = Settings {
        progress_patience: Duration::from_millis(600),
        ..quick()
    };
    let mut watch = watch(&server.address, &settings);
    watch.wait("progress of the list", current).await;
    let unsupported = |update: &Update| match update {
        Update::ProgressUnsupported => Some(true),
        Update::PodsCurrent(_) => Some(false),
        _ => None,
    };
    assert!(watch.wait("word of that", unsupported).await);
    assert!(!watch.counters.progress_supported());
    assert!(!watch.wait("progress", unsupported).await);
    assert!(watch.counters.progress_supported());
}

#[tokio::test]
async fn versions_that_are_no_numbers_tell_no_progress() {
    let server = Server::start(|ask, mut reply| async move {
        match ask.of_pods() {
            "probe" | "list" => reply.json(200, &list("abc-1", &[])).await,
            _ => reply.usual(&ask).await,
        }
        reply
    })
    .await;
    let mut watch = watch(&server.address, &quick());
    let unsupported = |update: &Update| matches!(update, Update::ProgressUnsupported).then_some(());
    watch.wait("word of that", unsupported).await;
}

/// Where there are several API servers behind one address, each has a cache of its own, and only one that is asked
/// catches up: a connection leads to one of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_of_several_api_servers_tells_its_progress() {
    let etcd = Arc::new(AtomicU64::new(200));
    let caches: Arc<tokio::sync::Mutex<HashMap<usize, u64>>> = Arc::default();
    let (revision, known) = (Arc::clone(&etcd), Arc::clone(&caches));
    let server = Server::start(move |ask, mut reply| {
        let (etcd, caches) = (Arc::clone(&revision), Arc::clone(&known));
        async move {
            match ask.of_pods() {
                "probe" => {
                    let version = etcd.fetch_add(1, SeqCst);
                    caches.lock().await.insert(ask.connection, version);
                    reply.json(200, &list(&version.to_string(), &[])).await;
                }
                "watch" => {
                    reply.start().await;
                    tokio::time::sleep(Duration::from_millis(300)).await;
                    let version = caches.lock().await.get(&ask.connection).copied();
                    reply.bookmark(version.unwrap_or(100)).await;
                    tokio::time::sleep(Duration::from_millis(300)).await;
                    reply.end().await;
                }
                _ => reply.usual(&ask).await,
            }
            reply
        }
    })
    .await;
    let settings = Settings {
        progress_interval: Duration::from_millis(97),
        ..quick()
    };
    let mut watch = watch(&server.address, &settings);
    let begun = tokio::time::Instant::now();
    for _ in 0..6 {
        watch.wait("progress", current).await;
    }
    let rounds = server.count("watch").await;
    println!("5 announcements in {rounds} watches, {:?}", begun.elapsed());
    assert!(rounds < 20, "{rounds} watches");
}

#[tokio::test]
async fn probes_ask_for_as_little_as_there_is() {
    let server = Server::start(|ask, mut reply| async move {
        if ask.of_pods() == "probe" {
            assert_eq!(ask.get("limit"), "1");
            assert!(
                !ask.query.contains_key("resourceVersion"),
                "it must be a consistent read"
            );
            let item = json!({"metadata": {"name": "a", "namespace": "shop"}});
            reply.json(200, &list("100", &[item])).await;
        } else {
            reply.usual(&ask).await;
        }
        reply
    })
    .await;
    let mut watch = watch(&server.address, &quick());
    watch.wait("progress of the list", current).await;
    let told = watch
        .wait("progress", |update| Some(current(update)).flatten())
        .await;
    assert!(told <= now());
}
