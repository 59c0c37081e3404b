//! The settings that all roles share.

use std::fmt;
use std::str::FromStr;

use tracing::level_filters::LevelFilter;
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

/// Which events are logged: `level` or `target=level`, separated by commas; `info` where no other level is given.
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
        // Read here, because the library takes a mistyped level for a target, and mutes all others.
        let mut targets = Targets::new().with_default(LevelFilter::INFO);
        for part in text.split(',').map(str::trim) {
            targets = match part.split_once('=') {
                Some((target, name)) if !target.is_empty() => {
                    targets.with_target(target, level(name)?)
                }
                Some(_) => return Err(LogFilterError),
                None => targets.with_default(level(part)?),
            };
        }
        let text = text.to_owned();
        Ok(Self { text, targets })
    }
}

fn level(name: &str) -> Result<LevelFilter, LogFilterError> {
    Ok(match name {
        "off" => LevelFilter::OFF,
        "error" => LevelFilter::ERROR,
        "warn" | "warning" => LevelFilter::WARN,
        "info" => LevelFilter::INFO,
        "debug" => LevelFilter::DEBUG,
        "trace" => LevelFilter::TRACE,
        _ => return Err(LogFilterError),
    })
}

impl fmt::Display for LogFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
