//! The process: its tasks, and what they are given.

use std::process::ExitCode;
use std::sync::Arc;

use app::clock::Stopwatch;
use app::health::Affects;
use app::reporter::random_name;
use app::shutdown::BoxError;
use app::{App, Role};
use cluster::live::{Note, PodLogs, connect};
use tokio::runtime::Builder;
use wire::Text;

use super::coverage::Identity;
use super::cursor::{Cursor, KEY};
use super::file::LogFile;
use super::metrics;
use super::pods::Pods;
use super::reporting::Reporting;
use super::settings::{Args, IGNORED, ReadMode, SettingsError};
use super::state::State;
use super::watch::{Conditions, watch};
use crate::accesses::Broker;

const ROLE: Role = Role {
    name: "kafka-watcher",
    ignored: IGNORED,
};

/// `portolan-kafka-watcher`.
pub fn main() -> ExitCode {
    let parsed = match app::read::<Args>(&ROLE) {
        Ok(parsed) => parsed,
        Err(status) => return status,
    };
    // The only failure is that another part of the process chose one before.
    let _chosen = rustls::crypto::ring::default_provider().install_default();
    app::run_with(&ROLE, parsed, &mut Builder::new_current_thread(), start)
}

async fn start(args: Args, app: &mut App) -> Result<(), BoxError> {
    let started = Stopwatch::start();
    let state = State::default();
    let conditions = Conditions {
        logs: app
            .health
            .add("logs", Affects::Readiness, "no broker was found yet")?,
        reports: app
            .health
            .add("reports", Affects::Readiness, "nothing was reported yet")?,
    };
    let (client, delivery) = args.reporter.open()?;
    metrics::register(&app.metrics, &state, &client)?;

    app.serve_health_and_metrics(args.reporter.health_probes_port, args.process.metrics_port)
        .await?;

    let cursor = match args.kafka_log_read_mode {
        ReadMode::K8sLogs => follow_pods(&args, app, &state, started).await?,
        ReadMode::FileLogs => follow_file(&args, app, &state, started)?,
    };
    let reporting = Reporting {
        identity: Identity {
            reporter: random_name().into(),
            mode: args.kafka_log_read_mode,
            role: Text::from(match args.kafka_log_read_mode {
                ReadMode::K8sLogs => ROLE.name.to_owned(),
                ReadMode::FileLogs => format!("{} {}.{}", ROLE.name, args.pod, args.namespace),
            }),
        },
        client: client.clone(),
        state: state.clone(),
        cursor,
        interval: args.kafka_report_interval.get(),
        started,
    };
    app.tasks
        .spawn("reporting", reporting.run(app.stop.clone()));
    app.tasks.spawn("delivery", delivery.run());
    let silence = args.kafka_silence.get();
    let check = watch(
        conditions,
        state,
        client,
        silence,
        started,
        app.stop.clone(),
    );
    app.tasks.spawn("check", check);
    Ok(())
}

async fn follow_pods(
    args: &Args,
    app: &mut App,
    state: &State,
    started: Stopwatch,
) -> Result<Cursor, BoxError> {
    let (servers, selectors) = (&args.kafka_servers, &args.kafka_selectors);
    tracing::info!(
        servers = servers.0.len(), selectors = selectors.0.len(), mapper = %args.reporter.mapper_api_url,
        "logs of pods are followed"
    );
    if servers.0.is_empty() && selectors.0.is_empty() {
        tracing::warn!(
            "no broker is named: set --kafka-servers (OTTERIZE_KAFKA_SERVERS) to pods such as kafka-0.kafka, or \
             --kafka-selectors to labels such as kafka/app.kubernetes.io/name=kafka"
        );
    }
    let client = connect().await?;
    let note = (!args.cursor_namespace.is_empty()).then(|| {
        let (namespace, name) = (&args.cursor_namespace, &args.cursor_config_map);
        Note::new(client.clone(), namespace, name, KEY)
    });
    if note.is_none() {
        tracing::info!(
            "how far logs are read is not kept (--cursor-namespace, POD_NAMESPACE): after a restart, they are read from \
             five minutes before"
        );
    }
    let cursor = Cursor::new(note);
    cursor.recall(state).await;
    let pods = Pods {
        logs: PodLogs::new(client),
        servers: servers.clone(),
        selectors: selectors.clone(),
        container: args.kafka_container.clone(),
        interval: args.kafka_cooldown_interval.get(),
        state: state.clone(),
        started,
    };
    app.tasks.spawn("pods", pods.run(app.stop.clone()));
    Ok(cursor)
}

fn follow_file(
    args: &Args,
    app: &mut App,
    state: &State,
    started: Stopwatch,
) -> Result<Cursor, SettingsError> {
    for (key, value) in [("pod", &args.pod), ("namespace", &args.namespace)] {
        if value.is_empty() {
            return Err(SettingsError::NoPod(key));
        }
    }
    let broker = Arc::new(Broker {
        namespace: args.namespace.as_str().into(),
        pod: args.pod.as_str().into(),
        addresses: Vec::new(),
    });
    tracing::info!(
        file = %args.kafka_authz_log_path.display(), pod = args.pod, namespace = args.namespace,
        mapper = %args.reporter.mapper_api_url, "a log file is followed"
    );
    state.lock().follow(&broker, started.elapsed());
    let file = LogFile {
        path: args.kafka_authz_log_path.clone(),
        broker,
        state: state.clone(),
    };
    app.tasks.spawn_thread("file", move |stop| {
        file.run(stop);
        Ok::<_, BoxError>(())
    });
    Ok(Cursor::new(None))
}
