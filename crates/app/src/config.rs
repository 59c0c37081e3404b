//! Flags and environment: a role declares its settings once, as a clap structure, and both follow.
//!
//! ```text
//! --metrics-port 2112  >  PORTOLAN_METRICS_PORT  >  OTTERIZE_METRICS_PORT  >  default
//! ```
//!
//! Only long flags are settings, in kebab case. A `bool` is written as in Go, and alone it is true. An attribute
//! `env = "POD_NAMESPACE"` adds a variable without prefix that is asked last. See [`Process`] for what all roles share.

mod boolean;
mod bytes;
mod command;
mod duration;
mod environment;
mod error;
mod ignored;
mod process;
mod settings;
mod values;
mod warnings;

use std::ffi::OsString;

use clap::Parser;
use clap::error::{ContextKind, ContextValue, ErrorKind};

pub use boolean::{BooleanError, parse_boolean};
pub use bytes::{ByteSize, ByteSizeError};
pub use duration::{DurationError, GoDuration, Interval, SHORTEST, parse_nanos};
pub use error::ConfigError;
pub use ignored::{EVERYWHERE, Ignored};
pub use process::{LogFilter, LogFilterError, LogFormat, Process};
pub use settings::{Origin, Setting};
pub use values::{Port, PortError, Secret, Words};

use command::Key;
use environment::Environment;
use values::HIDDEN;

/// What a process was told.
#[derive(Clone, Debug)]
pub struct Parsed<A> {
    /// The settings.
    pub args: A,
    /// What to warn about, once there is a log.
    pub warnings: Vec<String>,
    /// Every setting with its value and where it came from; secrets are hidden.
    pub settings: Vec<Setting>,
}

/// Reads the settings of a role from its command line (with the program's name in front) and its environment.
///
/// `ignored` are the role's own keys that do nothing any more; those of cloud and telemetry are known.
pub fn parse<A: Parser>(
    command_line: impl IntoIterator<Item = impl Into<OsString>>,
    env: impl IntoIterator<Item = (impl Into<OsString>, impl Into<OsString>)>,
    ignored: &[Ignored],
) -> Result<Parsed<A>, ConfigError> {
    let environment = Environment::new(env);
    let ignored: Vec<&Ignored> = EVERYWHERE.iter().chain(ignored).collect();
    let (command, keys) = command::complete(A::command(), &ignored);
    let mut argv: Vec<OsString> = command_line.into_iter().map(Into::into).collect();
    let given = flags(&argv);

    let found = settings::from_environment(&keys, &given, &environment);
    let before = argv.len().min(1);
    argv.splice(
        before..before,
        found.iter().map(|found| found.as_flag().into()),
    );

    let error = |error: &clap::Error| explain(error, &keys, &found);
    let mut matches = command.try_get_matches_from(argv).map_err(|e| error(&e))?;
    let settings = settings::list(&keys, &matches, &found);
    let mut warnings: Vec<String> = warnings::ignored(&ignored, &given, &environment)
        .into_iter()
        .collect();
    warnings.extend(warnings::links(&keys, &environment));
    warnings.extend(warnings::unknown(&keys, &ignored, &environment));
    warnings.extend(warnings::bare_durations(&keys, &settings));
    let parsed = A::from_arg_matches_mut(&mut matches);
    Ok(Parsed {
        args: parsed.map_err(|e| error(&e))?,
        warnings,
        settings,
    })
}

/// The long flags of a command line, without dashes and values.
fn flags(argv: &[OsString]) -> Vec<String> {
    let tokens = argv.iter().skip(1).map(|token| token.to_string_lossy());
    let tokens = tokens.take_while(|token| token != "--");
    let flags = tokens.filter_map(|token| {
        let flag = token.strip_prefix("--")?;
        Some(flag.split('=').next().unwrap_or(flag).to_owned())
    });
    flags.collect()
}

/// Clap's error in the operator's words: the key as it was given, the value, and what is accepted.
fn explain(error: &clap::Error, keys: &[Key], found: &[settings::Found<'_>]) -> ConfigError {
    let text = || error.render().to_string();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => ConfigError::Asked(text()),
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
            bad_value(error, keys, found).unwrap_or_else(|| ConfigError::Usage(text()))
        }
        _ => ConfigError::Usage(text()),
    }
}

fn bad_value(
    error: &clap::Error,
    keys: &[Key],
    found: &[settings::Found<'_>],
) -> Option<ConfigError> {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    let flag = text(ContextKind::InvalidArg)?.strip_prefix("--")?;
    let flag = flag.split([' ', '[', '=']).next()?;
    let key = keys.iter().find(|key| key.flag == flag)?;
    let value = text(ContextKind::InvalidValue)?;
    let variable = found
        .iter()
        .find(|found| found.key.flag == flag)
        .map(|found| found.variable.to_owned());
    Some(ConfigError::Value {
        key: variable.unwrap_or_else(|| format!("--{flag}")),
        value: if key.secret {
            HIDDEN.to_owned()
        } else {
            value.to_owned()
        },
        accepted: accepted(error, key),
    })
}

fn accepted(error: &clap::Error, key: &Key) -> String {
    if let Some(ContextValue::Strings(values)) = error.get(ContextKind::ValidValue)
        && !values.is_empty()
    {
        return format!("expected one of {}", values.join(", "));
    }
    let cause = std::error::Error::source(error).map(ToString::to_string);
    match (key.accepted, cause) {
        (Some(accepted), Some(cause)) => format!("{accepted}: {cause}"),
        (Some(accepted), None) => accepted.to_owned(),
        (None, Some(cause)) => cause,
        (None, None) => "expected a value".to_owned(),
    }
}
