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
