//! Pictures of a made-up cluster, for documents: `cargo run --release -p export --features pictures --example pictures
//! FOLDER [NAMESPACES WORKLOADS EDGES]`, or of a map file: `… FOLDER MAP.json`.
#![allow(clippy::print_stdout, reason = "says how large they are")]

#[path = "../tests/town/mod.rs"]
mod town;

use std::error::Error;
use std::path::Path;

use export::{Format, Options};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (folder, map, name) = match arguments.as_slice() {
        [folder] => (folder, town::town(20, 300, 800), "town".to_owned()),
        [folder, file] => {
            let name = Path::new(file).file_stem().unwrap_or_default();
            let map = serde_json::from_slice(&std::fs::read(file)?)?;
            (folder, map, name.to_string_lossy().into_owned())
        }
        [folder, namespaces, workloads, edges] => {
            let map = town::town(namespaces.parse()?, workloads.parse()?, edges.parse()?);
            (folder, map, format!("town-{workloads}"))
        }
        _ => return Err("name a folder".into()),
    };
    let options = Options {
        external: true,
        attempts: true,
        ..Options::default()
    };
    let drawing = export::draw(&map, options);
    println!(
        "{} nodes, {} arrows, {} × {}",
        drawing.nodes.len(),
        drawing.arrows.len(),
        drawing.width,
        drawing.height
    );
    for (ending, format) in Format::ALL {
        if matches!(
            format,
            Format::Svg | Format::Html | Format::Dot | Format::Mermaid
        ) || format.is_binary()
        {
            let bytes = format.render(&map, options);
            let path = Path::new(folder).join(format!("{name}.{ending}"));
            println!("{} bytes: {}", bytes.len(), path.display());
            std::fs::write(path, bytes)?;
        }
    }
    Ok(())
}
