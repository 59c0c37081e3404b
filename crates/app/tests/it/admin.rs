//! The pages over real connections, with clients that mean well and clients that do not.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use app::admin::{Limits, Pages, Server};
use app::health::{Affects, Health};
use app::metrics::Metrics;
use app::shutdown::Stop;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use crate::http::{Answer, exchange, get, request, rest};

const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

struct Running {
    address: SocketAddr,
    stop: Stop,
    task: JoinHandle<()>,
}

async fn serve(pages: Pages, limits: Limits) -> Running {
    let server = Server::bind_to(ANY, pages)
        .await
        .unwrap()
        .with_limits(limits);
    let (address, stop) = (server.address(), Stop::new());
    let task = tokio::spawn(server.serve(stop.clone()));
    Running {
        address,
        stop,
        task,
    }
}

fn metrics() -> Metrics {
    let metrics = Metrics::empty();
    metrics.counter("seen", "Seen.").unwrap().add(42);
    metrics
}

fn quick() -> Limits {
    Limits {
        time: Duration::from_millis(100),
        ..Limits::default()
    }
}

#[tokio::test]
async fn metrics_are_served_as_prometheus_expects_them() {
    let server = serve(Pages::metrics(&metrics()), Limits::default()).await;
    let answer = get(server.address, "/metrics").await;
    assert_eq!(answer.status, 200);
    assert!(
        answer.has("content-type: text/plain; version=0.0.4; charset=utf-8"),
        "{answer:?}"
    );
    assert!(answer.has("connection: close"), "{answer:?}");
    assert_eq!(
        answer.body,
        "# HELP seen Seen.\n# TYPE seen counter\nseen 42\n"
    );
    assert_eq!(get(server.address, "/metrics?x=y").await.status, 200);
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let server = serve(Pages::metrics(&metrics()), Limits::default()).await;
    let answer = request(server.address, "HEAD", "/metrics").await;
    assert_eq!((answer.status, answer.body.as_str()), (200, ""));
    assert!(answer.has("content-length: 46"), "{answer:?}");
}

#[tokio::test]
async fn probes_say_which_condition_fails() {
    let health = Health::new();
    let synced = health
        .add("synced", Affects::Readiness, "no pods yet")
        .unwrap();
    let server = serve(Pages::health(&health), Limits::default()).await;
    let answer = get(server.address, "/readyz").await;
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (503, "failing\nsynced: failing: no pods yet\n")
    );
    assert!(
        answer.has("content-type: text/plain; charset=utf-8"),
        "{answer:?}"
    );
    assert_eq!(get(server.address, "/healthz").await.status, 200);
    synced.holds();
    assert_eq!(get(server.address, "/readyz").await.status, 200);
    assert_eq!(request(server.address, "HEAD", "/readyz").await.status, 200);
}

#[tokio::test]
async fn a_server_has_only_the_pages_it_was_given() {
    let health = serve(Pages::health(&Health::new()), Limits::default()).await;
    let metrics_only = serve(Pages::metrics(&metrics()), Limits::default()).await;
    let both = serve(
        Pages::health(&Health::new()).and_metrics(&metrics()),
        Limits::default(),
    )
    .await;
    for (server, path, status) in [
        (&health, "/metrics", 404),
        (&health, "/healthz", 200),
        (&metrics_only, "/healthz", 404),
        (&metrics_only, "/readyz", 404),
        (&metrics_only, "/", 404),
        (&metrics_only, "/metrics/", 404),
        (&both, "/metrics", 200),
        (&both, "/readyz", 200),
    ] {
        assert_eq!(get(server.address, path).await.status, status, "{path}");
    }
}

#[tokio::test]
async fn other_methods_are_refused() {
    let server = serve(Pages::metrics(&metrics()), Limits::default()).await;
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "BREW"] {
        let answer = request(server.address, method, "/metrics").await;
        assert_eq!(answer.status, 405, "{method}");
        assert!(answer.has("allow: get, head"), "{answer:?}");
    }
}

#[tokio::test]
async fn what_is_no_request_is_answered_or_dropped_and_others_are_served() {
    let server = serve(Pages::metrics(&metrics()), Limits::default()).await;
    let huge = format!(
        "GET /metrics HTTP/1.1\r\nX: {}\r\n\r\n",
        "x".repeat(1 << 20)
    );
    let many = format!("GET /metrics HTTP/1.1\r\n{}\r\n", "X: y\r\n".repeat(1_000));
    let long = format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(1 << 20));
    for request in [
        huge.as_bytes(),
        many.as_bytes(),
        long.as_bytes(),
        b"\x16\x03\x01\x02\x00\x01",
        b"nonsense\r\n\r\n",
        b"\0",
    ] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        let _ = stream.write_all(request).await;
        let _ = stream.shutdown().await;
        let answer = rest(&mut stream).await;
        assert!(
            answer.is_empty() || (400..500).contains(&Answer::new(&answer).status),
            "{answer}"
        );
    }
    let refused = exchange(server.address, many.as_bytes()).await;
    assert_eq!(Answer::new(&refused).status, 431);
    assert_eq!(get(server.address, "/metrics").await.status, 200);
}

#[tokio::test]
async fn half_a_request_is_waited_for_only_so_long() {
    let server = serve(Pages::metrics(&metrics()), quick()).await;
    for half in ["", "GET /metr", "GET /metrics HTTP/1.1\r\nHost: x\r\n"] {
        assert_eq!(
            exchange(server.address, half.as_bytes()).await,
            "",
            "{half}"
        );
    }
}

#[tokio::test]
async fn a_full_server_drops_its_oldest_connection_for_a_new_one() {
    let server = serve(
        Pages::metrics(&metrics()),
        Limits {
            connections: 4,
            ..Limits::default()
        },
    )
    .await;
    let mut idle = Vec::new();
    for _ in 0..20 {
        idle.push(TcpStream::connect(server.address).await.unwrap());
    }
    assert_eq!(get(server.address, "/metrics").await.status, 200);
    // Seventeen of them were closed by now, and these reads end; the youngest three are still served.
    for stream in &mut idle[..17] {
        assert_eq!(rest(stream).await, "");
    }
    let youngest = idle.last_mut().unwrap();
    youngest
        .write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .unwrap();
    assert_eq!(Answer::new(&rest(youngest).await).status, 200);
}

#[tokio::test]
async fn the_stop_ends_the_server_and_closes_what_is_open() {
    let server = serve(Pages::metrics(&metrics()), Limits::default()).await;
    let mut idle = TcpStream::connect(server.address).await.unwrap();
    assert_eq!(get(server.address, "/metrics").await.status, 200);
    server.stop.cancel();
    server.task.await.unwrap();
    assert_eq!(rest(&mut idle).await, "");
    assert!(TcpStream::connect(server.address).await.is_err());
}

#[tokio::test]
async fn a_port_in_use_is_a_typed_error() {
    let first = Server::bind(0, Pages::default()).await.unwrap();
    let port = first.address().port();
    let error = Server::bind(port, Pages::default()).await.unwrap_err();
    assert_eq!(error.port, port);
    assert_eq!(error.cause.kind(), std::io::ErrorKind::AddrInUse);
    assert_eq!(
        error.to_string(),
        format!("cannot listen on port {port}: Address already in use (os error 98)")
    );
}

#[tokio::test]
async fn a_port_of_all_addresses_is_reached_by_the_older_family_too() {
    let server = Server::bind(0, Pages::metrics(&metrics())).await.unwrap();
    let address = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), server.address().port());
    tokio::spawn(server.serve(Stop::new()));
    assert_eq!(get(address, "/metrics").await.status, 200);
}
