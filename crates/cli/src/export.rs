//! `portolan list`, `export` and `visualize`: a map in any form.

use std::io::IsTerminal;
use std::path::Path;

use export::{Format, Options};
use map::Map;

use crate::args::{ExportArgs, Form, FormArgs, ListArgs, VisualizeArgs};
use crate::failure::Failure;
use crate::output;
use crate::settings::Settings;
use crate::source::{Shown, is_narrow};

/// `portolan list`.
pub(crate) fn list(args: &ListArgs, settings: &Settings) -> Result<(), Failure> {
    let filter = args.filter.filter(settings, args.external)?;
    let (shown, format) = match args.format {
        Form::Text => (args.source.viewed(&filter, args.attempts)?, Format::List),
        Form::Json => (args.source.exact(&filter)?, Format::Json),
    };
    let options = Options {
        external: args.external,
        attempts: args.attempts,
        as_kubernetes_service: false,
    };
    output::print(&format.render(&shown.map, options))?;
    say_why_empty(&shown);
    Ok(())
}

/// `portolan export`.
pub(crate) fn run(args: &ExportArgs, settings: &Settings) -> Result<(), Failure> {
    check_terminal(&args.form)?;
    let filter = args.filter.filter(settings, args.form.external())?;
    let shown = if args.form.format == Format::Json || !is_narrow(&filter) {
        args.source.exact(&filter)?
    } else {
        args.source.viewed(&filter, args.form.attempts)?
    };
    show(&shown.map, &args.form)?;
    say_why_empty(&shown);
    Ok(())
}

/// `portolan visualize`.
pub(crate) fn visualize(args: &VisualizeArgs, settings: &Settings) -> Result<(), Failure> {
    let format = picture(&args.file)?;
    let filter = args.filter.filter(settings, !args.no_external)?;
    let shown = args.source.viewed(&filter, args.attempts)?;
    let options = Options {
        external: !args.no_external,
        attempts: args.attempts,
        as_kubernetes_service: false,
    };
    output::write(&args.file, &format.render(&shown.map, options))?;
    say_why_empty(&shown);
    Ok(())
}

/// By the file's name.
fn picture(file: &Path) -> Result<Format, Failure> {
    let extension = file.extension().and_then(|extension| extension.to_str());
    match extension.map(str::to_lowercase).as_deref() {
        Some("png") => Ok(Format::Png),
        Some("jpg" | "jpeg") => Ok(Format::Jpg),
        Some("svg") => Ok(Format::Svg),
        Some("html" | "htm") => Ok(Format::Html),
        Some("dot" | "gv") => Ok(Format::Dot),
        Some("mermaid" | "mmd") => Ok(Format::Mermaid),
        _ => Err(Failure::usage(format!(
            "{}: the name does not say which form",
            file.display()
        ))
        .with_remedy("end it with .png, .jpg, .svg, .html, .dot or .mermaid")),
    }
}

fn say_why_empty(shown: &Shown) {
    if let Some(why) = &shown.why_empty {
        output::note(&format!("nothing to show: {why}\n"));
    }
}

/// Writes a map where the form says.
pub(crate) fn show(map: &Map, form: &FormArgs) -> Result<(), Failure> {
    check_terminal(form)?;
    let bytes = form.format.render(map, form.options());
    match &form.output {
        Some(path) => output::write(path, &bytes),
        None => output::print(&bytes),
    }
}

/// Pixels would make a terminal unusable.
pub(crate) fn check_terminal(form: &FormArgs) -> Result<(), Failure> {
    if form.format.is_binary() && form.output.is_none() && std::io::stdout().is_terminal() {
        return Err(Failure::usage("a picture is no text for a terminal")
            .with_remedy("--output FILE, or a pipe"));
    }
    Ok(())
}
