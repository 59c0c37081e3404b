//! The settings that all roles share.

use std::fmt;
use std::str::FromStr;

use tracing_subscriber::filter::Targets;

use super::Port;

/// The settings that all roles share; a role takes them in with `#[command(flatten)]`.
#[derive(Clone, Debug, clap::Args)]
pub struct Process {
    /// Log what is of use to developers too.
    #[arg(long)]
    pub debug: bool,

    /// Levels by part of the program, such as `info,mapper=debug,kube_client=warn`; wins over --debug.
    #[arg(long, value_name = "FILTER")]
    pub log: Option<LogFilter>,

    /// Shape of the log on standard error.
    #[arg(long, value_enum, default_value_t = LogFormat::Auto, value_name = "FORMAT")]
    pub log_format: LogFormat,

    /// Port of the page of metrics.
    #[arg(long, default_value = "2112", value_name = "PORT")]
    pub metrics_port: Port,
}

/// Shape of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// `text` on a terminal, else `json`.
    Auto,
    /// One JSON object a line, with the keys `level`, `msg` and `time`.
    Json,
    /// For people.
    Text,
}

/// Which events are logged: `level` or `target=level`, separated by commas.
#[derive(Clone, Debug, PartialEq)]
pub struct LogFilter {
    text: String,
    targets: Targets,
}

/// The text is no filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected levels such as info or warn,mapper=debug (off, error, warn, info, debug, trace)")]
pub struct LogFilterError;

impl LogFilter {
    pub(crate) fn targets(&self) -> Targets {
        self.targets.clone()
    }
}

impl FromStr for LogFilter {
    type Err = LogFilterError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let targets = text.parse().map_err(|_| LogFilterError)?;
        Ok(Self {
            text: text.to_owned(),
            targets,
        })
    }
}

impl fmt::Display for LogFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
