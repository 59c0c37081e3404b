//! Owners of kinds that are not watched.

use cluster::live::Verb;
use cluster::{OwnerKey, Update};
use serde_json::{Value, json};

use crate::server::{Ask, Reply, Server, status};
use crate::{Watch, quick, watch};

fn key(api_version: &str, kind: &str, name: &str) -> OwnerKey {
    OwnerKey {
        api_version: api_version.into(),
        kind: kind.into(),
        namespace: "shop".into(),
        name: name.into(),
    }
}

fn resources(kinds: &[(&str, &str, bool)]) -> Value {
    let resource = |(name, kind, namespaced): &(&str, &str, bool)| json!({"name": name, "kind": kind, "namespaced": namespaced, "verbs": ["get", "list"]});
    json!({"kind": "APIResourceList", "resources": kinds.iter().map(resource).collect::<Vec<_>>()})
}

/// `argoproj.io` in two versions, of which only one has Rollouts; `broken.io`, whose server is away.
async fn scenario(ask: Ask, mut reply: Reply) -> Reply {
    let found = |name: &str| {
        json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": {
            "name": name, "ownerReferences": [{"apiVersion": "app.k8s.io/v1", "kind": "Application", "name": "all"}]}})
    };
    let in_shop = "/apis/argoproj.io/v1beta1/namespaces/shop/rollouts";
    match ask.path.as_str() {
        "/apis/argoproj.io" => {
            let versions = json!([{"version": "v1alpha1"}, {"version": "v1beta1"}]);
            reply
                .json(
                    200,
                    &json!({"versions": versions, "preferredVersion": {"version": "v1beta1"}}),
                )
                .await;
        }
        "/apis/argoproj.io/v1alpha1" => {
            reply
                .json(200, &resources(&[("workflows", "Workflow", true)]))
                .await;
        }
        "/apis/argoproj.io/v1beta1" => {
            let kinds = [
                ("rollouts/status", "Rollout", true),
                ("rollouts", "Rollout", true),
                ("fleets", "Fleet", false),
            ];
            reply.json(200, &resources(&kinds)).await;
        }
        path if path == format!("{in_shop}/web") => {
            assert!(ask.accept.contains("as=PartialObjectMetadata;"));
            reply.json(200, &found("web")).await;
        }
        path if path == format!("{in_shop}/secret") => {
            reply.json(403, &status(403, "Forbidden")).await;
        }
        path if path == format!("{in_shop}/flaky") && ask.before < 2 => {
            reply.json(503, &status(503, "No")).await;
        }
        path if path == format!("{in_shop}/flaky") => reply.json(200, &found("flaky")).await,
        "/apis/argoproj.io/v1beta1/fleets/all" => reply.json(200, &found("all")).await,
        "/apis/broken.io" => reply.json(503, &status(503, "ServiceUnavailable")).await,
        path if path.starts_with("/apis/") && path.matches('/').count() != 4 => {
            reply.json(404, &status(404, "NotFound")).await;
        }
        path if path.contains("/namespaces/") => reply.json(404, &status(404, "NotFound")).await,
        _ => reply.usual(&ask).await,
    }
    reply
}

async fn answer(watch: &mut Watch, asked: &OwnerKey) -> String {
    assert!(watch.lookups.ask(asked.clone()));
    let text = |update: &Update| match update {
        Update::OwnerUnknowable(key) if key == asked => Some("unknowable".to_owned()),
        Update::Event(event) => Some(format!("{event:?}")),
        _ => None,
    };
    watch.wait("answer", text).await
}

#[tokio::test]
async fn an_owner_is_found_in_a_version_that_is_served_and_comes_with_its_own_owner() {
    let server = Server::start(scenario).await;
    let mut watch = watch(&server.address, &quick());
    for version in ["v1beta1", "v1alpha1", "v1alpha0"] {
        let text = answer(
            &mut watch,
            &key(&format!("argoproj.io/{version}"), "Rollout", "web"),
        )
        .await;
        for part in [
            "\"argoproj.io/v1beta1\"",
            "\"Rollout\"",
            "\"web\"",
            "\"Application\"",
        ] {
            assert!(text.contains(part), "{part} is not in {text}");
        }
    }
    let text = answer(&mut watch, &key("argoproj.io/v1beta1", "Fleet", "all")).await;
    assert!(text.contains("\"Fleet\""), "{text}");
}

#[tokio::test]
async fn what_is_not_there_or_not_shown_is_unknowable_and_not_asked_for_again() {
    let server = Server::start(scenario).await;
    let mut watch = watch(&server.address, &quick());
    let keys = [
        key("argoproj.io/v1beta1", "Rollout", "missing"),
        key("argoproj.io/v1beta1", "Rollout", "secret"),
        key("argoproj.io/v1beta1", "NoKind", "web"),
        key("no.such.io/v1", "Rollout", "web"),
        key(
            "argoproj.io/v1beta1",
            "Rollout",
            "../../../../api/v1/secrets",
        ),
        key("../..", "Rollout", "web"),
        key("argoproj.io/..", "Rollout", ".."),
        key("", "", ""),
    ];
    for asked in &keys {
        assert_eq!(answer(&mut watch, asked).await, "unknowable", "{asked:?}");
    }
    let requests =
        |watch: &Watch| [Verb::Owner, Verb::Discovery].map(|verb| watch.counters.requests(verb));
    let before = requests(&watch);
    for asked in &keys {
        assert_eq!(answer(&mut watch, asked).await, "unknowable", "{asked:?}");
    }
    assert_eq!(requests(&watch), before);
    let asked = server.asked.lock().await;
    let outside = asked
        .iter()
        .find(|ask| ask.path.contains("/secrets") || ask.path.contains("/../"));
    assert!(outside.is_none(), "{outside:?}");
}

#[tokio::test]
async fn an_api_that_is_away_for_one_group_is_tried_again_and_holds_up_no_other() {
    let server = Server::start(scenario).await;
    let mut watch = watch(&server.address, &quick());
    for number in 0..50 {
        assert!(
            watch
                .lookups
                .ask(key("broken.io/v1", "Thing", &number.to_string()))
        );
    }
    let text = answer(&mut watch, &key("argoproj.io/v1beta1", "Rollout", "flaky")).await;
    assert!(text.contains("\"flaky\""), "{text}");
}

#[tokio::test]
async fn a_thousand_questions_for_one_owner_are_one_request_and_questions_are_bounded() {
    let server = Server::start(scenario).await;
    let mut watch = watch(&server.address, &quick());
    let web = key("argoproj.io/v1beta1", "Rollout", "web");
    for _ in 0..1000 {
        assert!(watch.lookups.ask(web.clone()));
    }
    answer(&mut watch, &web).await;
    assert_eq!(watch.counters.requests(Verb::Owner), 1);
    watch.tasks.abort_all();
    let refused = (0..2000)
        .filter(|number| !watch.lookups.ask(key("v1", "Node", &number.to_string())))
        .count();
    assert!(refused >= 900, "{refused}");
    assert_eq!(
        watch.counters.lookups_refused(),
        u64::try_from(refused).unwrap()
    );
}
