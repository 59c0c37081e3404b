//! `portolan export`: the map of a running mapper, or of a file, in any form.

use std::path::Path;

use map::Map;

use crate::args::{ExportArgs, FormArgs, MapperArgs};
use crate::failure::Failure;
use crate::{output, reach};

/// `portolan export`.
pub(crate) fn run(args: &ExportArgs) -> Result<(), Failure> {
    let map = match &args.map {
        Some(path) => read(path)?,
        None => fetch(&args.mapper)?,
    };
    show(&map, &args.form)
}

/// Fetches the whole map of a running mapper.
fn fetch(args: &MapperArgs) -> Result<Map, Failure> {
    reach::runtime()?.block_on(async {
        let mut mapper = reach::open(args).await?;
        let answer = mapper.get("/map").await?;
        let bytes = mapper.well(answer)?;
        serde_json::from_slice(&bytes).map_err(|error| {
            mapper
                .failed(format!("what came is no map: {error}"))
                .with_remedy("is a mapper of this version there?")
        })
    })
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
