//! Over TLS, with tokens.

use std::sync::atomic::Ordering;
use std::time::Duration;

use cluster::TokenUser;
use mapper::access::{Access, Reason};
use mapper::limits::MAX_REVIEWS;
use serde_json::json;
use wire::document::{REPORT_CAPTURE_RESULTS, REPORT_COVERAGE};

use super::server::{Bed, POST, ask, user};

const SNIFFER: &str = "system:serviceaccount:portolan:sniffer";
const READER: &str = "system:serviceaccount:portolan:reader";
const READ: &str = "{intents{client{name}}}";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_subject_may_do_what_its_role_says() {
    let bed = Bed::new(Access::Token).await;
    bed.api.knows("sniffer", user(SNIFFER));
    bed.api.knows("reader", user(READER));
    bed.api.knows("admin", user("admin"));
    bed.api.knows("nobody", user("nobody"));
    let grouped = TokenUser {
        groups: vec!["readers".into()],
        ..user("jane")
    };
    bed.api.knows("grouped", grouped);
    let report = "mutation { reportCaptureResults(results: {results: []}) }";
    let reset = "mutation { resetCapture }";
    let kind = "{ __type(name: \"Destination\") { name } }";
    let client = bed.from(2);
    for (token, allowed) in [
        ("sniffer", [true, true, true, false, false]),
        ("reader", [true, true, false, true, false]),
        ("grouped", [true, true, false, true, false]),
        ("admin", [true, true, false, false, true]),
        ("nobody", [true, true, false, false, false]),
    ] {
        let documents = ["{health}", kind, report, READ, reset];
        for (document, allowed) in documents.into_iter().zip(allowed) {
            let answer = client.query(token, document).await;
            let status = if allowed { 200 } else { 403 };
            assert_eq!(answer.status, status, "{token} {document} {answer:?}");
        }
    }
    let refused = client.query("reader", reset).await;
    assert!(refused.body.contains("--reset-subjects"), "{refused:?}");
    // Each token was asked about once.
    assert_eq!(bed.api.asked.load(Ordering::SeqCst), 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_has_no_good_token_is_told_how_to_get_one() {
    let bed = Bed::new(Access::Token).await;
    let client = bed.from(2);
    let body = json!({ "query": READ }).to_string();
    let tls = || async { client.tls(&bed.pair.der).await.unwrap() };
    let none = ask(tls().await, POST, &body).await;
    assert_eq!(none.status, 401);
    assert!(none.head.contains("www-authenticate: bearer"), "{none:?}");
    assert!(none.body.contains("kubectl create token"), "{none:?}");
    for fields in [
        "authorization: Basic YTpi\r\n",
        "authorization: Bearer a b\r\n",
        "authorization: Bearer a\r\nauthorization: Bearer b\r\n",
    ] {
        let answer = ask(tls().await, &format!("{POST}{fields}"), &body).await;
        assert_eq!(answer.status, 401, "{fields}");
    }
    assert_eq!(bed.api.asked.load(Ordering::SeqCst), 0);
    // A bad one is asked about once, however often it comes.
    for _ in 0..5 {
        let answer = client.query("forged", READ).await;
        assert_eq!(answer.status, 401);
        assert!(!answer.body.contains("forged"), "{answer:?}");
    }
    assert_eq!(bed.api.asked.load(Ordering::SeqCst), 1);
    assert_eq!(bed.refused(Reason::BadToken), 5);
    // Probes need none; the rest of the pages does.
    let page = |path| format!("GET {path} HTTP/1.1\r\nhost: m\r\n");
    assert_eq!(ask(tls().await, &page("/healthz"), "").await.status, 200);
    assert_eq!(ask(tls().await, &page("/events"), "").await.status, 401);
    assert_eq!(ask(tls().await, &page("/nowhere"), "").await.status, 401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_of_one_node_reports_for_that_node() {
    let bed = Bed::new(Access::Token).await;
    let bound = TokenUser {
        node: Some("node-1".into()),
        ..user(SNIFFER)
    };
    bed.api.knows("bound", bound);
    bed.api.knows("unbound", user(SNIFFER));
    let source = |node: &str| json!([{ "srcIp": "10.0.0.1", "srcHostname": "", "destinations": [], "nodeName": node }]);
    let client = bed.from(2);
    // The document of sniffers, and one that only the engine reads.
    let alias =
        "mutation($results: CaptureResults!) { x: reportCaptureResults(results: $results) }";
    for document in [REPORT_CAPTURE_RESULTS, alias] {
        for (token, node, status) in [
            ("bound", "node-1", 200),
            ("bound", "node-2", 403),
            ("bound", "", 403),
            ("unbound", "node-2", 200),
        ] {
            let answer = client.report(token, document, &source(node)).await;
            assert_eq!(
                answer.status, status,
                "{token} {node} {document} {answer:?}"
            );
        }
    }
    assert_eq!(bed.refused(Reason::Node), 4);
    let coverage = json!({ "query": REPORT_COVERAGE, "variables": { "coverage": {
        "nodeName": "node-2", "reporterId": "1", "at": "2026-11-25T00:00:00Z", "seen": [], "dropped": [],
        "spooled": 0, "rights": [], "version": "1",
    } } });
    let head = format!("{POST}authorization: Bearer bound\r\n");
    let stream = client.tls(&bed.pair.der).await.unwrap();
    assert_eq!(ask(stream, &head, &coverage.to_string()).await.status, 403);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_an_api_server_known_tokens_pass_and_others_are_told_to_wait() {
    let bed = Bed::new(Access::Token).await;
    bed.api.knows("reader", user(READER));
    let client = bed.from(2);
    assert_eq!(client.query("reader", READ).await.status, 200);
    *bed.api.away.lock() = true;
    assert_eq!(client.query("reader", READ).await.status, 200);
    bed.api.knows("other", user(READER));
    let answer = client.query("other", READ).await;
    assert_eq!(answer.status, 503, "{answer:?}");
    assert!(answer.head.contains("retry-after: 5"), "{answer:?}");
    *bed.api.away.lock() = false;
    assert_eq!(client.query("other", READ).await.status, 200);
    // What was said of a token counts until it is asked about again, and no longer.
    bed.api.forgets("reader");
    assert_eq!(client.query("reader", READ).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_unknown_tokens_neither_floods_the_api_server_nor_holds_up_known_ones() {
    let bed = Bed::new(Access::Token).await;
    bed.api.knows("reader", user(READER));
    let client = bed.from(2);
    assert_eq!(client.query("reader", READ).await.status, 200);
    bed.api.holds_back();
    let trusted = bed.pair.der.clone();
    let unknown = 40;
    let asks = (0..unknown).map(|number| {
        let trusted = trusted.clone();
        let client = bed.from(10 + u8::try_from(number % 8).unwrap());
        async move {
            let stream = client.tls(&trusted).await.unwrap();
            let head = format!("{POST}authorization: Bearer unknown-{number}\r\n");
            ask(stream, &head, &json!({ "query": READ }).to_string())
                .await
                .status
        }
    });
    let flood = futures_util::future::join_all(asks);
    let known = async {
        // Until as many are asked about as may be.
        while bed.api.at_once.load(Ordering::SeqCst) < MAX_REVIEWS {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let status = client.query("reader", READ).await.status;
        bed.api.answers(1 << 10);
        status
    };
    let (statuses, known) = futures_util::future::join(flood, known).await;
    assert_eq!(known, 200);
    assert!(statuses.iter().all(|status| *status == 401), "{statuses:?}");
    assert_eq!(bed.api.most_at_once.load(Ordering::SeqCst), MAX_REVIEWS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_requests_with_one_unknown_token_ask_once() {
    let bed = Bed::new(Access::Token).await;
    bed.api.knows("reader", user(READER));
    bed.api.holds_back();
    let asks = (0..30).map(|_| bed.from(2).query("reader", READ));
    let release = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        bed.api.answers(100);
    };
    let asks = futures_util::future::join_all(asks);
    let (answers, ()) = futures_util::future::join(asks, release).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    assert_eq!(bed.api.asked.load(Ordering::SeqCst), 1);
}
