//! The process: rights, threads, the reporting, health.

use std::process::ExitCode;
use std::time::Duration;

use app::clock::Stopwatch;
use app::health::{Affects, Condition};
use app::reporter::{Losses, random_name};
use app::shutdown::{BoxError, Stop};
use app::{App, Role};
use compact_str::CompactString;
use kernel::confine::{Extra, confine};
use kernel::heap;
use tokio::runtime::Builder;
use tokio::sync::mpsc;
use wire::client::Reporter;

use super::batch::BATCHES;
use super::capture;
use super::check::{self, Given};
use super::figures::Figures;
use super::metrics;
use super::node::{Node, own_namespace};
use super::owners::Owners;
use super::report::Identity;
use super::reporting::{Reporting, Switches};
use super::rights::{self, Opened};
use super::scan::{Hints, Scan, ScanSettings};
use super::settings::{Args, IGNORED};
use super::sources::{self, Sources};
use crate::limits::MAX_KNOWN;

const ROLE: Role = Role {
    name: "sniffer",
    ignored: IGNORED,
};

/// How often health is looked at.
const CHECK: Duration = Duration::from_secs(1);

/// How often memory that is free is given back to the system. The first sweep, and what else takes much, is over by then.
const GIVE_BACK: Duration = Duration::from_secs(10);

/// A thread that has not come round for so long is stuck: packets are looked for at least once a second, and the longest
/// walk through `/proc` takes less than one.
const STUCK: Duration = Duration::from_mins(1);

/// `portolan-sniffer`.
pub fn main() -> ExitCode {
    let parsed = match app::read::<Args>(&ROLE) {
        Ok(parsed) => parsed,
        Err(status) => return status,
    };
    let given = parsed.args.check.then(Given::look);
    // Before there is a second thread.
    heap::be_frugal();
    let opened = rights::use_up();
    // The only failure is that another part of the process chose one before.
    let _chosen = rustls::crypto::ring::default_provider().install_default();
    if let Some(given) = given {
        return check::run(parsed, given, opened.packets);
    }
    app::run_with(
        &ROLE,
        parsed,
        &mut Builder::new_current_thread(),
        async move |args, app| start(args, app, opened).await,
    )
}

async fn start(args: Args, app: &mut App, opened: Opened) -> Result<(), BoxError> {
    let started = Stopwatch::start();
    let figures = Figures::default();
    let packets_live = app
        .health
        .add("packets", Affects::Life, "packets are not read yet")?;
    let sockets_live = app
        .health
        .add("sockets", Affects::Life, "/proc is not read yet")?;
    let reports_flow = app
        .health
        .add("reports", Affects::Readiness, "nothing was reported yet")?;
    let ring = opened
        .packets
        .and_then(|socket| socket.start(usize::try_from(args.ring_size.get()).unwrap_or(0)))
        .inspect_err(|error| {
            tracing::error!(
                %error,
                "packets cannot be captured: grant the capability NET_RAW to the container, with its file's capability \
                 or as root"
            );
        })?;

    let (client, delivery) = args.reporter.open()?;
    metrics::register(&app.metrics, &figures, &client)?;
    let identity = Identity {
        node: node_name(&args.node_name),
        reporter: random_name().into(),
    };
    let door = sources::diagnostics(opened.door);
    let events = sources::tracepoint(opened.events);
    let sources = Sources {
        diagnostics: door.is_some(),
        tracepoint: events.is_some(),
    };
    *figures.sources.lock() = sources;
    tracing::info!(
        node = %identity.node, mapper = %args.reporter.mapper_api_url, sources = sources.names().join(", "),
        "the node is watched"
    );

    app.serve_health_and_metrics(args.reporter.health_probes_port, args.process.metrics_port)
        .await?;

    let (owners, hints) = (Owners::default(), Hints::default());
    let (batches_in, batches) = mpsc::channel(BATCHES);
    let scan = Scan::new(
        Node::new(&args.host_proc_dir, own_namespace()),
        &ScanSettings {
            interval: args.sniffer_report_interval.get(),
            thousandths: args.scan_budget,
            sockets: args.enable_socket_scanner,
        },
        door,
        owners.clone(),
        hints.clone(),
        figures.clone(),
        started,
    );
    let from_sockets = batches_in.clone();
    app.tasks.spawn_thread("sockets", move |stop| {
        scan.run(&from_sockets, stop);
        Ok::<_, BoxError>(())
    });
    let (of_packets, addresses) = (figures.clone(), owners.clone());
    app.tasks.spawn_thread("packets", move |stop| {
        let live = capture::Live::new(ring, events, addresses);
        capture::run(live, &batches_in, &of_packets, started, stop)
    });
    let reporting = Reporting {
        identity,
        switches: Switches {
            dns: args.enable_dns,
            tcp: args.enable_tcp,
            sockets: args.enable_socket_scanner,
        },
        client: client.clone(),
        owners,
        hints,
        node: Node::new(&args.host_proc_dir, None),
        figures: figures.clone(),
        refresh: args.sniffer_report_interval.get(),
        remember: MAX_KNOWN,
    };
    app.tasks.spawn("reporting", reporting.run(batches));
    app.tasks.spawn("delivery", delivery.run());
    let conditions = Conditions {
        packets: packets_live,
        sockets: sockets_live,
        reports: reports_flow,
    };
    let check = watch(conditions, figures, client, started, app.stop.clone());
    app.tasks.spawn("check", check);
    restrict(args.seccomp, sources);
    Ok(())
}

/// Last, when everything is open: from then on there is less that is needed.
fn restrict(wanted: bool, sources: Sources) {
    if !wanted {
        tracing::info!("system calls are not confined (--seccomp=false)");
        return;
    }
    let extra: &[Extra] = if sources.diagnostics {
        &[Extra::Namespaces]
    } else {
        &[]
    };
    match confine(extra) {
        Ok(()) => tracing::info!("system calls are confined (--seccomp)"),
        Err(error) => tracing::warn!(%error, "system calls are not confined; all else goes on"),
    }
}

/// As told, or the host's name, by which the kubelet registers a node when it is told no other.
pub(crate) fn node_name(told: &str) -> CompactString {
    if !told.is_empty() {
        return told.into();
    }
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    name.trim().into()
}

#[derive(Debug)]
struct Conditions {
    packets: Condition,
    sockets: Condition,
    reports: Condition,
}

/// Health is the sniffer's own: a mapper that is away is no reason to restart what goes on seeing.
async fn watch(
    conditions: Conditions,
    figures: Figures,
    client: Reporter,
    started: Stopwatch,
    stop: Stop,
) {
    let mut losses = Losses::default();
    let mut given_back = Duration::ZERO;
    while !stop.cancelled_within(CHECK).await {
        let now = started.elapsed();
        if now.saturating_sub(given_back) >= GIVE_BACK {
            heap::give_back();
            given_back = now;
        }
        let alive = figures.packets.lock().alive;
        lives(
            &conditions.packets,
            now,
            alive,
            "packets were last looked for",
        );
        let sockets = figures.sockets.lock().clone();
        match sockets.trouble {
            Some(why) => conditions.sockets.fails(&why),
            None => lives(
                &conditions.sockets,
                now,
                sockets.alive,
                "/proc was last read",
            ),
        }
        losses.look(&client, &conditions.reports);
    }
}

fn lives(condition: &Condition, now: Duration, alive: Duration, what: &str) {
    let ago = now.saturating_sub(alive);
    if ago < STUCK {
        condition.holds();
    } else {
        condition.fails(&format!("{what} {} s ago", ago.as_secs()));
    }
}
