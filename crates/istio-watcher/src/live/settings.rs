//! What the watcher can be told: flags, and the environment under the same names.

use app::config::{Ignored, Interval, Port, Process};
use app::reporter::ReporterArgs;
use clap::Parser;
use cluster::live::{SIDECAR_LABEL, WAYPOINT_LABEL};

/// Reads what Istio's sidecars have counted, and reports to the mapper which methods and paths workloads call.
#[derive(Debug, Parser)]
#[command(name = "portolan-istio-watcher", version)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) process: Process,

    /// Prints the resource that makes the mesh export methods and paths, and ends.
    #[arg(long)]
    pub(crate) print_telemetry: bool,

    #[command(flatten)]
    pub(crate) reporter: ReporterArgs,

    /// Whether anything is read at all. Without, the process waits for its end.
    #[arg(long, default_value = "true", value_name = "BOOLEAN")]
    pub(crate) enable_istio_collection: bool,

    /// The only namespace whose sidecars are read; all when it is not given.
    #[arg(long, default_value = "", value_name = "NAME")]
    pub(crate) istio_restrict_collection_to_namespace: String,

    /// The pause between two rounds through all sidecars.
    #[arg(long, default_value = "15s", value_name = "DURATION")]
    pub(crate) istio_cooldown_interval: Interval,

    /// The least time between two reports.
    #[arg(long, default_value = "30s", value_name = "DURATION")]
    pub(crate) istio_report_interval: Interval,

    /// How long one sidecar's answer may take.
    #[arg(long, default_value = "10s", value_name = "DURATION")]
    pub(crate) istio_metric_fetch_timeout: Interval,

    /// Which pods have a sidecar: a label selector.
    #[arg(long, default_value = SIDECAR_LABEL, value_name = "SELECTOR")]
    pub(crate) sidecar_selector: String,

    /// Which pods are waypoints of an ambient mesh, which count for the workloads behind them: a label selector. Empty:
    /// none is looked for.
    #[arg(long, default_value = WAYPOINT_LABEL, value_name = "SELECTOR")]
    pub(crate) waypoint_selector: String,

    /// The port where sidecars tell their statistics: 15090 is Envoy's, 15020 that of Istio's agent beside it.
    #[arg(long, default_value = "15090", value_name = "PORT")]
    pub(crate) sidecar_metrics_port: Port,

    /// What is asked for there. Envoy writes only what the filter matches; the agent writes all it has.
    #[arg(
        long,
        default_value = "/stats/prometheus?filter=istio_requests_total",
        value_name = "PATH"
    )]
    pub(crate) sidecar_metrics_path: String,

    /// Whether sidecars whose port does not answer are asked by a command in their container: pilot-agent request GET with
    /// that path. The service account needs the right to run commands in all these pods.
    #[arg(long, default_value = "false", value_name = "BOOLEAN", num_args = 0..=1, default_missing_value = "true")]
    pub(crate) istio_exec: bool,

    /// Whether to tell too what was requested before the watcher started, at an unknown time, as if it were now.
    #[arg(long, default_value = "false", value_name = "BOOLEAN", num_args = 0..=1, default_missing_value = "true")]
    pub(crate) include_history: bool,

    /// Whether numbers, UUIDs and long hexadecimal numbers in paths become {id}.
    #[arg(long, default_value = "false", value_name = "BOOLEAN", num_args = 0..=1, default_missing_value = "true")]
    pub(crate) path_templates: bool,
}

impl app::RoleArgs for Args {
    fn process(&self) -> &Process {
        &self.process
    }
}

/// Keys of the replaced system that do nothing here: the collection was a part of the mapper there, and its keys come with
/// the same environment.
pub(crate) const IGNORED: &[Ignored] = &[];
