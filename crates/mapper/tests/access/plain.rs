//! Without TLS.

use std::time::Duration;

use mapper::access::{Access, Reason, Rules};

use super::server::{Bed, POST, POST_LOCAL, ask};

const HEALTH: &str = r#"{"query":"{health}"}"#;
const READ: &str = r#"{"query":"{intents{client{name}}}"}"#;
const RESET: &str = r#"{"query":"mutation{resetCapture}"}"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_port_forward_may_do_everything() {
    let bed = Bed::new(Access::Token).await;
    for body in [HEALTH, READ, RESET] {
        let answer = bed.from(1).plain(POST_LOCAL, body).await;
        assert_eq!(answer.status, 200, "{body} {answer:?}");
    }
    let own = format!("{POST_LOCAL}origin: http://localhost:3000\r\n");
    assert_eq!(bed.from(1).plain(&own, READ).await.status, 200);
    let nowhere = "GET /nowhere HTTP/1.1\r\nhost: localhost\r\n";
    assert_eq!(bed.from(1).plain(nowhere, "").await.status, 404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn others_get_probes_and_health_and_are_told_what_to_do() {
    let bed = Bed::new(Access::Token).await;
    let stranger = bed.from(2);
    for page in ["/healthz", "/readyz", "/query?query=%7Bhealth%7D"] {
        let head = format!("GET {page} HTTP/1.1\r\nhost: 10.0.0.9:9090\r\n");
        assert_eq!(stranger.plain(&head, "").await.status, 200, "{page}");
    }
    assert_eq!(
        stranger.plain(POST, HEALTH).await.body,
        r#"{"data":{"health":true}}"#
    );
    for body in [
        READ,
        RESET,
        r#"{"query":"{health __typename}"}"#,
        r#"{"query":"mutation($r:CaptureResults!){reportCaptureResults(results:$r)}","variables":{"r":{"results":[]}}}"#,
        r#"{"query":"{"}"#,
        r#"{"query":"mutation($r:CaptureResults!){reportCaptureResults(results:$r)}"}"#,
        "{",
        &format!(r#"{{"query":"{{health}}","x":"{}"}}"#, "x".repeat(5_000)),
    ] {
        let answer = stranger.plain(POST, body).await;
        assert_eq!(answer.status, 403, "{body} {answer:?}");
        let error = serde_json::from_str::<serde_json::Value>(&answer.body).unwrap();
        let text = error["errors"][0]["message"].as_str().unwrap();
        assert!(text.contains("kubectl port-forward"), "{text}");
    }
    for page in ["/events", "/nowhere"] {
        let head = format!("GET {page} HTTP/1.1\r\nhost: localhost:9090\r\n");
        let answer = stranger.plain(&head, "").await;
        assert_eq!(answer.status, 403);
        assert!(answer.body.starts_with("plain HTTP"), "{answer:?}");
    }
    assert_eq!(bed.refused(Reason::Plain), 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_only_looks_like_a_port_forward_is_none() {
    let bed = Bed::new(Access::Token).await;
    let loopback = bed.from(1);
    for (field, reason) in [
        ("x-forwarded-for: 10.0.0.7", Reason::Forwarded),
        ("forwarded: for=10.0.0.7", Reason::Forwarded),
        ("x-real-ip: 10.0.0.7", Reason::Forwarded),
        ("via: 1.1 proxy", Reason::Forwarded),
        ("origin: https://evil.example", Reason::Origin),
        ("origin: null", Reason::Origin),
        ("sec-fetch-site: cross-site", Reason::Origin),
        ("host: localhost:9090", Reason::Host), // twice
    ] {
        let head = format!("{POST_LOCAL}{field}\r\n");
        let before = bed.refused(reason);
        let answer = loopback.plain(&head, READ).await;
        // Two Hosts are no HTTP, and may be refused as such.
        assert!([400, 403].contains(&answer.status), "{field} {answer:?}");
        assert!(
            answer.status == 400 || bed.refused(reason) == before + 1,
            "{field}"
        );
    }
    for host in [
        "evil.example:9090",
        "portolan-mapper:9090",
        "127.0.0.2",
        "localhost.evil.example",
    ] {
        let head = format!("GET /events HTTP/1.1\r\nhost: {host}\r\n");
        assert_eq!(loopback.plain(&head, "").await.status, 403, "{host}");
    }
    let absolute = "GET http://evil.example/events HTTP/1.1\r\nhost: localhost\r\n";
    assert_eq!(loopback.plain(absolute, "").await.status, 403);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn open_lets_everybody_in_but_web_pages() {
    let bed = Bed::new(Access::Open).await;
    for body in [HEALTH, READ, RESET] {
        assert_eq!(bed.from(2).plain(POST, body).await.status, 200, "{body}");
    }
    let page = format!("{POST}origin: https://evil.example\r\n");
    assert_eq!(bed.from(2).plain(&page, READ).await.status, 403);
    let rebound = "GET /events HTTP/1.1\r\nhost: evil.example:9090\r\n";
    assert_eq!(bed.from(1).plain(rebound, "").await.status, 403);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_certificate_tls_is_refused_with_an_alert() {
    let bed = Bed::with(Rules::default(), false).await;
    let error = bed.from(2).tls(&bed.pair.der).await.unwrap_err();
    assert!(error.to_string().contains("HandshakeFailure"), "{error}");
    assert_eq!(bed.refused(Reason::NoCertificate), 1);
    assert_eq!(bed.from(1).plain(POST_LOCAL, READ).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_begins_like_tls_and_is_none_harms_nobody() {
    let bed = Bed::new(Access::Token).await;
    let noise = "\u{16}\u{3}\u{1}\u{7f}\u{7f} / HTTP/1.1\r\n";
    let _any = ask(bed.from(2).connect().await, noise, "").await;
    // It is counted once the connection is closed.
    for _ in 0..100 {
        if bed.refused(Reason::Handshake) == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(bed.refused(Reason::Handshake), 1);
    assert_eq!(bed.from(2).plain(POST, HEALTH).await.status, 200);
}
