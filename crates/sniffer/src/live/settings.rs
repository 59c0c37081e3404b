//! What the sniffer can be told: flags, and the environment under the same names.

use std::path::PathBuf;

use app::config::{ByteSize, Ignored, Interval, Process};
use app::reporter::ReporterArgs;
use clap::Parser;

/// Sees on one node who calls whom, and reports it to the mapper.
#[derive(Debug, Parser)]
#[command(name = "portolan-sniffer", version)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) process: Process,

    /// Says what this node allows, what would be seen here and what to grant, and ends: with 0 when the basic job can be
    /// done, with 1 when not. As JSON with --log-format=json.
    #[arg(long)]
    pub(crate) check: bool,

    #[command(flatten)]
    pub(crate) reporter: ReporterArgs,

    /// How often what was seen again is reported, and socket tables are looked at. What is new is reported at once.
    #[arg(long, default_value = "1s", value_name = "DURATION")]
    pub(crate) sniffer_report_interval: Interval,

    /// Where the node's /proc is.
    #[arg(long, default_value = "/hostproc", value_name = "FOLDER")]
    pub(crate) host_proc_dir: PathBuf,

    /// The node's name; the host's name when not given.
    #[arg(long, default_value = "", value_name = "NAME")]
    pub(crate) node_name: String,

    /// Whether DNS answers are reported.
    #[arg(long, default_value = "true", value_name = "BOOLEAN")]
    pub(crate) enable_dns: bool,

    /// Whether TCP handshakes are reported.
    #[arg(long, default_value = "true", value_name = "BOOLEAN")]
    pub(crate) enable_tcp: bool,

    /// Whether open connections are looked for and reported.
    #[arg(long, default_value = "true", value_name = "BOOLEAN")]
    pub(crate) enable_socket_scanner: bool,

    /// Memory for packets between the kernel and the sniffer.
    #[arg(long, default_value = "3Mi", value_name = "BYTES")]
    pub(crate) ring_size: ByteSize,

    /// Whether the process confines itself to the system calls that it needs.
    #[arg(long, default_value = "true", value_name = "BOOLEAN")]
    pub(crate) seccomp: bool,

    /// How much of one processor may be spent on socket tables, in thousandths.
    #[arg(long, default_value = "10", value_name = "THOUSANDTHS", value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) scan_budget: u16,
}

impl app::RoleArgs for Args {
    fn process(&self) -> &Process {
        &self.process
    }
}

const fn ignored(key: &'static str, why: &'static str) -> Ignored {
    Ignored { key, why }
}

/// Keys of the replaced sniffer that do nothing here.
pub(crate) const IGNORED: &[Ignored] = &[
    ignored("packets-buffer-length", "it had no effect; see ring-size"),
    ignored(
        "hosts-mapping-refresh-interval",
        "pods are found when they appear",
    ),
    ignored(
        "use-extended-procfs-resolution",
        "pods are known by their UID, not by their host name",
    ),
    ignored(
        "workload-name-override-annotation",
        "the mapper names workloads",
    ),
    ignored("pod", "only watchers of Kafka's log had a use for it"),
    ignored("namespace", "only watchers of Kafka's log had a use for it"),
];

#[cfg(test)]
mod tests;
