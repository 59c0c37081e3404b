//! The smallest process with everything that all of them share. The tests start it as a process
//! of its own; it is a binary and not an example so that cargo builds it for them always. It is not shipped.

use std::process::ExitCode;
use std::time::Duration;

use app::admin::{Pages, Server};
use app::config::{Ignored, Interval, Port, Process};
use app::health::Affects;
use app::shutdown::BoxError;
use app::{App, Role, RoleArgs};
use tokio::runtime::Builder;

const ROLE: Role = Role {
    name: "skeleton",
    ignored: &[Ignored {
        key: "packets-buffer-length",
        why: "the ring has a size of its own",
    }],
};

/// Does nothing, at intervals.
#[derive(Debug, clap::Parser)]
#[command(name = "portolan-skeleton")]
struct Args {
    #[command(flatten)]
    process: Process,

    /// Port of the pages for probes.
    #[arg(long, default_value = "9090", value_name = "PORT")]
    health_probes_port: Port,

    /// How often nothing is done.
    #[arg(long, default_value = "1s", value_name = "DURATION")]
    report_interval: Interval,

    /// What to do wrong, to see what becomes of it.
    #[arg(long, value_enum)]
    fault: Option<Fault>,
}

#[derive(Clone, Copy, Debug, PartialEq, clap::ValueEnum)]
enum Fault {
    End,
    Panic,
    Late,
    Stuck,
}

impl RoleArgs for Args {
    fn process(&self) -> &Process {
        &self.process
    }
}

fn main() -> ExitCode {
    app::run(&ROLE, &mut Builder::new_current_thread(), start)
}

async fn start(args: Args, app: &mut App) -> Result<(), BoxError> {
    let rounds = app
        .metrics
        .counter("skeleton_rounds", "How often nothing was done.")?;
    let working = app
        .health
        .add("working", Affects::Readiness, "no round yet")?;

    // The port of probes is a must, that of metrics is not: on the node's network another may have it.
    let health = Server::bind(args.health_probes_port.0, Pages::health(&app.health)).await?;
    tracing::info!(address = %health.address(), "probes are answered");
    app.tasks.spawn("probes", health.serve(app.stop.clone()));
    match Server::bind(args.process.metrics_port.0, Pages::metrics(&app.metrics)).await {
        Ok(server) => {
            tracing::info!(address = %server.address(), "metrics are served");
            app.tasks.spawn("metrics", server.serve(app.stop.clone()));
        }
        Err(error) => tracing::warn!(%error, "no page of metrics"),
    }

    let stop = app.stop.clone();
    app.tasks.spawn("rounds", async move {
        while !stop.cancelled_within(args.report_interval.get()).await {
            rounds.add(1);
            working.holds();
        }
    });
    if let Some(fault) = args.fault {
        let stop = app.stop.clone();
        app.tasks.spawn("fault", misbehave(fault, stop));
    }
    Ok(())
}

#[expect(clippy::panic, reason = "to see what becomes of it")]
async fn misbehave(fault: Fault, stop: app::shutdown::Stop) {
    match fault {
        Fault::End => {}
        Fault::Panic => panic!("on purpose"),
        Fault::Late => {
            stop.cancelled().await;
            std::future::pending::<()>().await;
        }
        Fault::Stuck => {
            tracing::info!("stuck");
            std::thread::sleep(Duration::from_hours(1));
        }
    }
}
