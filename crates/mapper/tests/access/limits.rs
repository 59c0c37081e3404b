//! What one sender may take up.

use std::time::Duration;

use mapper::access::{Access, Reason};
use mapper::limits::{CONNECTION_COST, MAX_CONNECTIONS_PER_SENDER, REQUEST_BURST};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::server::{Bed, POST, POST_LOCAL, ask, user};

const HEALTH: &str = r#"{"query":"{health}"}"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sender_has_so_many_connections_and_others_have_theirs() {
    let bed = Bed::new(Access::Token).await;
    let mut held = Vec::new();
    let request = format!("{POST}content-length: {}\r\n\r\n{HEALTH}", HEALTH.len());
    for _ in 0..MAX_CONNECTIONS_PER_SENDER {
        let mut stream = bed.from(3).connect().await;
        // Its answer shows that it has its place, before the next one comes.
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut start = [0; 12];
        stream.read_exact(&mut start).await.unwrap();
        assert_eq!(&start, b"HTTP/1.1 200");
        held.push(stream);
    }
    let answer = ask(bed.from(3).connect().await, POST, HEALTH).await;
    assert_eq!(answer.status, 0, "{answer:?}");
    assert_eq!(bed.refused(Reason::Connections), 1);
    assert_eq!(bed.from(2).plain(POST, HEALTH).await.status, 200);
    held.clear();
    // They are given back once their ends were seen.
    let mut status = 0;
    for _ in 0..100 {
        status = ask(bed.from(3).connect().await, POST, HEALTH).await.status;
        if status == 200 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sender_that_floods_is_held_off_and_others_are_not() {
    let bed = Bed::new(Access::Token).await;
    let mut stream = bed.from(3).connect().await;
    let length = HEALTH.len();
    let request = format!("{POST}content-length: {length}\r\n\r\n{HEALTH}");
    let (mut answers, mut buffer) = (Vec::new(), vec![0; 64 << 10]);
    let burst = usize::try_from(REQUEST_BURST).unwrap();
    for _ in 0..2 * burst {
        stream.write_all(request.as_bytes()).await.unwrap();
        let count = stream.read(&mut buffer).await.unwrap();
        answers.push(String::from_utf8_lossy(&buffer[..count]).into_owned());
        if answers.last().unwrap().starts_with("HTTP/1.1 429") {
            break;
        }
    }
    let last = answers.last().unwrap().to_lowercase();
    assert!(last.contains("retry-after: 1"), "{last}");
    assert!(answers.len() > burst - 10, "{}", answers.len());
    assert_eq!(bed.refused(Reason::Rate), 1);
    // Probes pass whoever floods: kubelet may share the address.
    let probe = "GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    stream.write_all(probe.as_bytes()).await.unwrap();
    let count = stream.read(&mut buffer).await.unwrap();
    assert!(buffer[..count].starts_with(b"HTTP/1.1 200"));
    for client in [bed.from(2), bed.from(4)] {
        assert_eq!(client.plain(POST, HEALTH).await.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn new_connections_are_held_off_as_requests_are() {
    let bed = Bed::new(Access::Token).await;
    let most = REQUEST_BURST / u64::from(CONNECTION_COST);
    // A refusal takes a quarter of a second: a few are enough.
    let (mut made, mut refused) = (0, 0);
    while refused < 3 && made < 2 * most {
        let answer = ask(bed.from(3).connect().await, POST, HEALTH).await;
        made += 1;
        refused += u64::from(answer.status == 0);
    }
    assert!(refused > 0);
    assert_eq!(bed.refused(Reason::NewConnections), refused);
    assert_eq!(bed.from(2).plain(POST, HEALTH).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn loopback_is_not_held_off() {
    let bed = Bed::new(Access::Token).await;
    for _ in 0..MAX_CONNECTIONS_PER_SENDER + 10 {
        assert_eq!(bed.from(1).plain(POST_LOCAL, HEALTH).await.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_are_counted_as_they_come() {
    let bed = Bed::new(Access::Token).await;
    bed.api
        .knows("t", user("system:serviceaccount:portolan:sniffer"));
    // Nothing in it, but much of it.
    let body = format!(r#"{{"query":"{{health}}"{}}}"#, " ".repeat(24 << 20));
    let head = format!("{POST}authorization: Bearer t\r\n");
    let mut statuses = Vec::new();
    for _ in 0..6 {
        let stream = bed.from(3).tls(&bed.pair.der).await.unwrap();
        statuses.push(ask(stream, &head, &body).await.status);
    }
    assert_eq!(statuses[..2], [200, 200], "{statuses:?}");
    let after = bed.from(2).tls(&bed.pair.der).await.unwrap();
    assert_eq!(ask(after, &head, &body).await.status, 200, "another sender");
}

/// The engine's own bounds hold behind the gate too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn documents_are_bounded_in_depth_and_size() {
    let bed = Bed::new(Access::Token).await;
    let kind = "ofType { ".repeat(30);
    let deep = format!(
        "{{ __type(name: \"Edge\") {{ {kind} name {} }} }}",
        "}".repeat(30)
    );
    let wide = format!(
        "{{ {} }}",
        (0..3_000).fold(String::new(), |all, n| format!("{all} a{n}: health"))
    );
    let nested = format!("{}{}", "{a".repeat(100), "}".repeat(100));
    let long = format!("{{ health }} #{}", "x".repeat(70_000));
    let directives = format!("{{ health {} }}", "@skip(if: false) ".repeat(20));
    for document in [deep, wide, nested, long, directives] {
        let body = serde_json::json!({ "query": document }).to_string();
        let answer = bed.from(1).plain(POST_LOCAL, &body).await;
        let start: String = document.chars().take(40).collect();
        assert_eq!(answer.status, 422, "{start} {answer:?}");
    }
}
