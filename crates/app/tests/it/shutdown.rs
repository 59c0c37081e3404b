//! Tasks and threads, and how they end.

use std::io;
use std::time::Duration;

use app::shutdown::{GRACE, Stop, TaskError, Tasks, Unclean};
use tokio::sync::oneshot;

/// A task that ends when it is told to.
async fn obedient(stop: Stop) {
    stop.cancelled().await;
}

fn unclean(ended: Result<(), Unclean>) -> String {
    ended.unwrap_err().to_string()
}

#[tokio::test]
async fn the_token_is_said_once_and_for_all() {
    let stop = Stop::new();
    let other = stop.clone();
    assert!(!stop.is_cancelled());
    assert!(!stop.wait(Duration::ZERO));
    assert!(!stop.cancelled_within(Duration::from_millis(1)).await);
    let waiting = tokio::spawn(async move { other.cancelled().await });
    stop.cancel();
    stop.cancel();
    waiting.await.unwrap();
    stop.cancelled().await;
    assert!(stop.is_cancelled() && stop.wait(Duration::from_hours(1)));
    assert!(stop.cancelled_within(Duration::from_hours(1)).await);
}

#[test]
fn a_thread_that_waits_is_woken() {
    let stop = Stop::new();
    let other = stop.clone();
    let thread = std::thread::spawn(move || other.wait(Duration::from_hours(1)));
    stop.cancel();
    assert!(thread.join().unwrap());
}

#[tokio::test]
async fn tasks_and_threads_that_end_by_the_token_end_well() {
    let mut tasks = Tasks::new(Stop::new());
    let stop = tasks.stop().clone();
    tasks.spawn("a", obedient(stop.clone()));
    let watched = stop.clone();
    tasks.spawn_fallible("b", async move {
        obedient(watched).await;
        Ok::<_, io::Error>(())
    });
    tasks.spawn_thread("c", |stop| {
        assert!(stop.wait(Duration::from_hours(1)));
        Ok::<_, io::Error>(())
    });
    stop.cancel();
    assert_eq!(tasks.run().await, Ok(()));
}

#[tokio::test]
async fn without_tasks_only_the_stop_ends_it() {
    let tasks = Tasks::new(Stop::new());
    let stop = tasks.stop().clone();
    let running = tokio::spawn(tasks.run());
    tokio::task::yield_now().await;
    assert!(!running.is_finished());
    stop.cancel();
    assert_eq!(running.await.unwrap(), Ok(()));
}

#[tokio::test]
async fn a_task_that_ends_early_stops_the_others_and_is_named() {
    let mut tasks = Tasks::new(Stop::new());
    let (ended, told) = oneshot::channel();
    let stop = tasks.stop().clone();
    tasks.spawn("obedient", async move {
        obedient(stop).await;
        ended.send(()).unwrap();
    });
    tasks.spawn("hasty", async {});
    assert_eq!(
        unclean(tasks.run().await),
        "hasty ended although nothing stopped it"
    );
    told.await.unwrap();
}

#[derive(Debug, thiserror::Error)]
#[error("the socket is gone")]
struct Gone(#[source] io::Error);

#[tokio::test]
async fn a_task_that_fails_is_named_with_its_error_and_the_causes() {
    let mut tasks = Tasks::new(Stop::new());
    tasks.spawn_fallible("capture", async {
        Err(Gone(io::Error::other("no device")))
    });
    assert_eq!(
        unclean(tasks.run().await),
        "capture failed: the socket is gone: no device"
    );
}

#[tokio::test]
async fn a_task_that_panics_is_named_with_its_message() {
    let mut tasks = Tasks::new(Stop::new());
    tasks.spawn("ingest", async { panic!("row {}", 7) });
    assert_eq!(unclean(tasks.run().await), "ingest panicked: row 7");
}

#[tokio::test]
async fn threads_are_looked_after_as_tasks_are() {
    let mut tasks = Tasks::new(Stop::new());
    tasks.spawn_thread("scan", |_| Err::<(), _>("no /proc"));
    assert_eq!(unclean(tasks.run().await), "scan failed: no /proc");

    let mut tasks = Tasks::new(Stop::new());
    tasks.spawn_thread("scan", |_| Ok::<_, io::Error>(()));
    assert_eq!(
        unclean(tasks.run().await),
        "scan ended although nothing stopped it"
    );

    let mut tasks = Tasks::new(Stop::new());
    tasks.spawn_thread("scan", |_| -> Result<(), io::Error> { panic!("row 7") });
    assert_eq!(
        unclean(tasks.run().await),
        "scan panicked: the log has the message"
    );
}

#[tokio::test(start_paused = true)]
async fn who_does_not_end_in_time_is_named() {
    let mut tasks = Tasks::new(Stop::new());
    let stop = tasks.stop().clone();
    tasks.spawn("obedient", obedient(stop.clone()));
    tasks.spawn("b", std::future::pending());
    tasks.spawn("a", std::future::pending());
    stop.cancel();
    let begun = tokio::time::Instant::now();
    assert_eq!(
        unclean(tasks.run().await),
        "a did not end within 5 s of the stop; b did not end within 5 s of the stop",
    );
    assert_eq!(begun.elapsed().as_secs(), GRACE.as_secs());
}

#[tokio::test(start_paused = true)]
async fn the_cause_comes_first_then_what_went_wrong_at_the_end() {
    let mut tasks = Tasks::new(Stop::new()).with_grace(Duration::from_secs(1));
    let stop = tasks.stop().clone();
    tasks.spawn("late", std::future::pending());
    tasks.spawn_fallible("store", async move {
        stop.cancelled().await;
        Err(io::Error::other("disk full"))
    });
    tasks.spawn("cause", async { panic!("first") });
    let Unclean(errors) = tasks.run().await.unwrap_err();
    assert_eq!(
        errors,
        [
            TaskError::Panicked {
                name: "cause",
                why: "first".to_owned()
            },
            TaskError::Failed {
                name: "store",
                why: "disk full".to_owned()
            },
            TaskError::Late {
                name: "late",
                grace: Duration::from_secs(1)
            },
        ],
    );
}

/// The token reaches a task of another thread before it reaches the one that waits: that task did not end early.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_that_sees_the_stop_first_did_not_end_early() {
    for _ in 0..200 {
        let mut tasks = Tasks::new(Stop::new());
        let stop = tasks.stop().clone();
        for _ in 0..4 {
            tasks.spawn("obedient", obedient(stop.clone()));
        }
        let running = tokio::spawn(tasks.run());
        std::thread::spawn(move || stop.cancel()).join().unwrap();
        assert_eq!(running.await.unwrap(), Ok(()));
    }
}
