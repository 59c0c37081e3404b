//! What a series tells of.

use istio_watcher::{Outcome, Refusal, Requests};
use map::HttpMethod;

use crate::text::{each, requests, without};

fn read(line: &str) -> Result<Requests, Refusal> {
    let mut all = Vec::new();
    each(line.as_bytes(), usize::MAX, |series, _| {
        all.push(Requests::read(series));
    });
    assert_eq!(all.len(), 1, "{line}");
    all.remove(0)
}

fn with(changes: &[(&str, &str)]) -> Result<Requests, Refusal> {
    read(&requests(changes, 1))
}

fn path(value: &str) -> String {
    with(&[("request_path", value)]).unwrap().path.to_string()
}

#[test]
fn both_ends_have_namespace_workload_and_canonical_name() {
    let found = with(&[
        ("source_workload", "web-v1"),
        ("source_workload_namespace", "front"),
        ("destination_workload", "app.v2"),
        ("destination_canonical_service", "app"),
        ("destination_service_name", "app-service"),
        ("request_method", "PATCH"),
        ("request_path", "/a"),
    ])
    .unwrap();
    let ends = [&found.client, &found.server]
        .map(|end| format!("{}/{} {}", end.namespace, end.workload, end.canonical));
    assert_eq!(ends, ["front/web-v1 web", "shop/app.v2 app"]);
    assert_eq!(
        (found.service.as_str(), found.method),
        ("app-service", Some(HttpMethod::Patch))
    );
}

#[test]
fn paths_are_whole_with_dots_spaces_quotes_and_other_letters() {
    for value in [
        "/api/v1.2/items",
        "/index.html",
        "/a b",
        "/\"quoted\"",
        "/ünï/码",
        "/a\\b",
        "/x\ny",
    ] {
        assert_eq!(path(value), value);
    }
    assert_eq!(path("/a.b?token=secret#x"), "/a.b");
}

#[test]
fn methods_without_a_word_in_the_contract_are_none() {
    for method in ["HEAD", "PROPFIND", "get", "ALL", "", "unknown"] {
        assert_eq!(
            with(&[("request_method", method)]).unwrap().method,
            None,
            "{method}"
        );
    }
    assert_eq!(read(&without("request_method", 1)).unwrap().method, None);
}

#[test]
fn what_is_unknown_is_the_very_word_and_told_apart() {
    let refused = |changes: &[(&str, &str)]| with(changes).unwrap_err();
    assert_eq!(read(&without("request_path", 1)), Err(Refusal::NoPath));
    assert_eq!(
        refused(&[("request_path", "unknown")]),
        Refusal::UnknownPath
    );
    assert_eq!(refused(&[("request_path", "")]), Refusal::UnknownPath);
    let outside = [
        ("source_workload", "unknown"),
        ("source_canonical_service", "unknown"),
        ("source_workload_namespace", "unknown"),
    ];
    assert_eq!(refused(&outside), Refusal::UnknownClient);
    let passed_on = [
        ("destination_workload", "unknown"),
        ("destination_canonical_service", "unknown"),
        ("destination_workload_namespace", "unknown"),
        ("destination_service_name", "PassthroughCluster"),
    ];
    assert_eq!(refused(&passed_on), Refusal::UnknownServer);
    let named = with(&[
        ("source_workload", "unknown-pleasures"),
        ("request_path", "/unknown/x"),
    ]);
    assert_eq!(named.unwrap().client.workload, "unknown-pleasures");
    // Its name is known by its labels alone.
    let canonical = with(&[("destination_workload", "unknown")]).unwrap();
    assert_eq!(canonical.server.workload, "api");
}

#[test]
fn a_gateway_is_a_client_as_others() {
    let gateway = with(&[
        ("reporter", "source"),
        ("source_workload", "istio-ingressgateway"),
        ("source_workload_namespace", "istio-system"),
    ])
    .unwrap();
    assert_eq!(gateway.client.namespace, "istio-system");
}

#[test]
fn answers_that_no_server_gave_are_attempts() {
    for (code, flags, outcome) in [
        ("200", "-", Outcome::Answered),
        ("404", "-", Outcome::Answered),
        ("403", "-", Outcome::Answered),
        ("503", "UF,URX", Outcome::Unanswered),
        ("503", "UH", Outcome::Unanswered),
        ("404", "NR", Outcome::Unanswered),
        ("403", "UAEX", Outcome::Refused),
        ("429", "RL", Outcome::Refused),
        ("0", "DC", Outcome::Answered),
        ("503", "URX", Outcome::Answered),
        // The first try failed, the second did not.
        ("200", "UF", Outcome::Answered),
        ("200", "", Outcome::Answered),
    ] {
        let found = with(&[("response_code", code), ("response_flags", flags)]);
        assert_eq!(found.unwrap().outcome, outcome, "{code} {flags}");
    }
}

#[test]
fn what_the_mapper_would_refuse_is_not_sent() {
    assert_eq!(
        with(&[("request_path", &format!("/{}", "x".repeat(7_999)))]).map(|found| found.path.len()),
        Ok(8_000)
    );
    let long = [
        ("request_path", format!("/{}", "x".repeat(8_000))),
        ("source_workload", "x".repeat(254)),
    ];
    for (name, value) in &long {
        assert_eq!(with(&[(name, value)]), Err(Refusal::TooLong), "{name}");
    }
    assert_eq!(
        read("istio_requests_total{request_path=\"/a\",x} 1"),
        Err(Refusal::Malformed)
    );
}
