//! `portolan export`: the map of a running mapper, or of a file, in any form.

use std::path::Path;

use map::Map;

use crate::args::{ExportArgs, FormArgs};
use crate::failure::Failure;
use crate::{output, remote};

/// `portolan export`.
pub(crate) fn run(args: &ExportArgs) -> Result<(), Failure> {
    let map = match &args.map {
        Some(path) => read(path)?,
        None => remote::map(&args.mapper)?,
    };
    show(&map, &args.form)
}

/// Writes a map where the form says.
pub(crate) fn show(map: &Map, form: &FormArgs) -> Result<(), Failure> {
    let bytes = form.format.render(map, form.options());
    match &form.output {
        Some(path) => output::write(path, &bytes),
        None => output::print(&bytes),
    }
}

/// Reads a map file.
pub(crate) fn read(path: &Path) -> Result<Map, Failure> {
    let unusable = |what: String| {
        Failure::input(path, what).with_remedy("give a file that `portolan export -o json` wrote")
    };
    let bytes = if path.as_os_str() == "-" {
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut std::io::stdin().lock(), &mut bytes).map(|_| bytes)
    } else {
        std::fs::read(path)
    };
    let bytes = bytes.map_err(|error| unusable(format!("cannot be read: {error}")))?;
    serde_json::from_slice(&bytes).map_err(|error| unusable(format!("is no map: {error}")))
}
