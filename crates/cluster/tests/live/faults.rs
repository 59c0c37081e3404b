//! Whatever goes wrong, the index is told all that is, and nothing that is not.

use std::time::Duration;

use cluster::live::Synced;
use cluster::{Kind, Present, Update};
use serde_json::json;

use crate::server::{Server, list, pod, status};
use crate::{quick, watch};

#[tokio::test]
async fn a_watch_whose_history_is_gone_is_listed_again_and_what_went_meanwhile_is_not_in_the_list()
{
    for as_event in [true, false] {
        let server = Server::start(move |ask, mut reply| async move {
            match (ask.of_pods(), ask.before) {
                ("list", 0) => {
                    reply
                        .json(200, &list("10", &[pod("a", 1, 5), pod("b", 2, 6)]))
                        .await;
                }
                ("list", _) => reply.json(200, &list("20", &[pod("b", 2, 6)])).await,
                ("watch", 0) if as_event => {
                    reply.start().await;
                    reply.event("ERROR", &status(410, "Expired")).await;
                    reply.end().await;
                }
                ("watch", 0) => reply.json(410, &status(410, "Expired")).await,
                _ => reply.usual(&ask).await,
            }
            reply
        })
        .await;
        let mut watch = watch(&server.address, &quick());
        let mut told = Vec::new();
        for _ in 0..5 {
            told.push(watch.next().await);
        }
        assert_eq!(told, ["+a", "+b", "=2", "+b", "=1"]);
        assert_eq!(
            (
                watch.counters.expired(Kind::Pod),
                watch.counters.errors(Kind::Pod)
            ),
            (1, 0)
        );
        assert_eq!(watch.counters.lists(Kind::Pod), 2);
    }
}

#[tokio::test]
async fn a_list_whose_next_page_expired_starts_again() {
    let server = Server::start(|ask, mut reply| async move {
        let mut first = list("10", &[pod("a", 1, 5)]);
        first["metadata"]["continue"] = json!("to/ken=");
        match (ask.of_pods(), ask.before) {
            ("list", _) => reply.json(200, &first).await,
            ("page", 0) => reply.json(410, &status(410, "Expired")).await,
            ("page", _) => {
                assert_eq!(ask.get("continue"), "to%2Fken%3D");
                reply.json(200, &list("10", &[pod("b", 2, 6)])).await;
            }
            _ => reply.usual(&ask).await,
        }
        reply
    })
    .await;
    let mut watch = watch(&server.address, &quick());
    let mut told = Vec::new();
    for _ in 0..4 {
        told.push(watch.next().await);
    }
    assert_eq!(told, ["+a", "+a", "+b", "=2"]);
}

