//! The `portolan` command: what was typed, what it means, what comes out, and the exit code.
//!
//! Exit codes: 0 done, 1 ran but failed, 2 wrong use or unreadable input. Called as the tool that it replaces, by the name
//! `otterize` or with `network-mapper` in front, it takes that one's command line (module `old`).

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches};

mod args;
mod completions;
mod demo;
mod diff;
mod edge_text;
mod export;
mod failure;
mod fetched;
mod man;
mod merge;
mod old;
mod output;
mod reach;
mod replay;
mod reset;
mod settings;
mod source;
mod status;
mod watch;

use args::{Args, Command};
pub use failure::Failure;
use settings::Settings;

/// Flags that variables may set, beside those of the old command line: where the mapper is.
const SETTABLE: [&str; 8] = [
    "mapper-url",
    "mapper-namespace",
    "mapper-service-name",
    "mapper-service-port",
    "token-file",
    "ca-file",
    "kubeconfig",
    "context",
];

/// Runs the command line and says how it went.
pub fn main(typed: impl IntoIterator<Item = OsString>) -> ExitCode {
    let typed: Vec<OsString> = typed.into_iter().collect();
    let name = called(&typed);
    let first = typed.get(1).and_then(|word| word.to_str());
    if name == "otterize" || first.is_some_and(|first| old::GROUPS.contains(&first)) {
        return old::main(name, typed);
    }
    let settings = Settings::of_process();
    let command = settings.fill(command(), &|flag| SETTABLE.contains(&flag));
    let command = command.bin_name(name);
    let parsed = { command.try_get_matches_from(typed) }
        .and_then(|matches| Args::from_arg_matches(&matches));
    let args = match parsed {
        Ok(args) => args,
        Err(error) => {
            // clap knows its exit code: 0 for help and version, 2 for wrong use.
            let code = u8::try_from(error.exit_code()).unwrap_or(2);
            let _closed = error.print();
            return ExitCode::from(code);
        }
    };
    match run(args, &settings) {
        Ok(code) => code,
        Err(failure) => {
            output::complain(&failure);
            failure.exit_code()
        }
    }
}

/// All that can be typed.
fn command() -> clap::Command {
    Args::command().mut_subcommand(old::GROUPS[0], old::with_global_flags)
}

/// By which of its names the program was called: kubectl calls plugins by theirs.
fn called(typed: &[OsString]) -> &'static str {
    let program = typed.first().map(Path::new).and_then(Path::file_stem);
    match program.and_then(|name| name.to_str()) {
        Some("otterize") => "otterize",
        Some("kubectl-portolan") => "kubectl portolan",
        _ => "portolan",
    }
}

fn run(Args { command }: Args, settings: &Settings) -> Result<ExitCode, Failure> {
    match command {
        Command::Replay(args) => replay::run(args)?,
        Command::Demo(args) => demo::run(args)?,
        Command::List(args) => export::list(&args, settings)?,
        Command::Export(args) => export::run(&args, settings)?,
        Command::Visualize(args) => export::visualize(&args, settings)?,
        Command::Status(args) => status::run(&args)?,
        Command::Watch(args) => watch::run(&args, settings)?,
        Command::Diff(args) => return diff::run(&args, settings),
        Command::Reset(args) => reset::run(&args)?,
        Command::Merge(args) => merge::run(&args)?,
        Command::NetworkMapper(under) => old::run(under.root, &under.group, settings)?,
        Command::Completions(args) => completions::run(args)?,
        Command::Man(args) => man::run(args)?,
    }
    Ok(ExitCode::SUCCESS)
}
