//! Completion scripts, made from the same definition as the help.

use clap::CommandFactory;

use crate::args::{Args, CompletionsArgs};
use crate::failure::Failure;
use crate::output;

pub(crate) fn run(CompletionsArgs { shell }: CompletionsArgs) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "portolan", &mut script);
    output::print(&script)
}
