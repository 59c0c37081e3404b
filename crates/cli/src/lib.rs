//! The `portolan` command: what was typed, what it means, what comes out, and the exit code.
//!
//! Exit codes: 0 done, 1 ran but failed, 2 wrong use or unreadable input.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

mod args;
mod completions;
mod demo;
mod export;
mod failure;
mod merge;
mod output;
mod reach;
mod replay;

use args::{Args, Command};
pub use failure::Failure;

/// Runs the command line and says how it went.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args = match Args::try_parse_from(args) {
        Ok(args) => args,
        Err(error) => {
            // clap knows its exit code: 0 for help and version, 2 for wrong use.
            let code = u8::try_from(error.exit_code()).unwrap_or(2);
            let _closed = error.print();
            return ExitCode::from(code);
        }
    };
    match run(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output::complain(&failure);
            failure.exit_code()
        }
    }
}

fn run(Args { command }: Args) -> Result<(), Failure> {
    match command {
        Command::Replay(args) => replay::run(args),
        Command::Demo(args) => demo::run(args),
        Command::Export(args) => export::run(&args),
        Command::Merge(args) => merge::run(&args),
        Command::Completions(args) => completions::run(args),
    }
}
