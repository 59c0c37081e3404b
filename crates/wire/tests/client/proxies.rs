//! The mapper is in the cluster, and reached directly, whatever the environment says of proxies.

use std::io;
use std::net::TcpListener;
use std::process::Command;
use std::time::Duration;

use super::reporters::{report, run, settings};
use super::server::Server;

const MAPPER: &str = "PROXY_TEST_MAPPER";

/// Variables belong to processes: the reporter is in one of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_proxy_is_asked_for_what_is_in_the_cluster() {
    let server = Server::start().await;
    let proxy = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    proxy.set_nonblocking(true).unwrap();
    let address = format!("http://{}", proxy.local_addr().unwrap());
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args([
        "--ignored",
        "--exact",
        "proxies::reports_to_the_mapper_of_the_test",
    ]);
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
        child.env(name, &address);
        child.env(name.to_lowercase(), &address);
    }
    child.env_remove("NO_PROXY").env_remove("no_proxy");
    child.env(MAPPER, server.url());
    let output = tokio::task::spawn_blocking(move || child.output());
    let output = output.await.unwrap().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}"
    );
    assert_eq!(server.taken(), [1, 2, 3]);
    let asked = proxy.accept().unwrap_err();
    assert_eq!(asked.kind(), io::ErrorKind::WouldBlock);
}

#[tokio::test]
#[ignore = "is run by the test above, in another environment"]
async fn reports_to_the_mapper_of_the_test() {
    let (reporter, task) = run(settings(&std::env::var(MAPPER).unwrap()));
    reporter.offer(report(1..=3));
    let stats = reporter.flush(Duration::from_secs(10)).await;
    assert_eq!((stats.delivered, stats.held), (3, 0));
    task.await.unwrap();
}
