//! The messages of the replaced tool.

use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::failure::Failure;
use crate::output;

pub(crate) const NOTHING: &str = "No connections found.";

/// A word that is none of those that can be.
pub(crate) fn one_of(what: &str, word: &str, of: &str) -> Failure {
    Failure::run(format!(
        "unexpected output {what} {word}, use one of ({of})"
    ))
}

/// Says what went wrong, and what to do about it where that is known.
pub(crate) fn complain(failure: &Failure) -> ExitCode {
    let remedy = failure
        .remedy()
        .map(|remedy| format!("  try: {remedy}\n"))
        .unwrap_or_default();
    output::note(&format!("Error: {failure}\n{remedy}"));
    ExitCode::from(1)
}

/// What could not be read of the command line: help is no error, and what is wrong ends with 1.
pub(crate) fn mistyped(error: &clap::Error, command: &str) -> ExitCode {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            let _closed = error.print();
            return ExitCode::SUCCESS;
        }
        // A group without a command shows what there is.
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand => {
            let _closed = output::print(error.render().to_string().as_bytes());
            return ExitCode::SUCCESS;
        }
        _ => {}
    }
    let usage = match error.get(ContextKind::Usage) {
        Some(ContextValue::StyledStr(usage)) => format!("{usage}\n"),
        _ => String::new(),
    };
    output::note(&format!("Error: {}\n{usage}", message(error, command)));
    ExitCode::from(1)
}

fn message(error: &clap::Error, command: &str) -> String {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::Strings(texts)) => texts.join(", "),
        _ => String::new(),
    };
    let argument = text(ContextKind::InvalidArg);
    match error.kind() {
        ErrorKind::UnknownArgument if argument.starts_with("--") => {
            format!("unknown flag: {argument}")
        }
        ErrorKind::UnknownArgument if argument.starts_with('-') => {
            let letter = argument.trim_start_matches('-').chars().take(1);
            format!(
                "unknown shorthand flag: '{}' in {argument}",
                letter.collect::<String>()
            )
        }
        ErrorKind::UnknownArgument => format!("unknown command \"{argument}\" for \"{command}\""),
        ErrorKind::InvalidSubcommand => {
            let typed = text(ContextKind::InvalidSubcommand);
            format!("unknown command \"{typed}\" for \"{command}\"")
        }
        ErrorKind::MissingRequiredArgument => {
            let flag = flag(&argument);
            format!("required flag(s) \"{flag}\" not set")
        }
        ErrorKind::InvalidValue if text(ContextKind::InvalidValue).is_empty() => {
            format!("flag needs an argument: --{}", flag(&argument))
        }
        ErrorKind::ValueValidation | ErrorKind::InvalidValue => {
            let value = text(ContextKind::InvalidValue);
            let flag = flag(&argument);
            let why = std::error::Error::source(error).map(ToString::to_string);
            let why = why.unwrap_or_else(|| "invalid value".to_owned());
            format!("invalid argument \"{value}\" for \"--{flag}\" flag: {why}")
        }
        _ => {
            let whole = error.render().to_string();
            let line = whole.lines().next().unwrap_or_default();
            line.trim_start_matches("error: ").to_owned()
        }
    }
}

/// `output-path`, of `--output-path <FILE>`.
fn flag(argument: &str) -> &str {
    let first = argument.split([' ', ',']).next().unwrap_or_default();
    first.trim_start_matches('-')
}
