//! Completion scripts, made from the same definition as the help.

use crate::args::CompletionsArgs;
use crate::failure::Failure;
use crate::{command, output};

pub(crate) fn run(CompletionsArgs { shell }: CompletionsArgs) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command(), "portolan", &mut script);
    output::print(&script)
}
