//! `image bom` lists what a program is made of, `image write` makes an image of it. `./dev image` calls both.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use image::{Bom, Capability, File, Image, Layer, Part, Platform, Reference, USER, sha256};

/// Writes container images without a container engine.
#[derive(Debug, Parser)]
#[command(name = "image")]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Lists what a program is made of, in the form of `CycloneDX`.
    Bom {
        /// What `cargo tree` prints.
        #[arg(long)]
        tree: PathBuf,
        /// The lock file.
        #[arg(long)]
        lock: PathBuf,
        /// The program.
        #[arg(long)]
        program: PathBuf,
        /// What the compiler adds, as NAME=VERSION=LICENCE; any number.
        #[arg(long, value_parser = built_in)]
        built_in: Vec<Part>,
        /// The file to write.
        #[arg(long)]
        output: PathBuf,
    },
    /// Writes an image.
    Write {
        /// Its name, as REPOSITORY/IMAGE:TAG.
        #[arg(long)]
        reference: Reference,
        /// The folder of each platform with the program and NAME.cdx.json, as amd64=FOLDER; one or more.
        #[arg(long, required = true, value_parser = of_platform)]
        platform: Vec<(Platform, PathBuf)>,
        /// The program's name in these folders.
        #[arg(long)]
        program: String,
        /// What the program's file gives to whoever runs it, such as `net_raw`.
        #[arg(long)]
        capability: Option<Capability>,
        /// What the image says of itself, as KEY=VALUE; any number.
        #[arg(long, value_parser = label)]
        label: Vec<(String, String)>,
        /// When it was made, in seconds since 1970.
        #[arg(long)]
        epoch: u64,
        /// The file to write.
        #[arg(long)]
        output: PathBuf,
    },
}

fn label(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("expected KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}

fn of_platform(text: &str) -> Result<(Platform, PathBuf), String> {
    let (platform, folder) = label(text)?;
    Ok((platform.parse()?, folder.into()))
}

fn built_in(text: &str) -> Result<Part, String> {
    let mut fields = text.splitn(3, '=').map(str::to_owned);
    let mut next = || fields.next().ok_or("expected NAME=VERSION=LICENCE");
    Ok(Part {
        name: next()?,
        version: next()?,
        licence: next()?,
        source: String::new(),
        is_ours: true,
    })
}

fn main() -> ExitCode {
    match run(Args::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "image: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<(), Box<dyn Error>> {
    match command {
        Command::Bom {
            tree,
            lock,
            program,
            built_in,
            output,
        } => {
            let bom = Bom::read(&text(&tree)?, &text(&lock)?)?;
            let name = program.file_name().unwrap_or_default().to_string_lossy();
            let document = bom.cyclone((&name, &sha256(&bytes(&program)?)), &built_in);
            fs::write(&output, document).map_err(|error| about(&output, &error))?;
        }
        Command::Write {
            reference,
            platform,
            program,
            capability,
            label,
            epoch,
            output,
        } => {
            let mut layers = BTreeMap::new();
            for (platform, folder) in platform {
                let files = files(&folder, &program, capability)?;
                layers.insert(platform, Layer::new(&files, epoch)?);
            }
            let image = Image {
                reference,
                program: format!("/{program}"),
                labels: label.into_iter().collect(),
                epoch,
            };
            let file = fs::File::create(&output).map_err(|error| about(&output, &error))?;
            image::write(&image, &layers, BufWriter::new(file))
                .map_err(|error| about(&output, &error))?;
        }
    }
    Ok(())
}

/// What is in an image: the program, its list of materials, and names for whom it runs as.
fn files(
    folder: &Path,
    program: &str,
    capability: Option<Capability>,
) -> Result<BTreeMap<String, File>, Box<dyn Error>> {
    let list = format!("{program}.cdx.json");
    Ok(BTreeMap::from([
        (
            program.to_owned(),
            File {
                bytes: bytes(&folder.join(program))?,
                is_program: true,
                capability,
            },
        ),
        (
            format!("usr/share/sbom/{list}"),
            File::text(&text(&folder.join(&list))?),
        ),
        (
            "etc/passwd".to_owned(),
            File::text(&format!(
                "root:x:0:0:root:/:/\nportolan:x:{USER}:{USER}:portolan:/:/\n"
            )),
        ),
        (
            "etc/group".to_owned(),
            File::text(&format!("root:x:0:\nportolan:x:{USER}:\n")),
        ),
    ]))
}

fn bytes(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| about(path, &error))
}

fn text(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| about(path, &error))
}

fn about(path: &Path, error: &std::io::Error) -> String {
    format!("{}: {error}", path.display())
}
