//! The process: watch, rounds, reporting, health.

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use app::clock::{self, Stopwatch};
use app::health::{Affects, Condition};
use app::reporter::{Losses, random_name};
use app::shutdown::{BoxError, Stop};
use app::{App, Role};
use cluster::live::{self, Client, Clock, Commands, SidecarSelector};
use parking_lot::Mutex;
use tokio::runtime::Builder;
use tokio::sync::mpsc;
use wire::client::Reporter;

use super::collecting::Collecting;
use super::coverage;
use super::fetch::Ask;
use super::figures::Shared;
use super::metrics::{self, Watches};
use super::settings::{Args, IGNORED};
use super::sidecars::{Sidecars, Source};
use crate::Ledger;
use crate::advice::TELEMETRY;

const ROLE: Role = Role {
    name: coverage::ROLE,
    ignored: IGNORED,
};

/// Updates of sidecars on their way; when there are more, the API server waits.
const UPDATES: usize = 256;

/// How often health is looked at.
const CHECK: Duration = Duration::from_secs(1);

/// `portolan-istio-watcher`.
pub fn main() -> ExitCode {
    let parsed = match app::read::<Args>(&ROLE) {
        Ok(parsed) => parsed,
        Err(status) => return status,
    };
    if parsed.args.print_telemetry {
        // When nobody can read it, there is nobody to tell.
        let _ = std::io::stdout().write_all(TELEMETRY.as_bytes());
        return ExitCode::SUCCESS;
    }
    // The only failure is that another part of the process chose one before.
    let _chosen = rustls::crypto::ring::default_provider().install_default();
    app::run_with(&ROLE, parsed, &mut Builder::new_current_thread(), start)
}

async fn start(args: Args, app: &mut App) -> Result<(), BoxError> {
    let started = Stopwatch::start();
    app.serve_health_and_metrics(args.reporter.health_probes_port, args.process.metrics_port)
        .await?;
    if !args.enable_istio_collection {
        tracing::warn!("nothing is read (--enable-istio-collection=false)");
        let stop = app.stop.clone();
        app.tasks
            .spawn("wait", async move { stop.cancelled().await });
        return Ok(());
    }
    let conditions = Conditions {
        rounds: app
            .health
            .add("rounds", Affects::Life, "no sidecar was asked yet")?,
        sidecars: app
            .health
            .add("sidecars", Affects::Readiness, "pods are not known yet")?,
        reports: app
            .health
            .add("reports", Affects::Readiness, "nothing was reported yet")?,
    };
    let (client, delivery) = args.reporter.open()?;
    let kubernetes = live::connect().await?;
    let (sidecars, watches) = follow(&args, app, &kubernetes);
    let figures = Shared::default();
    metrics::register(&app.metrics, &figures, &watches, &client)?;
    let namespace = args.istio_restrict_collection_to_namespace.as_str();
    tracing::info!(
        mapper = %args.reporter.mapper_api_url, selector = args.sidecar_selector, waypoints = args.waypoint_selector,
        namespace = if namespace.is_empty() { "all of them" } else { namespace },
        port = args.sidecar_metrics_port.0, exec = args.istio_exec, history = args.include_history,
        "sidecars are asked what they have counted"
    );

    let collecting = Collecting {
        sidecars: sidecars.clone(),
        ask: Ask {
            port: args.sidecar_metrics_port.0,
            path: args.sidecar_metrics_path.as_str().into(),
            within: args.istio_metric_fetch_timeout.get(),
            commands: args.istio_exec.then(|| Commands::new(kubernetes)),
        },
        cooldown: args.istio_cooldown_interval.get(),
        report_interval: args.istio_report_interval.get(),
        include_history: args.include_history,
        ledger: Arc::new(Mutex::new(Ledger::new(args.path_templates))),
        client: client.clone(),
        reporter: random_name().into(),
        figures: Arc::clone(&figures),
        started,
    };
    // A round that waits for ten silent sidecars at a time shows life after each, which may be asked in two ways; a pause is
    // no death either.
    let stuck = Duration::from_mins(1)
        + args.istio_cooldown_interval.get()
        + 2 * args.istio_metric_fetch_timeout.get();
    app.tasks
        .spawn("collecting", collecting.run(app.stop.clone()));
    app.tasks.spawn("delivery", delivery.run());
    let check = check(conditions, sidecars, figures, client, started, stuck);
    let stop = app.stop.clone();
    app.tasks.spawn("check", until(check, stop));
    Ok(())
}

/// Follows the pods that are asked, by one watch for each selector: Kubernetes has none for the one label or the other.
fn follow(args: &Args, app: &mut App, kubernetes: &Client) -> (Sidecars, Watches) {
    let selectors = [
        (Source::Injected, &args.sidecar_selector),
        (Source::Waypoints, &args.waypoint_selector),
    ];
    let wanted = |(source, labels): &(Source, &String)| {
        // Without waypoints, there is nothing to follow; all pods are meant by no sidecar selector.
        *source == Source::Injected || !labels.is_empty()
    };
    let selectors: Vec<_> = selectors.into_iter().filter(wanted).collect();
    let sidecars = Sidecars::new(selectors.iter().map(|(source, _)| *source));
    let settings = live::Settings::new(Clock::new(clock::now));
    let mut watches = Watches::new();
    for (source, labels) in selectors {
        let selector = SidecarSelector {
            labels: labels.clone(),
            namespace: Some(args.istio_restrict_collection_to_namespace.clone())
                .filter(|name| !name.is_empty()),
        };
        let (updates_in, updates) = mpsc::channel(UPDATES);
        let (counters, watch) =
            live::sidecars(kubernetes.clone(), &settings, &selector, updates_in);
        watches.push(counters);
        let stop = app.stop.clone();
        app.tasks.spawn("watch sidecars", async move {
            watch.until(stop.cancelled()).await;
        });
        app.tasks
            .spawn("sidecars", sidecars.clone().follow(source, updates));
    }
    (sidecars, watches)
}

async fn until(work: impl Future<Output = ()>, stop: Stop) {
    tokio::select! {
        () = work => {}
        () = stop.cancelled() => {}
    }
}

struct Conditions {
    rounds: Condition,
    sidecars: Condition,
    reports: Condition,
}

/// Health is the watcher's own: a mapper or a sidecar that is away is no reason to restart what goes on asking.
async fn check(
    conditions: Conditions,
    sidecars: Sidecars,
    figures: Shared,
    client: Reporter,
    started: Stopwatch,
    stuck: Duration,
) {
    let mut losses = Losses::default();
    loop {
        let ago = started.elapsed().saturating_sub(figures.lock().alive);
        if ago < stuck {
            conditions.rounds.holds();
        } else {
            let why = format!("sidecars were last asked {} s ago", ago.as_secs());
            conditions.rounds.fails(&why);
        }
        if sidecars.are_listed() {
            conditions.sidecars.holds();
        } else {
            let why = "pods are not known: see the log for what the API server says";
            conditions.sidecars.fails(why);
        }
        losses.look(&client, &conditions.reports);
        tokio::time::sleep(CHECK).await;
    }
}
