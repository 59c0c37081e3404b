//! What the replaced tool printed and wrote, from a map: pure.

use export::{ClientIntents, Format, Options, client_intents, join, to_json};
use map::Map;

use super::args::{ExportArgs, VisualizeArgs};
use super::ask::Server;
use super::words;
use crate::failure::Failure;

/// The texts of an export, before it is known where they go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Yaml,
    YamlV1,
    Json,
}

/// Where an export goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Files {
    One,
    Each,
}

/// The form that was typed.
pub(crate) fn form(args: &ExportArgs) -> Result<Form, Failure> {
    let version = match args.output_version.as_str() {
        "v1" => Form::YamlV1,
        "v2" => Form::Yaml,
        other => return Err(words::one_of("version", other, "v1, v2")),
    };
    match args.format.as_str() {
        "yaml" => Ok(version),
        "json" => Ok(Form::Json),
        other => Err(words::one_of("format", other, "json, yaml")),
    }
}

/// Where it goes, unless to standard output.
pub(crate) fn files(args: &ExportArgs) -> Result<Option<Files>, Failure> {
    match (args.output.as_str(), args.output_type.as_str()) {
        ("", "") => Ok(None),
        ("", _) => Err(Failure::run(
            "flag --output-type requires --output to specify output path",
        )),
        (_, "" | "single-file") => Ok(Some(Files::One)),
        (_, "dir") => Ok(Some(Files::Each)),
        (_, other) => Err(words::one_of("type", other, "single-file, dir")),
    }
}

/// The picture that was typed, and the word for it in the notice.
pub(crate) fn picture(args: &VisualizeArgs) -> Result<(Format, &'static str), Failure> {
    match args.format.to_lowercase().as_str() {
        "png" => Ok((Format::Png, "png")),
        "jpg" | "jpeg" => Ok((Format::Jpg, "jpg")),
        "svg" => Ok((Format::Svg, "svg")),
        _ => Err(Failure::run(format!("unsupported format: {}", args.format))),
    }
}

/// The server that was typed or set; none when empty.
pub(crate) fn server(text: &str, namespaces: &[String]) -> Result<Option<Server>, Failure> {
    if text.is_empty() {
        return Ok(None);
    }
    if !namespaces.is_empty() {
        return Err(Failure::run(
            "server filter cannot be used with namespaces filter",
        ));
    }
    match text.split('.').collect::<Vec<_>>()[..] {
        [name, namespace] if !name.is_empty() && !namespace.is_empty() => Ok(Some(Server {
            name: name.to_owned(),
            namespace: namespace.to_owned(),
        })),
        _ => Err(Failure::run(
            "invalid server filter. Expected format: <server-name>.<namespace>",
        )),
    }
}

/// The documents of a map.
pub(crate) fn documents(map: &Map, as_kubernetes_service: bool) -> Vec<ClientIntents> {
    client_intents(
        map,
        Options {
            as_kubernetes_service,
            ..Options::default()
        },
    )
}

/// The list.
pub(crate) fn list(documents: &[ClientIntents]) -> String {
    documents.iter().map(ClientIntents::to_list).collect()
}

/// The documents as text, without a line's end behind it.
pub(crate) fn text(documents: &[ClientIntents], form: Form) -> String {
    match form {
        Form::Yaml => join(documents.iter().map(ClientIntents::to_yaml)),
        Form::YamlV1 => join(documents.iter().map(ClientIntents::to_yaml_v1alpha3)),
        Form::Json => to_json(documents),
    }
}

/// The file of one document in a folder: with this ending, whatever is in it.
pub(crate) fn file_name(document: &ClientIntents) -> String {
    format!("{}.{}.yaml", document.name, document.namespace)
}
