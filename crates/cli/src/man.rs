//! Manual pages, made from the same definition as the help.

use crate::args::ManArgs;
use crate::failure::Failure;
use crate::{command, output};

/// `portolan man`: one page for each command.
pub(crate) fn run(ManArgs { folder }: ManArgs) -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        Failure::run(format!("cannot write to {}: {error}", folder.display()))
    };
    std::fs::create_dir_all(&folder).map_err(failed)?;
    clap_mangen::generate_to(command(), &folder).map_err(failed)?;
    output::note(&format!("man -l {}/portolan.1\n", folder.display()));
    Ok(())
}
