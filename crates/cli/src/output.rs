//! Standard output, standard error and files. A closed pipe is success: the reader has what it wanted.

use std::io::{self, Write};
use std::path::Path;

use anstyle::{AnsiColor, Style};

use crate::failure::Failure;

const ERROR: Style = AnsiColor::Red.on_default().bold();
const REMEDY: Style = AnsiColor::Green.on_default().bold();

/// Writes to standard output.
pub(crate) fn print(bytes: &[u8]) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::run(format!(
            "cannot write to standard output: {error}"
        ))),
        _ => Ok(()),
    }
}

/// Writes to standard output, in colour where that is a terminal. Whether anybody still reads.
pub(crate) fn print_styled(text: &str) -> Result<bool, Failure> {
    let mut stdout = anstream::stdout().lock();
    match stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
    {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Failure::run(format!(
            "cannot write to standard output: {error}"
        ))),
    }
}

/// Writes a whole file.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    std::fs::write(path, bytes)
        .map_err(|error| Failure::run(format!("cannot write {}: {error}", path.display())))
}

/// Says what went wrong.
pub(crate) fn complain(failure: &Failure) {
    let remedy = failure
        .remedy()
        .map(|remedy| format!("  {REMEDY}try:{REMEDY:#} {remedy}\n"))
        .unwrap_or_default();
    note(&format!("{ERROR}error:{ERROR:#} {failure}\n{remedy}"));
}

/// Writes to standard error, in colour where that is a terminal.
pub(crate) fn note(text: &str) {
    // Nobody is left to tell when standard error is closed.
    let _closed = anstream::stderr().write_all(text.as_bytes());
}
