//! `otterize network-mapper …`, word for word: the flags, messages, exit codes and output of the tool that Portolan
//! replaces. Where it was wrong, `docs/differences.md` says what is done instead.
//!
//! ```text
//! what was typed, variables, file ─► args ─► Query ─► rows of the mapper ─► rows::map ─► view ─► bytes
//! ```

mod args;
pub(crate) mod ask;
pub(crate) mod rows;
#[cfg(test)]
mod tests;
mod view;
mod words;

use std::ffi::OsString;
use std::fs::DirBuilder;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Command, CommandFactory, FromArgMatches};
use export::{ClientIntents, Format, Options};
use map::Map;

use crate::failure::Failure;
use crate::settings::Settings;
use crate::{output, reach};

pub(crate) use args::Under;
use args::{
    ExportArgs, Group, ListArgs, NetworkMapper, OldCommand, Otterize, QueryArgs, RootArgs,
    VisualizeArgs,
};
use ask::Query;
use rows::Shown;
use view::{Files, Form};

/// The names of the group: what follows them is the old command line.
pub(crate) const GROUPS: [&str; 2] = ["network-mapper", "mapper"];

/// Flags of the group that its commands take too.
pub(crate) fn with_global_flags(group: Command) -> Command {
    group.mut_args(|arg| {
        if arg.get_id() == "help" || arg.get_id() == "version" {
            arg
        } else {
            arg.global(true)
        }
    })
}

/// Runs the command line of a program that is called `name`.
pub(crate) fn main(name: &'static str, typed: Vec<OsString>) -> ExitCode {
    let settings = match settings(&typed) {
        Ok(settings) => settings,
        Err(failure) => return words::complain(&failure),
    };
    let command = Otterize::command()
        .name(name)
        .bin_name(name)
        .mut_subcommand(GROUPS[0], with_global_flags);
    let command = settings.fill(command, &|_| true);
    let path = path(name, &typed);
    let parsed = { command.try_get_matches_from(typed) }
        .and_then(|matches| Otterize::from_arg_matches(&matches));
    match parsed {
        Ok(Otterize { root, group }) => {
            let Group::NetworkMapper(group) = group;
            match run(root, &group, &settings) {
                Ok(()) => ExitCode::SUCCESS,
                Err(failure) => words::complain(&failure),
            }
        }
        Err(error) => words::mistyped(&error, &path),
    }
}

/// `otterize network-mapper list`, for messages: the words before the first flag that are commands.
fn path(name: &str, typed: &[OsString]) -> String {
    const COMMANDS: [&str; 4] = ["list", "export", "reset", "visualize"];
    let typed = typed.iter().skip(1).filter_map(|word| word.to_str());
    let words = typed.filter(|word| COMMANDS.contains(word) || GROUPS.contains(word));
    let words = words.map(|word| if word == GROUPS[1] { GROUPS[0] } else { word });
    let mut path = vec![name];
    path.extend(words);
    path.join(" ")
}

/// What variables and the file say.
fn settings(typed: &[OsString]) -> Result<Settings, Failure> {
    let settings = Settings::of_process();
    let named = typed_config(typed).or_else(|| settings.value("config").map(PathBuf::from));
    if let Some(path) = named {
        let text = std::fs::read_to_string(&path)
            .map_err(|error| Failure::input(&path, format!("cannot be read: {error}")))?;
        return settings.with_file(&path, &text);
    }
    let path = std::env::home_dir().map(|home| home.join(".otterize").join("config"));
    // Most have none.
    match path.and_then(|path| Some((std::fs::read_to_string(&path).ok()?, path))) {
        Some((text, path)) => settings.with_file(&path, &text),
        None => Ok(settings),
    }
}

/// The file that was typed: it is read before the rest of the command line, for which it has values.
fn typed_config(typed: &[OsString]) -> Option<PathBuf> {
    let mut words = typed.iter().skip(1).filter_map(|word| word.to_str());
    while let Some(word) = words.next() {
        match word.strip_prefix("--config") {
            Some("") => return words.next().map(PathBuf::from),
            Some(rest) => {
                if let Some(path) = rest.strip_prefix('=') {
                    return Some(path.into());
                }
            }
            None => {}
        }
    }
    None
}

