//! What can be typed after `network-mapper`: the flags of the replaced tool, and ours for the way to the mapper.

use std::path::PathBuf;

use clap::builder::BoolishValueParser;
use clap::{ArgAction, Args, Parser, Subcommand};

use crate::args::MapperArgs;

/// The command as it was called: `otterize network-mapper …`.
#[derive(Debug, Parser)]
#[command(name = "otterize", version, max_term_width = 100)]
pub(crate) struct Otterize {
    #[command(flatten)]
    pub(crate) root: RootArgs,

    #[command(subcommand)]
    pub(crate) group: Group,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Group {
    /// Map who calls whom: the command line of the Otterize network mapper
    #[command(alias = "mapper")]
    NetworkMapper(NetworkMapper),
}

/// The group under a command of another name, which has not the flags of the old root.
#[derive(Debug, Args)]
pub(crate) struct Under {
    #[command(flatten)]
    pub(crate) root: RootArgs,

    #[command(flatten)]
    pub(crate) group: NetworkMapper,
}

/// The flags that every command of the replaced tool had.
#[allow(clippy::struct_excessive_bools, reason = "each is a flag")]
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Global Flags")]
pub(crate) struct RootArgs {
    /// YAML file with values of flags, by their names [default: ~/.otterize/config]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// Leave out notices on standard error
    #[arg(short, long, global = true, default_value = "false", default_missing_value = "true", num_args = 0..=1, require_equals = true, value_parser = BoolishValueParser::new(), hide_possible_values = true, action = ArgAction::Set, hide_default_value = true)]
    pub(crate) quiet: bool,

    /// Accepted, without effect
    #[arg(long, global = true, default_value = "false", default_missing_value = "true", num_args = 0..=1, require_equals = true, value_parser = BoolishValueParser::new(), hide_possible_values = true, action = ArgAction::Set, hide_default_value = true)]
    pub(crate) debug: bool,

    /// Output format: json/text/yaml
    #[arg(long, global = true, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: String,

    /// Accepted, without effect
    #[arg(long, global = true, default_value = "false", default_missing_value = "true", num_args = 0..=1, require_equals = true, value_parser = BoolishValueParser::new(), hide_possible_values = true, action = ArgAction::Set, hide_default_value = true)]
    pub(crate) no_headers: bool,

    /// Accepted, without effect: nothing is ever sent to anybody
    #[arg(long, global = true, default_value = "true", default_missing_value = "true", num_args = 0..=1, require_equals = true, value_parser = BoolishValueParser::new(), hide_possible_values = true, action = ArgAction::Set)]
    pub(crate) telemetry_enabled: bool,

    /// Accepted, without effect
    #[arg(long, global = true, default_value = "true", default_missing_value = "true", num_args = 0..=1, require_equals = true, value_parser = BoolishValueParser::new(), hide_possible_values = true, action = ArgAction::Set)]
    pub(crate) telemetry_usage_enabled: bool,

    /// Accepted, without effect
    #[arg(long, global = true, default_value = "true", default_missing_value = "true", num_args = 0..=1, require_equals = true, value_parser = BoolishValueParser::new(), hide_possible_values = true, action = ArgAction::Set)]
    pub(crate) telemetry_errors_enabled: bool,

    /// Accepted, without effect
    #[arg(
        long,
        global = true,
        value_name = "URL",
        default_value = "https://app.otterize.com/api/errors"
    )]
    pub(crate) telemetry_errors_address: String,

    /// Accepted, without effect
    #[arg(
        long,
        global = true,
        value_name = "STAGE",
        default_value = "production"
    )]
    pub(crate) telemetry_errors_stage: String,
}

#[derive(Debug, Args)]
pub(crate) struct NetworkMapper {
    #[command(flatten)]
    pub(crate) mapper: MapperArgs,

    /// Leave out clients and servers with these names
    #[arg(long, value_name = "NAMES", action = ArgAction::Append)]
    pub(crate) exclude_services: Vec<String>,

    /// Leave out what has a pod with one of these labels, at either end: key=value
    #[arg(long, value_name = "LABELS", action = ArgAction::Append)]
    pub(crate) exclude_labels: Vec<String>,

    #[command(subcommand)]
    pub(crate) command: OldCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum OldCommand {
    /// List who calls whom
    List(ListArgs),
    /// Export the map as ClientIntents
    Export(ExportArgs),
    /// Forget the map up to now
    Reset,
    /// Draw the map as an image
    Visualize(VisualizeArgs),
}

#[derive(Clone, Debug, Args)]
pub(crate) struct QueryArgs {
    /// Only clients in these namespaces
    #[arg(short, long, value_name = "NAMESPACES", action = ArgAction::Append)]
    pub(crate) namespaces: Vec<String>,

    /// EXPERIMENTAL: group clients by name and the value of this label, not by name and namespace
    #[arg(
        long,
        value_name = "LABEL",
        default_value = "",
        hide_default_value = true
    )]
    pub(crate) distinct_by_label: String,

    /// EXPERIMENTAL: name the Kubernetes Service that was called, where one is known
    #[arg(long, default_value = "false", default_missing_value = "true", num_args = 0..=1, require_equals = true, value_parser = BoolishValueParser::new(), hide_possible_values = true, action = ArgAction::Set, hide_default_value = true)]
    pub(crate) as_kubernetes_service: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    pub(crate) query: QueryArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    #[command(flatten)]
    pub(crate) query: QueryArgs,

    /// File or directory to write to; standard output if not given
    #[arg(
        short,
        long,
        value_name = "PATH",
        default_value = "",
        hide_default_value = true
    )]
    pub(crate) output: String,

    /// With --output: single-file or dir [default: single-file]
    #[arg(
        long,
        value_name = "TYPE",
        default_value = "",
        hide_default_value = true
    )]
    pub(crate) output_type: String,

    /// Output format: yaml or json
    #[arg(long, value_name = "FORMAT", default_value = "yaml")]
    pub(crate) format: String,

    /// Only clients that call this server, with all their targets: name.namespace
    #[arg(
        long,
        value_name = "NAME.NAMESPACE",
        default_value = "",
        hide_default_value = true
    )]
    pub(crate) server: String,

    /// Version of the ClientIntents: v1 or v2
    #[arg(long, value_name = "VERSION", default_value = "v2")]
    pub(crate) output_version: String,
}

#[derive(Debug, Args)]
pub(crate) struct VisualizeArgs {
    #[command(flatten)]
    pub(crate) query: QueryArgs,

    /// Format of the image: png, jpg or svg
    #[arg(long, value_name = "FORMAT", default_value = "png")]
    pub(crate) format: String,

    /// File to write the image to
    #[arg(short, long, value_name = "FILE", required = true)]
    pub(crate) output_path: PathBuf,
}
