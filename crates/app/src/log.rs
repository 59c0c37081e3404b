//! The log: one JSON object a line on standard error, with the keys of the replaced system.
//!
//! ```text
//! {"level":"warning","msg":"report refused","status":503,"target":"sniffer","time":"2026-11-23T09:42:12.861Z"}
//! ```
//!
//! Levels are named as logrus named them: `trace`, `debug`, `info`, `warning`, `error`. A field that is called as one of
//! the keys gets `fields.` in front. On a terminal, or when asked for, the same is written for people. A problem that
//! repeats is printed a few times and then summed up, see [`repeats`].

mod layer;
mod line;
pub mod repeats;

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::sync::Arc;

use map::Time;
use parking_lot::Mutex;
use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Layer, Registry};

use crate::clock;
use crate::config::{LogFormat, Process};
use line::Line;
use repeats::{Repeats, Verdict};

pub use line::Shape;

/// Libraries whose own debug lines would drown ours: they stay at `info` under `--debug`. `PORTOLAN_LOG` can ask for
/// them by name.
const QUIET: &[&str] = &[
    "h2",
    "hyper",
    "hyper_util",
    "kube",
    "kube_client",
    "kube_runtime",
    "mio",
    "rustls",
    "tower",
];

/// The log could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The process has a log already: call this once, in `main`.
    #[error("the log was set up twice")]
    Twice,
}

/// The log of the process; a cheap handle, for sums that are due and for the end.
#[derive(Clone)]
pub struct Log(Arc<Inner>);

struct Inner {
    shape: Shape,
    now: Box<dyn Fn() -> Time + Send + Sync>,
    state: Mutex<State>,
}

struct State {
    out: Box<dyn Write + Send>,
    repeats: Repeats,
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log")
            .field("shape", &self.0.shape)
            .finish_non_exhaustive()
    }
}

/// Sets up the log of the process on standard error, and logs panics.
pub fn init(settings: &Process) -> Result<Log, LogError> {
    let shape = match settings.log_format {
        LogFormat::Text => Shape::Text,
        LogFormat::Auto if io::stderr().is_terminal() => Shape::Text,
        LogFormat::Json | LogFormat::Auto => Shape::Json,
    };
    let log = Log::new(shape, io::stderr(), clock::now);
    tracing::subscriber::set_global_default(log.subscriber(filter(settings)))
        .map_err(|_| LogError::Twice)?;
    std::panic::set_hook(Box::new(log_panic));
    Ok(log)
}

/// Which events are logged under these settings.
pub fn filter(settings: &Process) -> Targets {
    if let Some(filter) = &settings.log {
        return filter.targets();
    }
    if !settings.debug {
        return Targets::new().with_default(LevelFilter::INFO);
    }
    let quiet = QUIET.iter().map(|library| (*library, LevelFilter::INFO));
    Targets::new()
        .with_default(LevelFilter::DEBUG)
        .with_targets(quiet)
}

fn log_panic(panic: &std::panic::PanicHookInfo<'_>) {
    let why = panic.payload_as_str().unwrap_or("no message");
    let place = panic
        .location()
        .map(ToString::to_string)
        .unwrap_or_default();
    tracing::error!(place, "panic: {why}");
}

impl Log {
    /// A log that writes to `out` and takes the time from `now`.
    pub fn new(
        shape: Shape,
        out: impl Write + Send + 'static,
        now: impl Fn() -> Time + Send + Sync + 'static,
    ) -> Self {
        let state = State {
            out: Box::new(out),
            repeats: Repeats::default(),
        };
        Self(Arc::new(Inner {
            shape,
            now: Box::new(now),
            state: Mutex::new(state),
        }))
    }

    /// What `tracing` sends its events to.
    pub fn subscriber(&self, filter: Targets) -> impl Subscriber + Send + Sync + use<> {
        Registry::default().with(self.layer()).with(filter)
    }

    /// The part of a subscriber that writes.
    pub fn layer<S: Subscriber + for<'a> LookupSpan<'a>>(&self) -> impl Layer<S> + use<S> {
        layer::Writer(self.clone())
    }

    /// Prints the sums whose time has come; to be called every few seconds.
    pub fn tick(&self) {
        let now = (self.0.now)();
        let mut state = self.0.state.lock();
        let sums = state.repeats.due(now);
        self.print_sums(&mut state, now, sums);
    }

    /// Prints all sums; to be called at the end of the process.
    pub fn flush(&self) {
        let now = (self.0.now)();
        let mut state = self.0.state.lock();
        let sums = state.repeats.drain(now);
        self.print_sums(&mut state, now, sums);
        // A log that cannot be written has nowhere to say so.
        let _ = state.out.flush();
    }

    fn write(&self, place: repeats::Place, line: &Line) {
        let now = (self.0.now)();
        let mut state = self.0.state.lock();
        let sums = state.repeats.due(now);
        self.print_sums(&mut state, now, sums);
        if !line.is_problem() || state.repeats.admit(place, line, now) == Verdict::Print {
            self.print(&mut state, now, line);
        }
    }

    fn print_sums(&self, state: &mut State, now: Time, sums: Vec<Line>) {
        for sum in sums {
            self.print(state, now, &sum);
        }
    }

    fn print(&self, state: &mut State, now: Time, line: &Line) {
        let text = line.render(self.0.shape, now);
        // One write for one line, so that lines of several processes on one terminal do not mix.
        let _ = state.out.write_all(text.as_bytes());
    }
}
