//! Requests that sidecars counted: whose they are.

use cluster::{Index, Settings, document};
use map::{HttpMethod, Outcome, Time};
use mapper::{Fact, Fate, HttpRequest, Ingest, Refusal};
use serde_json::{Value, json};
use testkit::cluster::{deployment, list, pod};

/// A cluster in which Istio's names are not the workloads': two versions of one canonical name, a name with a dot, one that
/// an annotation gives.
fn objects() -> Vec<Value> {
    let mut objects = deployment("shop", "web", &["10.244.0.5"]);
    for (name, address) in [("api-v1", "10.244.0.6"), ("api-v2", "10.244.0.7")] {
        objects.extend(deployment("shop", name, &[address]));
    }
    objects.extend(deployment("shop", "db.main", &["10.244.0.8"]));
    objects.extend(deployment("other", "web", &["10.244.0.9"]));
    let mut named = pod("shop", "loose-1", "10.244.0.10", None);
    named["metadata"]["annotations"] = json!({"intents.otterize.com/workload-name": "billing"});
    objects.push(named);
    for object in &mut objects {
        let name = object["metadata"]["name"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        if object["kind"] == "Pod" && name.starts_with("api-v") {
            object["metadata"]["labels"]["service.istio.io/canonical-name"] = json!("api");
        }
    }
    objects
}

/// The edges, attempts and refusals that these requests make: `(client, server, canonical names, path, outcome)`.
fn told(requests: &[(&str, &str, [&str; 2], &str, Outcome)]) -> (Vec<String>, Vec<String>, u64) {
    let mut index = Index::new(Settings::default());
    let text = list(&objects()).to_string();
    document::read(&mut text.as_bytes(), &mut |event| index.apply(event));
    let mut ingest = Ingest::new("");
    let named = |text: &str| {
        let (namespace, name) = text.split_once('/').unwrap();
        (namespace.into(), name.into())
    };
    for (client, server, [client_canonical, server_canonical], path, outcome) in requests {
        let request = HttpRequest {
            client: named(client),
            server: named(server),
            service: "".into(),
            path: (*path).into(),
            methods: vec![HttpMethod::Get],
            at: "2026-11-23T10:00:30Z".parse::<Time>().unwrap(),
            outcome: *outcome,
            client_canonical: (*client_canonical).into(),
            server_canonical: (*server_canonical).into(),
        };
        ingest.take(&index, Fact::Request(request));
    }
    ingest.finish(&index);
    let refused = ingest.fates().get(&Fate::Refused(Refusal::UnknownWorkload));
    let line = |(key, edge): (&map::EdgeKey, &map::Edge)| {
        let resources = edge.resources();
        let paths: Vec<&str> = resources.into_keys().collect();
        format!("{} → {} {}", key.client, key.server, paths.join(" "))
    };
    let map = ingest.map();
    (
        map.edges().map(line).collect(),
        map.attempts().map(line).collect(),
        refused,
    )
}

const NONE: [&str; 2] = ["", ""];

#[test]
fn a_workload_is_meant_by_its_own_name_before_a_canonical_one() {
    let (edges, _, refused) = told(&[
        (
            "shop/web",
            "shop/api-v2",
            ["web", "api"],
            "/a",
            Outcome::Accepted,
        ),
        (
            "other/web",
            "shop/api-v1",
            ["web", "api"],
            "/b",
            Outcome::Accepted,
        ),
    ]);
    assert_eq!(
        edges,
        [
            "other/web (Deployment) → shop/api-v1 (Deployment) /b",
            "shop/web (Deployment) → shop/api-v2 (Deployment) /a",
        ]
    );
    assert_eq!(refused, 0);
}

#[test]
fn other_names_of_a_workload_lead_to_it() {
    let (edges, _, refused) = told(&[
        // As Istio names it, with its dot; by what owns it, where an annotation names it.
        ("shop/web", "shop/db.main", NONE, "/dot", Outcome::Accepted),
        (
            "shop/loose-1",
            "shop/db.main",
            NONE,
            "/named",
            Outcome::Accepted,
        ),
        // An old watcher knows the canonical name alone; ours gives it beside a name that nobody has.
        ("shop/api", "shop/web", NONE, "/old", Outcome::Accepted),
        (
            "shop/api-v3",
            "shop/web",
            ["api", ""],
            "/canonical",
            Outcome::Accepted,
        ),
    ]);
    assert_eq!(refused, 0);
    assert_eq!(edges.len(), 3);
    assert!(
        edges[0].starts_with("shop/api-v") && edges[0].ends_with("/canonical /old"),
        "{edges:?}"
    );
    assert_eq!(edges[1], "shop/billing → shop/db_main (Deployment) /named");
    assert_eq!(
        edges[2],
        "shop/web (Deployment) → shop/db_main (Deployment) /dot"
    );
}

#[test]
fn one_that_nobody_is_spoils_no_other_and_attempts_are_apart() {
    let (edges, attempts, refused) = told(&[
        (
            "shop/web",
            "shop/nobody",
            ["web", "nobody"],
            "/x",
            Outcome::Accepted,
        ),
        ("nowhere/web", "shop/api-v1", NONE, "/x", Outcome::Accepted),
        (
            "shop/web",
            "shop/api-v1",
            NONE,
            "/down",
            Outcome::Unanswered,
        ),
        ("shop/web", "shop/api-v1", NONE, "/up", Outcome::Accepted),
    ]);
    assert_eq!(refused, 2);
    assert_eq!(
        edges,
        ["shop/web (Deployment) → shop/api-v1 (Deployment) /up"]
    );
    assert_eq!(
        attempts,
        ["shop/web (Deployment) → shop/api-v1 (Deployment) /down"]
    );
}
