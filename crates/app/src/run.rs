//! The life of a process, from its command line to its exit status.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use tokio::runtime;

use crate::admin::{BindError, Pages, Server};
use crate::config::{self, ConfigError, Ignored, Parsed, Port};
use crate::health::Health;
use crate::log::Log;
use crate::metrics::Metrics;
use crate::shutdown::{BoxError, Signals, Stop, Tasks};
use crate::{VERSION, log};

/// What a process is.
#[derive(Clone, Copy, Debug)]
pub struct Role {
    /// Its name, such as `mapper`; the label of `portolan_build_info`.
    pub name: &'static str,
    /// The keys of the replaced system that only this role accepted and that do nothing any more.
    pub ignored: &'static [Ignored],
}

/// The arguments of a role: its own, and those of every process by `#[command(flatten)]`.
pub trait RoleArgs: Parser {
    /// Those of every process.
    fn process(&self) -> &config::Process;
}

/// What a role works with.
#[derive(Debug)]
pub struct App {
    /// Its metrics, with those that every process has.
    pub metrics: Metrics,
    /// Its conditions.
    pub health: Health,
    /// Its tasks.
    pub tasks: Tasks,
    /// The token that ends it.
    pub stop: Stop,
}

impl App {
    /// Serves the pages of health, with the metrics, on one port, and the metrics alone on another one. Only the first must
    /// be there.
    pub async fn serve_health_and_metrics(
        &mut self,
        health: Port,
        metrics: Port,
    ) -> Result<(), BindError> {
        let pages = Pages::health(&self.health).and_metrics(&self.metrics);
        let server = Server::bind(health.0, pages).await?;
        self.tasks.spawn("health", server.serve(self.stop.clone()));
        self.serve_metrics(metrics).await;
        Ok(())
    }

    /// Serves the page of metrics. Whoever has the port already is no reason to end: it may be that of a node.
    pub async fn serve_metrics(&mut self, port: Port) {
        match Server::bind(port.0, Pages::metrics(&self.metrics)).await {
            Ok(server) => self.tasks.spawn("metrics", server.serve(self.stop.clone())),
            Err(error) => tracing::warn!(%error, "no page of metrics"),
        }
    }
}

/// Reads the settings, sets up log, metrics and signals, lets `start` add its tasks, and runs until the stop.
///
/// The status is 0 after a stop by signal, 2 after a bad setting, and 1 after everything else, which the log names.
pub fn run<A: RoleArgs>(
    role: &Role,
    runtime: &mut runtime::Builder,
    start: impl AsyncFnOnce(A, &mut App) -> Result<(), BoxError>,
) -> ExitCode {
    match read(role) {
        Ok(parsed) => run_with(role, parsed, runtime, start),
        Err(status) => status,
    }
}

/// Reads the settings. Whoever asked for help has been told, and whoever made a mistake too: then there is only the status
/// left to end with.
pub fn read<A: RoleArgs>(role: &Role) -> Result<Parsed<A>, ExitCode> {
    config::parse::<A>(std::env::args_os(), std::env::vars_os(), role.ignored)
        .map_err(|error| refuse(&error))
}

/// As [`run`], when the settings were read before.
pub fn run_with<A: RoleArgs>(
    role: &Role,
    parsed: Parsed<A>,
    runtime: &mut runtime::Builder,
    start: impl AsyncFnOnce(A, &mut App) -> Result<(), BoxError>,
) -> ExitCode {
    let log = match log::init(parsed.args.process()) {
        Ok(log) => log,
        Err(error) => return refuse(&ConfigError::Usage(error.to_string())),
    };
    tracing::info!(version = VERSION, "{} starts", role.name);
    let ended = live(role, runtime, parsed, &log, start);
    match &ended {
        Ok(()) => tracing::info!("{} stopped", role.name),
        Err(error) => tracing::error!(error = %error, "{} ends", role.name),
    }
    log.flush();
    if ended.is_ok() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn live<A: RoleArgs>(
    role: &Role,
    runtime: &mut runtime::Builder,
    parsed: Parsed<A>,
    log: &Log,
    start: impl AsyncFnOnce(A, &mut App) -> Result<(), BoxError>,
) -> Result<(), BoxError> {
    let Parsed {
        args,
        warnings,
        settings,
    } = parsed;
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    for setting in settings {
        tracing::debug!("setting {setting}");
    }
    let stop = Stop::new();
    Signals::install()?.watch(stop.clone(), log.clone())?;
    let tasks = Tasks::new(stop.clone());
    let mut app = App {
        metrics: Metrics::of_process(role.name)?,
        health: Health::new(),
        tasks,
        stop: stop.clone(),
    };
    let runtime = runtime.enable_all().build()?;
    let ended = runtime.block_on(async {
        tokio::select! {
            started = start(args, &mut app) => started?,
            () = stop.cancelled() => {}
        }
        app.tasks.run().await.map_err(BoxError::from)
    });
    // What blocks a thread of the runtime must not hold up the end.
    runtime.shutdown_background();
    ended
}

/// Before there is a log: help on standard output, a mistake on standard error, each as it is.
fn refuse(error: &ConfigError) -> ExitCode {
    let text = error.to_string();
    let text = text.trim_end();
    // When nobody can read it, the status still says it.
    let _ = match error {
        ConfigError::Asked(_) => writeln!(io::stdout(), "{text}"),
        ConfigError::Usage(_) | ConfigError::Value { .. } => writeln!(io::stderr(), "{text}"),
    };
    ExitCode::from(error.exit_status())
}
