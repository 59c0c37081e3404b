//! Signals, watched from a thread of their own: they count even when the process is stuck.

use std::io;
use std::process;
use std::thread;
use std::time::Duration;

use tokio::runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{GRACE, Stop};
use crate::log::Log;

/// How often sums of repeated lines are looked at.
const TICK: Duration = Duration::from_secs(5);

/// How long after the stop the process is ended by force: its tasks have [`GRACE`], and a stuck runtime cannot say that
/// it is over.
const FORCE: Duration = GRACE.saturating_add(Duration::from_secs(2));

/// Signals cannot be watched.
#[derive(Debug, thiserror::Error)]
#[error("cannot watch for signals: {0}")]
pub struct SignalsError(#[from] io::Error);

/// Watches for SIGTERM and SIGINT.
#[derive(Debug)]
pub struct Signals {
    runtime: runtime::Runtime,
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// From here on, signals do not end the process by themselves.
    pub fn install() -> Result<Self, SignalsError> {
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let inside = runtime.enter();
        let (terminate, interrupt) = (
            signal(SignalKind::terminate())?,
            signal(SignalKind::interrupt())?,
        );
        drop(inside);
        Ok(Self {
            runtime,
            terminate,
            interrupt,
        })
    }

    /// Starts the thread: the first signal cancels the token; a second one, or [`GRACE`] and a little more after any
    /// stop, ends the process. The thread keeps the log's sums going too.
    pub fn watch(self, stop: Stop, log: Log) -> Result<(), SignalsError> {
        let Self {
            runtime,
            mut terminate,
            mut interrupt,
        } = self;
        let watch = move || {
            runtime.block_on(async {
                let name = loop {
                    tokio::select! {
                        name = next(&mut terminate, &mut interrupt) => break Some(name),
                        () = stop.cancelled() => break None,
                        () = tokio::time::sleep(TICK) => log.tick(),
                    }
                };
                if let Some(name) = name {
                    tracing::info!(signal = name, "stopping");
                    stop.cancel();
                }
                let status = tokio::select! {
                    name = next(&mut terminate, &mut interrupt) => {
                        tracing::warn!(signal = name, "second signal: ending at once");
                        if name == "SIGINT" { 130 } else { 143 }
                    }
                    () = tokio::time::sleep(FORCE) => {
                        tracing::error!("the process is stuck: ending it by force");
                        1
                    }
                };
                log.flush();
                process::exit(status);
            });
        };
        thread::Builder::new()
            .name("signals".to_owned())
            .spawn(watch)?;
        Ok(())
    }
}

async fn next(terminate: &mut Signal, interrupt: &mut Signal) -> &'static str {
    tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    }
}
