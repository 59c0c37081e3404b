//! The main job on recorded input: captures, snapshots and socket tables in, the map out.
//!
//! ```text
//! captures ─► Frames (in the order of time) ─┐
//! socket tables ─► Scan ─────────────────────┼─► Pipeline ─► (Map, Summary) ─► format
//! snapshots, pod events ─► cluster::Index ───┘
//! ```

mod advice;
mod frames;
mod load;
mod pipeline;
mod progress;
mod scans;
mod summary;

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::args::{ReplayArgs, ViewArgs};
use crate::failure::Failure;
use crate::output;
pub(crate) use frames::Input;
pub(crate) use load::{documents, index};
pub(crate) use pipeline::{Recording, draw};
pub(crate) use scans::read_tar;

/// `portolan replay`.
pub(crate) fn run(args: ReplayArgs) -> Result<(), Failure> {
    let ReplayArgs {
        capture,
        cluster,
        pod_events,
        sockets,
        view,
    } = args;
    let once =
        |paths: &[std::path::PathBuf]| paths.iter().filter(|path| path.as_os_str() == "-").count();
    if once(&capture) + once(&cluster) + once(&pod_events) > 1 {
        return Err(Failure::input(Path::new("-"), "can be read only once"));
    }
    let mut index = index(&view.cluster_domain);
    let mut problems = Vec::new();
    let mut kinds = load::Kinds::new();
    for (paths, remedy) in [
        (&cluster, load::CLUSTER_REMEDY),
        (&pod_events, load::POD_EVENTS_REMEDY),
    ] {
        for path in paths {
            let read = documents(&mut index, &mut open(path)?, &mut problems)
                .map_err(|failure| failure.with_remedy(remedy))?;
            for (kind, n) in read {
                *kinds.entry(kind).or_default() += n;
            }
        }
    }
    load::check(&kinds, &mut problems);
    let mut scans = Vec::new();
    for path in &sockets {
        scans.push(scans::read(path, &mut problems)?);
    }
    let inputs = capture
        .iter()
        .map(|path| open(path))
        .collect::<Result<Vec<_>, _>>()?;
    show(
        Recording {
            inputs,
            scans,
            index,
            problems,
        },
        &view,
    )
}

/// Draws the map of a recording and writes it where the view says; the summary goes to standard error.
pub(crate) fn show(recording: Recording<'_>, view: &ViewArgs) -> Result<(), Failure> {
    let (map, summary) = draw(recording)?;
    crate::export::show(&map, &view.form)?;
    if !view.quiet {
        output::note(&summary.to_string());
    }
    Ok(())
}

/// Opens a file, or standard input.
fn open(path: &Path) -> Result<Input<'static>, Failure> {
    if path.as_os_str() == "-" {
        return Ok(Input {
            name: path.to_owned(),
            reader: Box::new(io::stdin().lock()),
            length: None,
        });
    }
    let file = File::open(path).map_err(|error| unreadable(path, &error))?;
    let metadata = file.metadata().map_err(|error| unreadable(path, &error))?;
    if metadata.is_dir() {
        return Err(Failure::input(path, "is a folder, not a file")
            .with_remedy("name the files in it; the option takes several"));
    }
    let length = metadata.is_file().then_some(metadata.len());
    let reader: Box<dyn Read> = Box::new(file);
    Ok(Input {
        name: path.to_owned(),
        reader,
        length,
    })
}

/// An input that the system does not give.
fn unreadable(path: &Path, error: &io::Error) -> Failure {
    let failure = Failure::input(path, why(error));
    match error.kind() {
        io::ErrorKind::NotFound => failure.with_remedy("check the path"),
        io::ErrorKind::PermissionDenied => {
            failure.with_remedy("let your user read it, or run as one who may")
        }
        _ => failure,
    }
}

fn why(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    }
}