#[tokio::test]
async fn half_a_line_is_told_once_whole_and_the_watch_goes_on_from_where_it_was() {
    let server = Server::start(|ask, mut reply| async move {
        match (ask.of_pods(), ask.before) {
            ("list", _) => reply.json(200, &list("10", &[])).await,
            ("watch", 0) => {
                assert_eq!(ask.get("resourceVersion"), "10");
                reply.start().await;
                reply.event("ADDED", &pod("a", 1, 11)).await;
                reply
                    .piece(br#"{"type":"ADDED","object":{"metadata":{"name":"b","na"#)
                    .await;
                reply.cut().await;
            }
            ("watch", 1) => {
                assert_eq!(ask.get("resourceVersion"), "11");
                reply.start().await;
                reply.event("ADDED", &pod("b", 2, 12)).await;
                reply.event("DELETED", &pod("a", 1, 13)).await;
                reply.end().await;
            }
            _ => reply.usual(&ask).await,
        }
        reply
    })
    .await;
    let mut watch = watch(&server.address, &quick());
    let mut told = Vec::new();
    for _ in 0..4 {
        told.push(watch.next().await);
    }
    assert_eq!(told, ["=0", "+a", "+b", "-a"]);
    assert_eq!(watch.counters.lists(Kind::Pod), 1);
    assert!(watch.counters.errors(Kind::Pod) >= 1);
}

#[tokio::test]
async fn an_object_that_cannot_be_read_spoils_no_other_and_is_not_taken_for_gone() {
    let server = Server::start(|ask, mut reply| async move {
        let mut bad = pod("bad", 9, 7);
        bad["spec"] = json!([1, 2]);
        match (ask.of_pods(), ask.before) {
            ("list", _) => {
                reply
                    .json(200, &list("10", &[pod("a", 1, 5), bad, pod("b", 2, 6)]))
                    .await;
            }
            ("watch", 0) => {
                reply.start().await;
                bad["metadata"]["resourceVersion"] = json!("11");
                reply.event("MODIFIED", &bad).await;
                reply.event("ADDED", &pod("c", 3, 12)).await;
                reply.end().await;
            }
            _ => reply.usual(&ask).await,
        }
        reply
    })
    .await;
    let mut watch = watch(&server.address, &quick());
    let mut told = Vec::new();
    for _ in 0..4 {
        told.push(watch.next().await);
    }
    assert_eq!(told, ["+a", "+b", "=3", "+c"]);
    assert_eq!(watch.counters.undecodable(Kind::Pod), 2);
    assert_eq!(watch.counters.lists(Kind::Pod), 1);
}

#[tokio::test]
async fn a_line_that_is_no_event_makes_all_be_listed_again() {
    for line in [
        &b"\xff\xfe\x00\n"[..],
        b"{\"type\":\"NEWS\",\"object\":{}}\n",
        b"[]\n",
        b"{\"type\":\"ADDED\"}\n",
    ] {
        let server = Server::start(move |ask, mut reply| async move {
            match (ask.of_pods(), ask.before) {
                ("watch", 0) => {
                    reply.start().await;
                    reply.piece(line).await;
                    reply.end().await;
                }
                _ => reply.usual(&ask).await,
            }
            reply
        })
        .await;
        let mut watch = watch(&server.address, &quick());
        assert_eq!(
            (watch.next().await, watch.next().await),
            ("=0".to_owned(), "=0".to_owned())
        );
        assert_eq!(watch.counters.undecodable(Kind::Pod), 1);
    }
}

#[tokio::test]
async fn answers_that_do_not_come_or_stall_are_asked_for_again() {
    let server = Server::start(|ask, mut reply| async move {
        match (ask.of_pods(), ask.before) {
            // No head; no body; a head, and then silence longer than the watch and its grace.
            ("list", 0) => tokio::time::sleep(Duration::from_mins(1)).await,
            ("list", 1) => {
                reply
                    .raw(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{")
                    .await;
                tokio::time::sleep(Duration::from_mins(1)).await;
            }
            ("list", _) => reply.json(200, &list("10", &[])).await,
            ("watch", 0) => {
                reply.start().await;
                tokio::time::sleep(Duration::from_mins(1)).await;
            }
            ("watch", 1) => {
                reply.start().await;
                reply.event("ADDED", &pod("a", 1, 11)).await;
                tokio::time::sleep(Duration::from_millis(600)).await;
                reply.end().await;
            }
            _ => reply.usual(&ask).await,
        }
        reply
    })
    .await;
    let mut watch = watch(&server.address, &quick());
    assert_eq!(
        (watch.next().await, watch.next().await),
        ("=0".to_owned(), "+a".to_owned())
    );
    assert_eq!(watch.counters.errors(Kind::Pod), 3);
}

#[tokio::test]
async fn it_starts_before_the_api_server_and_outlives_its_restart() {
    let address = Server::start(|_, reply| async { reply }).await.address;
    let mut watch = watch(&address, &quick());
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert!(watch.counters.errors(Kind::Pod) > 0);
    let server = Server::start_at(&address, |ask, mut reply| async move {
        reply.usual(&ask).await;
        reply
    })
    .await;
    assert_eq!(watch.next().await, "=0");
    drop(server);
    let server = Server::start_at(&address, |ask, mut reply| async move {
        match (ask.of_pods(), ask.before) {
            ("watch", 0) => {
                reply.start().await;
                reply.event("ADDED", &pod("a", 1, 101)).await;
                reply.end().await;
            }
            _ => reply.usual(&ask).await,
        }
        reply
    })
    .await;
    assert_eq!(watch.next().await, "+a");
    assert_eq!(
        server.count("list").await,
        0,
        "nothing was lost: nothing need be listed"
    );
}

#[tokio::test]
async fn an_api_server_that_was_set_back_is_listed_again() {
    let server = Server::start(|ask, mut reply| async move {
        let mut ahead = status(504, "Timeout");
        ahead["message"] = json!("Too large resource version: 100, current: 5");
        match (ask.of_pods(), ask.before) {
            ("watch", 0) => reply.json(504, &ahead).await,
            ("list", 1) => reply.json(200, &list("5", &[pod("a", 1, 5)])).await,
            _ => reply.usual(&ask).await,
        }
        reply
    })
    .await;
    let mut watch = watch(&server.address, &quick());
    let told = (watch.next().await, watch.next().await, watch.next().await);
    assert_eq!(told, ("=0".to_owned(), "+a".to_owned(), "=1".to_owned()));
}

#[tokio::test]
async fn a_page_that_is_too_long_is_asked_for_in_halves() {
    let server = Server::start(|ask, mut reply| async move {
        match (ask.of_pods(), ask.get("limit")) {
            ("list", "4") => {
                reply.start().await;
                for _ in 0..70 {
                    reply.piece(&vec![b' '; 1 << 20]).await;
                }
                reply.end().await;
            }
            ("list", "2") => reply.json(200, &list("10", &[pod("a", 1, 5)])).await,
            _ => reply.usual(&ask).await,
        }
        reply
    })
    .await;
    let settings = cluster::live::Settings {
        page_size: 4,
        list: Duration::from_secs(10),
        ..quick()
    };
    let mut watch = watch(&server.address, &settings);
    assert_eq!(
        (watch.next().await, watch.next().await),
        ("+a".to_owned(), "=1".to_owned())
    );
}

#[tokio::test]
async fn old_api_servers_are_asked_for_endpoints_and_beta_cron_jobs() {
    let server = Server::start(|ask, mut reply| async move {
        if ask.path.contains("discovery.k8s.io") || ask.path.starts_with("/apis/batch/v1/cronjobs")
        {
            reply.json(404, &status(404, "NotFound")).await;
        } else if ask.path == "/apis/batch/v1beta1/cronjobs" && !ask.is_watch() {
            reply
                .json(
                    200,
                    &list(
                        "1",
                        &[json!({"metadata": {"name": "nightly", "namespace": "shop"}})],
                    ),
                )
                .await;
        } else {
            reply.usual(&ask).await;
        }
        reply
    })
    .await;
    let mut watch = watch(&server.address, &quick());
    let (mut kinds, mut nightly) = (Vec::new(), String::new());
    let complete = |update: &Update| {
        match update {
            Update::Event(event) => nightly = format!("{event:?}"),
            Update::Listed {
                kind,
                present: Present::Named(names),
                ..
            } if !names.is_empty() => {
                assert!(
                    names.contains(&("shop".into(), "nightly".into())),
                    "{kind:?}: {names:?}"
                );
                kinds.push(*kind);
            }
            Update::Listed { kind, .. } => kinds.push(*kind),
            _ => {}
        }
        (kinds.len() == 10).then_some(())
    };
    watch.wait("lists of all kinds", complete).await;
    assert!(
        kinds.contains(&Kind::Endpoints) && !kinds.contains(&Kind::EndpointSlice),
        "{kinds:?}"
    );
    assert!(
        nightly.contains("\"batch/v1beta1\"") && nightly.contains("\"CronJob\""),
        "{nightly}"
    );
}

#[tokio::test]
async fn owners_come_as_metadata_with_their_own_kind() {
    let server = Server::start(|ask, mut reply| async move {
        match ask.path.as_str() {
            "/apis/apps/v1/replicasets" if ask.is_watch() => {
                assert!(
                    ask.accept
                        .contains("as=PartialObjectMetadata;g=meta.k8s.io;v=v1")
                );
                reply.usual(&ask).await;
            }
            "/apis/apps/v1/replicasets" => {
                assert!(
                    ask.accept
                        .contains("as=PartialObjectMetadataList;g=meta.k8s.io;v=v1")
                );
                let item = json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1",
                                  "metadata": {"name": "web-1", "namespace": "shop"}});
                reply.json(200, &list("1", &[item])).await;
            }
            _ => reply.usual(&ask).await,
        }
        reply
    })
    .await;
    let mut watch = watch(&server.address, &quick());
    let mut kinds = Vec::new();
    watch
        .wait("all kinds", |update| {
            match update {
                Update::Event(event) => {
                    let text = format!("{event:?}");
                    assert!(
                        text.contains("\"ReplicaSet\"") && text.contains("\"apps/v1\""),
                        "{text}"
                    );
                }
                Update::Listed { kind, .. } => kinds.push(*kind),
                _ => {}
            }
            (kinds.len() == 10).then_some(())
        })
        .await;
}

#[tokio::test]
async fn the_api_server_says_when_it_wants_to_be_asked_again() {
    let server = Server::start(|ask, mut reply| async move {
        match (ask.of_pods(), ask.before) {
            ("list", 0) => {
                reply
                    .json_with(429, "retry-after: 1\r\n", &status(429, "TooManyRequests"))
                    .await;
            }
            _ => reply.usual(&ask).await,
        }
        reply
    })
    .await;
    let begun = tokio::time::Instant::now();
    let mut watch = watch(&server.address, &quick());
    assert_eq!(watch.next().await, "=0");
    assert!(begun.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn who_hangs_up_at_once_is_not_asked_in_a_loop() {
    let server = Server::start(|ask, mut reply| async move {
        if ask.is_watch() {
            reply.start().await;
            reply.end().await;
        } else {
            reply.usual(&ask).await;
        }
        reply
    })
    .await;
    let mut watch = watch(&server.address, &quick());
    assert_eq!(watch.next().await, "=0");
    let second = tokio::time::timeout(Duration::from_secs(1), watch.next()).await;
    assert!(second.is_err(), "{second:?}");
    let watches = server.count("watch").await;
    assert!((2..8).contains(&watches), "{watches} watches in a second");
}

#[tokio::test]
async fn a_forbidden_kind_is_said_once_waited_for_by_nobody_and_read_once_it_is_allowed() {
    let server = Server::start(|ask, mut reply| async move {
        match (ask.path.as_str(), ask.before) {
            ("/api/v1/services", 0..4) => reply.json(403, &status(403, "Forbidden")).await,
            _ => reply.usual(&ask).await,
        }
        reply
    })
    .await;
    let mut watch = watch(&server.address, &quick());
    let mut synced = Synced::default();
    let mut told = Vec::new();
    let services = watch.wait("a list of services", |update| {
        match update {
            Update::Forbidden(kind) => {
                told.push(*kind);
                synced.listed(*kind);
            }
            Update::Listed { kind, .. } => synced.listed(*kind),
            _ => {}
        }
        let listed = matches!(update, Update::Listed { kind, .. } if *kind == Kind::Service);
        listed.then(|| synced.is_complete())
    });
    assert!(
        services.await,
        "all others were waiting for the forbidden one"
    );
    assert_eq!(told, [Kind::Service]);
    assert_eq!(watch.counters.errors(Kind::Service), 4);
}

#[tokio::test]
async fn without_pods_there_is_nothing_to_tell() {
    let server = Server::start(|ask, mut reply| async move {
        match (ask.is_pods(), ask.before) {
            (true, 0..4) => reply.json(403, &status(403, "Forbidden")).await,
            _ => reply.usual(&ask).await,
        }
        reply
    })
    .await;
    let mut watch = watch(&server.address, &quick());
    let pods = watch.wait("a list of pods", |update| match update {
        Update::Forbidden(_) => Some(false),
        Update::Listed { kind, .. } if *kind == Kind::Pod => Some(true),
        _ => None,
    });
    assert!(pods.await);
}