/// Runs one of the commands.
pub(crate) fn run(
    root: RootArgs,
    group: &NetworkMapper,
    settings: &Settings,
) -> Result<(), Failure> {
    let session = Session {
        root,
        group,
        settings,
    };
    match &group.command {
        OldCommand::List(args) => session.list(args),
        OldCommand::Export(args) => session.export(args),
        OldCommand::Reset => reach::runtime()?.block_on(async {
            let mut mapper = reach::open(&group.mapper).await?;
            ask::reset(&mut mapper).await
        }),
        OldCommand::Visualize(args) => session.visualize(args),
    }
}

/// What all commands go by.
struct Session<'s> {
    root: RootArgs,
    group: &'s NetworkMapper,
    settings: &'s Settings,
}

impl Session<'_> {
    fn list(&self, args: &ListArgs) -> Result<(), Failure> {
        if self.root.format != "text" {
            return Err(Failure::run(format!(
                "{} output format is not supported in 'list' command. Try using 'export' instead",
                self.root.format
            )));
        }
        let map = self.ask(&args.query, None)?;
        let documents = view::documents(&map, args.query.as_kubernetes_service);
        output::print(view::list(&documents).as_bytes())
    }

    fn export(&self, args: &ExportArgs) -> Result<(), Failure> {
        let form = view::form(args)?;
        let files = view::files(args)?;
        let map = self.ask(&args.query, Some(&args.server))?;
        let documents = view::documents(&map, args.query.as_kubernetes_service);
        let Some(files) = files else {
            let text = view::text(&documents, form) + "\n";
            return output::print(text.as_bytes());
        };
        write(Path::new(&args.output), files, &documents, form)?;
        self.note(&format!("Successfully wrote intents into {}", args.output));
        Ok(())
    }

    fn visualize(&self, args: &VisualizeArgs) -> Result<(), Failure> {
        let (format, word) = view::picture(args)?;
        let map = self.ask(&args.query, None)?;
        let bytes = picture(format, &map);
        output::write(&args.output_path, &bytes)?;
        let path = args.output_path.display();
        self.note(&format!("Exported graph as {word} format to path {path}"));
        Ok(())
    }

    /// The map that was asked for. `server` is what was typed, where it can be.
    fn ask(&self, args: &QueryArgs, server: Option<&str>) -> Result<Map, Failure> {
        let list = |flag: &str, typed: &[String]| self.settings.typed_or_set(flag, typed);
        let namespaces = list("namespaces", &args.namespaces);
        let set = self.settings.value("server").unwrap_or_default();
        let label = Some(args.distinct_by_label.clone()).filter(|label| !label.is_empty());
        let query = Query {
            server: view::server(server.unwrap_or(&set), &namespaces)?,
            namespaces,
            exclude_labels: list("exclude-labels", &self.group.exclude_labels),
            label: label.clone(),
        };
        let shown = Shown {
            exclude_services: list("exclude-services", &self.group.exclude_services),
            label,
            as_kubernetes_service: args.as_kubernetes_service,
        };
        let asked = reach::runtime()?.block_on(async {
            let mut mapper = reach::open(&self.group.mapper).await?;
            ask::rows(&mut mapper, &query).await
        })?;
        if let Some(warning) = &asked.warning {
            self.note(warning);
        }
        let map = rows::map(&asked.rows, &shown);
        if map.is_empty() {
            self.note(words::NOTHING);
        }
        Ok(map)
    }

    fn note(&self, text: &str) {
        if !self.root.quiet {
            output::note(&format!("{text}\n"));
        }
    }
}

fn picture(format: Format, map: &Map) -> Vec<u8> {
    format.render(map, Options::default())
}

fn write(
    path: &Path,
    files: Files,
    documents: &[ClientIntents],
    form: Form,
) -> Result<(), Failure> {
    if files == Files::One {
        return output::write(path, view::text(documents, form).as_bytes());
    }
    folder(path)
        .map_err(|error| Failure::run(format!("cannot make {}: {error}", path.display())))?;
    for document in documents {
        let text = view::text(std::slice::from_ref(document), form);
        output::write(&path.join(view::file_name(document)), text.as_bytes())?;
    }
    Ok(())
}

/// For its owner alone, as before.
fn folder(path: &Path) -> std::io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}
