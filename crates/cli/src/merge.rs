//! `portolan merge`: the maps of several clusters, or of several times, become one.

use std::path::{Path, PathBuf};

use map::Map;

use crate::args::MergeArgs;
use crate::failure::Failure;
use crate::{export, source};

/// `portolan merge`.
pub(crate) fn run(args: &MergeArgs) -> Result<(), Failure> {
    let mut all = Map::new();
    for file in &args.maps {
        let (cluster, path) = split(file);
        let map = source::read(&path)?;
        all.merge(&match cluster {
            Some(cluster) => map.with_name(cluster),
            None => map,
        });
    }
    export::show(&all, &args.form)
}

/// `NAME=FILE`, or only a file. A file whose name has an equals sign can be written `./a=b`.
fn split(text: &str) -> (Option<&str>, PathBuf) {
    match text.split_once('=') {
        Some((name, file)) if !name.contains('/') && !Path::new(text).exists() => {
            (Some(name), file.into())
        }
        _ => (None, text.into()),
    }
}
