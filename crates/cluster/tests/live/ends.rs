//! How it ends: at once, wherever it is.

use std::time::Duration;

use cluster::live::{Live, client};
use tokio::sync::{mpsc, watch as flag};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use crate::quick;
use crate::server::{Server, list, pod};

/// How long all tasks took to end after the stop, when the API server behaves like this.
async fn ends(server: &Server, takes_updates: bool) -> Duration {
    let config = kube::Config::new(format!("http://{}", server.address).parse().unwrap());
    let (sender, mut updates) = mpsc::channel(1);
    let live = Live::new(client(config).unwrap(), &quick(), &sender);
    let (stop, stopped) = flag::channel(false);
    let mut tasks = JoinSet::new();
    for task in live.tasks {
        let mut stopped = stopped.clone();
        tasks.spawn(task.until(async move {
            let _ = stopped.wait_for(|said| *said).await;
        }));
    }
    let _ = timeout(Duration::from_millis(400), async {
        while takes_updates && updates.recv().await.is_some() {}
        std::future::pending::<()>().await;
    })
    .await;
    let begun = Instant::now();
    stop.send_replace(true);
    while tasks.join_next().await.is_some() {}
    begun.elapsed()
}

const SOON: Duration = Duration::from_millis(100);

#[tokio::test]
async fn all_tasks_end_within_100_ms_whether_all_runs_hangs_or_waits() {
    let runs = Server::start(|ask, mut reply| async move {
        reply.usual(&ask).await;
        reply
    });
    let hangs = Server::start(|_, reply| async move {
        tokio::time::sleep(Duration::from_mins(1)).await;
        reply
    });
    let full = Server::start(|ask, mut reply| async move {
        if ask.is_watch() {
            reply.usual(&ask).await;
        } else {
            let many: Vec<_> = (0..100).map(|number| pod("a", number, 1)).collect();
            reply.json(200, &list("100", &many)).await;
        }
        reply
    });
    assert!(ends(&runs.await, true).await < SOON);
    assert!(ends(&hangs.await, true).await < SOON);
    assert!(ends(&full.await, false).await < SOON);
}

#[tokio::test]
async fn all_tasks_end_when_nobody_takes_updates_any_more() {
    let server = Server::start(|ask, mut reply| async move {
        if ask.is_watch() {
            reply.start().await;
            for number in 0..1000 {
                reply.event("ADDED", &pod("a", number, 200 + number)).await;
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        } else {
            reply.json(200, &list("100", &[])).await;
        }
        reply
    })
    .await;
    let config = kube::Config::new(format!("http://{}", server.address).parse().unwrap());
    let (sender, updates) = mpsc::channel(4);
    let live = Live::new(client(config).unwrap(), &quick(), &sender);
    let mut tasks = JoinSet::new();
    for task in live.tasks {
        tasks.spawn(task.until(std::future::pending()));
    }
    drop((sender, updates, live.lookups));
    let ended = timeout(Duration::from_secs(5), async {
        while tasks.join_next().await.is_some() {}
    });
    assert!(ended.await.is_ok());
}

#[tokio::test]
async fn nothing_is_lost_when_updates_are_taken_slowly() {
    let server = Server::start(|ask, mut reply| async move {
        match (ask.of_pods(), ask.before) {
            ("watch", 0) => {
                reply.start().await;
                for number in 0..200 {
                    reply
                        .event("ADDED", &pod(&format!("p{number}"), number, 200 + number))
                        .await;
                }
                reply.end().await;
            }
            _ => reply.usual(&ask).await,
        }
        reply
    })
    .await;
    let mut watch = crate::watch(&server.address, &quick());
    assert_eq!(watch.next().await, "=0");
    for number in 0..200 {
        assert_eq!(watch.next().await, format!("+p{number}"));
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
