//! What the watcher can be told: flags, and the environment under the same names.

use std::path::PathBuf;

use app::config::{Ignored, Interval, Process};
use app::reporter::ReporterArgs;
use clap::{Parser, ValueEnum};

use super::servers::{Selectors, Servers};

/// Follows the logs of Kafka brokers, and reports who uses which topic to the mapper.
#[derive(Debug, Parser)]
#[command(name = "portolan-kafka-watcher", version)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) process: Process,

    #[command(flatten)]
    pub(crate) reporter: ReporterArgs,

    /// Where the brokers' logs are: those of pods, through the Kubernetes API, or a file beside the broker.
    #[arg(long, value_enum, default_value_t = ReadMode::K8sLogs, value_name = "MODE")]
    pub(crate) kafka_log_read_mode: ReadMode,

    /// The brokers' pods, each as its name, a dot and its namespace, separated by white space.
    #[arg(long, default_value = "", value_name = "PODS")]
    pub(crate) kafka_servers: Servers,

    /// The brokers' pods by their labels, each as a namespace, a slash and labels, separated by white space, such as
    /// kafka/app.kubernetes.io/name=kafka.
    #[arg(long, default_value = "", value_name = "LABELS")]
    pub(crate) kafka_selectors: Selectors,

    /// The container whose log is the broker's; all of a pod when not given.
    #[arg(long, default_value = "", value_name = "NAME")]
    pub(crate) kafka_container: String,

    /// How often what was seen is reported.
    #[arg(long, default_value = "10s", value_name = "DURATION")]
    pub(crate) kafka_report_interval: Interval,

    /// How often it is looked which pods there are, and whether one of their containers was started again. Logs are
    /// followed all the time.
    #[arg(long, default_value = "10s", value_name = "DURATION")]
    pub(crate) kafka_cooldown_interval: Interval,

    /// After how long it is said that a broker logs nothing that can be used, and what to set.
    #[arg(long, default_value = "2m", value_name = "DURATION")]
    pub(crate) kafka_silence: Interval,

    /// With file-logs: the broker's log.
    #[arg(
        long,
        default_value = "/opt/otterize/kafka-watcher/authz.log",
        value_name = "FILE"
    )]
    pub(crate) kafka_authz_log_path: PathBuf,

    /// With file-logs: the broker's pod.
    #[arg(long, default_value = "", value_name = "NAME")]
    pub(crate) pod: String,

    /// With file-logs: the namespace of the broker's pod.
    #[arg(long, default_value = "", value_name = "NAME")]
    pub(crate) namespace: String,

    /// The `ConfigMap` that says how far the logs were read, to go on there after a restart.
    #[arg(long, default_value = "portolan-kafka-watcher", value_name = "NAME")]
    pub(crate) cursor_config_map: String,

    /// The namespace of that `ConfigMap`, the watcher's own. Without it, nothing is kept, and logs are read from five
    /// minutes before the start.
    #[arg(long, default_value = "", env = "POD_NAMESPACE", value_name = "NAME")]
    pub(crate) cursor_namespace: String,
}

/// Where logs come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReadMode {
    /// Through the Kubernetes API.
    #[value(name = "k8s-logs")]
    K8sLogs,
    /// A file.
    #[value(name = "file-logs")]
    FileLogs,
}

impl app::RoleArgs for Args {
    fn process(&self) -> &Process {
        &self.process
    }
}

/// Settings that do not fit together.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SettingsError {
    /// Nobody could say whose the topics are.
    #[error(
        "with --kafka-log-read-mode=file-logs, --{0} must say which pod the broker is (OTTERIZE_POD and \
         OTTERIZE_NAMESPACE, or PORTOLAN_…)"
    )]
    NoPod(&'static str),
}

/// Keys of the replaced watcher that do nothing here.
pub(crate) const IGNORED: &[Ignored] = &[];
