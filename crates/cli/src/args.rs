//! What can be typed.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Parser, Subcommand};
use clap_complete::Shell;
use export::Format;

use crate::old;
use crate::source::{FilterArgs, SourceArgs};

/// Maps who calls whom in a Kubernetes cluster.
#[derive(Debug, Parser)]
#[command(
    name = "portolan",
    version,
    propagate_version = true,
    max_term_width = 100
)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Draw the map of recorded traffic: captures from nodes, and snapshots of their cluster
    Replay(ReplayArgs),
    /// Draw the map of a recording that comes with the program: a shop of 11 workloads
    Demo(DemoArgs),
    /// List who calls whom
    List(ListArgs),
    /// Show the map of a running mapper, or of a map file, in any form
    Export(ExportArgs),
    /// Draw the map into a file
    Visualize(VisualizeArgs),
    /// Show what the sniffers see, what became of it, and what to do
    Status(StatusArgs),
    /// Print new edges as they appear
    Watch(WatchArgs),
    /// Compare two maps, or a map with what it was
    Diff(DiffArgs),
    /// Forget the map up to now
    Reset(ResetArgs),
    /// Join map files into one: of several clusters, or of several times
    Merge(MergeArgs),
    /// The command line of the Otterize network mapper: list, export, reset, visualize
    #[command(alias = "mapper")]
    NetworkMapper(old::Under),
    /// Print a completion script for a shell
    Completions(CompletionsArgs),
    /// Write manual pages into a folder
    Man(ManArgs),
}

const REPLAY_EXAMPLES: &str = "\
Examples:
  Record on a node (stop with Ctrl-C), and save what the cluster looks like:
    tcpdump -i any -w node.pcap \\
        'port 53 or tcp[tcpflags] & (tcp-syn|tcp-rst) != 0 or (ip6[6] = 6 and ip6[53] & 6 != 0)'
    kubectl get namespaces,nodes,pods,services,endpointslices,deployments,replicasets,daemonsets,\\
statefulsets,jobs,cronjobs -A -o json > cluster.json

  Draw the map:
    portolan replay --capture node.pcap --cluster cluster.json

  Several nodes, the cluster before and after, and every pod event in between:
    portolan replay --capture a.pcap --capture b.pcap.gz --cluster start.json --cluster end.json \\
        --pod-events events.json

  ClientIntents for the intents operator, with what is called outside the cluster:
    portolan replay --capture node.pcap --cluster cluster.json -o clientintents --external

  The whole map as JSON, from a capture on another machine:
    ssh node tcpdump -i any -w - port 53 or tcp | portolan replay --capture - --cluster cluster.json \\
        -o json --output map.json

Exit codes: 0 done, 1 ran but failed, 2 wrong use or unreadable input.";

#[derive(Debug, clap::Args)]
#[command(after_long_help = REPLAY_EXAMPLES)]
pub(crate) struct ReplayArgs {
    /// A capture from a node: pcap or pcapng, plain or gzip; `-` for standard input. May be repeated
    #[arg(long, value_name = "FILE", required = true, num_args = 1..)]
    pub(crate) capture: Vec<PathBuf>,

    /// What `kubectl get … -A -o json` (or yaml) printed, plain or gzip. May be repeated
    #[arg(long, value_name = "FILE", required = true, num_args = 1..)]
    pub(crate) cluster: Vec<PathBuf>,

    /// What `kubectl get pods -A -w --output-watch-events -o json` printed meanwhile: knows the pods that
    /// came and went between two snapshots
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub(crate) pod_events: Vec<PathBuf>,

    /// A copy of `/proc/<pid>/{cgroup,net/…}` of the node's containers: a folder, or a tar, plain or gzip.
    /// The time of the scan is the files' modification time. May be repeated
    #[arg(long, value_name = "DIR-or-TAR", num_args = 1..)]
    pub(crate) sockets: Vec<PathBuf>,

    #[command(flatten)]
    pub(crate) view: ViewArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct DemoArgs {
    #[command(flatten)]
    pub(crate) view: ViewArgs,
}

/// What comes out of a replay, and where.
#[derive(Debug, clap::Args)]
pub(crate) struct ViewArgs {
    #[command(flatten)]
    pub(crate) form: FormArgs,

    /// The cluster's DNS domain
    #[arg(
        long,
        value_name = "DOMAIN",
        default_value = "cluster.local",
        env = "PORTOLAN_CLUSTER_DOMAIN"
    )]
    pub(crate) cluster_domain: String,

    /// Leave out the summary on standard error
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

/// The form of a map, and where it goes.
#[derive(Debug, clap::Args)]
pub(crate) struct FormArgs {
    /// The form of the map
    #[arg(
        short = 'o',
        long = "format",
        value_name = "FORMAT",
        default_value = "list",
        value_parser = PossibleValuesParser::new(Format::ALL.map(|(name, _)| name))
            .try_map(|name| name.parse::<Format>())
    )]
    pub(crate) format: Format,

    /// Write the map to this file instead of standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,

    /// Leave out peers outside the cluster
    #[arg(long)]
    pub(crate) no_external: bool,

    /// Write peers outside the cluster into ClientIntents too, as `internet` targets
    #[arg(long, conflicts_with = "no_external")]
    pub(crate) external: bool,

    /// List attempts too: connections that were refused or never answered
    #[arg(long)]
    pub(crate) attempts: bool,
}

impl FormArgs {
    /// Whether peers outside the cluster are shown: in documents that a cluster may enforce, only when asked for.
    pub(crate) const fn external(&self) -> bool {
        match self.format {
            Format::ClientIntents | Format::ClientIntentsJson | Format::ClientIntentsV1 => {
                self.external
            }
            _ => !self.no_external,
        }
    }

    /// What the form shows.
    pub(crate) const fn options(&self) -> export::Options {
        export::Options {
            external: self.external(),
            attempts: self.attempts,
            as_kubernetes_service: false,
        }
    }
}

const EXPORT_EXAMPLES: &str = "\
Examples:
  Back up the whole map of a cluster; a mapper joins it in again with --import-maps:
    portolan export -o json --output north.json

  Look into a backup:
    portolan export --map north.json

Exit codes: 0 done, 1 ran but failed, 2 wrong use or unreadable input.";

#[derive(Debug, clap::Args)]
#[command(after_long_help = EXPORT_EXAMPLES)]
pub(crate) struct ExportArgs {
    #[command(flatten)]
    pub(crate) form: FormArgs,

    #[command(flatten)]
    pub(crate) filter: FilterArgs,

    #[command(flatten)]
    pub(crate) source: SourceArgs,
}

const LIST_EXAMPLES: &str = "\
Examples:
  Who calls whom in a namespace, and whom outside the cluster:
    portolan list -n shop --external

  Who calls one server, and what else they call:
    portolan list --server cart.shop

Exit codes: 0 done (an empty list says why on standard error), 1 ran but failed, 2 wrong use or unreadable input.";

#[derive(Debug, clap::Args)]
#[command(after_long_help = LIST_EXAMPLES)]
pub(crate) struct ListArgs {
    /// The form of the list
    #[arg(short = 'o', long = "format", value_name = "FORMAT", value_enum, default_value_t = Form::Text)]
    pub(crate) format: Form,

    /// List peers outside the cluster too
    #[arg(long)]
    pub(crate) external: bool,

    /// List attempts too: connections that were refused or never answered
    #[arg(long)]
    pub(crate) attempts: bool,

    #[command(flatten)]
    pub(crate) filter: FilterArgs,

    #[command(flatten)]
    pub(crate) source: SourceArgs,
}

/// For people, or for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Form {
    /// For people
    Text,
    /// For programs
    Json,
}

const VISUALIZE_EXAMPLES: &str = "\
Examples:
  A picture, in the form that the file's name says:
    portolan visualize map.svg

  A page to search and to click through, of one namespace:
    portolan visualize -n shop shop.html

Exit codes: 0 done, 1 ran but failed, 2 wrong use or unreadable input.";

#[derive(Debug, clap::Args)]
#[command(after_long_help = VISUALIZE_EXAMPLES)]
pub(crate) struct VisualizeArgs {
    /// The file: .png, .jpg, .svg, .html, .dot or .mermaid
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,

    /// Leave out peers outside the cluster
    #[arg(long)]
    pub(crate) no_external: bool,

    /// Draw attempts too: connections that were refused or never answered
    #[arg(long)]
    pub(crate) attempts: bool,

    #[command(flatten)]
    pub(crate) filter: FilterArgs,

    #[command(flatten)]
    pub(crate) source: SourceArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct StatusArgs {
    /// The form
    #[arg(short = 'o', long = "format", value_name = "FORMAT", value_enum, default_value_t = Form::Text)]
    pub(crate) format: Form,

    #[command(flatten)]
    pub(crate) mapper: MapperArgs,
}

const WATCH_EXAMPLES: &str = "\
Examples:
  New edges of one namespace, until Ctrl-C:
    portolan watch -n shop

  The next new edge to the outside, as JSON:
    portolan watch --external --count 1 -o json

Exit codes: 0 done, 1 ran but failed, 2 wrong use.";

#[derive(Debug, clap::Args)]
#[command(after_long_help = WATCH_EXAMPLES)]
pub(crate) struct WatchArgs {
    /// The form: one line for each edge, or one JSON object for each
    #[arg(short = 'o', long = "format", value_name = "FORMAT", value_enum, default_value_t = Form::Text)]
    pub(crate) format: Form,

    /// Only clients in these namespaces, separated by commas
    #[arg(short, long, value_name = "NAMESPACES", action = clap::ArgAction::Append)]
    pub(crate) namespaces: Vec<String>,

    /// Edges to peers outside the cluster too
    #[arg(long)]
    pub(crate) external: bool,

    /// What is new of known edges too, such as a port
    #[arg(long)]
    pub(crate) changes: bool,

    /// End after so many
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) count: Option<u64>,

    #[command(flatten)]
    pub(crate) mapper: MapperArgs,
}

const DIFF_EXAMPLES: &str = "\
Examples:
  What has changed since a backup:
    portolan diff backup.json

  What came and what went quiet in the last day:
    portolan diff --since 24h

  In CI, fail when a test made new edges:
    portolan diff --exit-code before.json after.json

Exit codes: 0 done, 1 ran but failed (or, with --exit-code, maps differ), 2 wrong use or unreadable input.";

#[derive(Debug, clap::Args)]
#[command(after_long_help = DIFF_EXAMPLES)]
pub(crate) struct DiffArgs {
    /// The map before: a file
    #[arg(
        value_name = "BEFORE",
        required_unless_present = "since",
        conflicts_with = "since"
    )]
    pub(crate) before: Option<PathBuf>,

    /// The map after: a file; a running mapper's map if not given
    #[arg(value_name = "AFTER", requires = "before")]
    pub(crate) after: Option<PathBuf>,

    /// Compare a running mapper's map (or that of --map) with what it was at this time, or so long ago: 90m, 24h, 7d
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<String>,

    /// Leave out peers outside the cluster
    #[arg(long)]
    pub(crate) no_external: bool,

    /// Leave out what is new or gone of edges that stay
    #[arg(long)]
    pub(crate) edges_only: bool,

    /// End with 1 when there is a difference
    #[arg(long)]
    pub(crate) exit_code: bool,

    /// The form
    #[arg(short = 'o', long = "format", value_name = "FORMAT", value_enum, default_value_t = Form::Text)]
    pub(crate) format: Form,

    #[command(flatten)]
    pub(crate) filter: FilterArgs,

    #[command(flatten)]
    pub(crate) source: SourceArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ResetArgs {
    #[command(flatten)]
    pub(crate) mapper: MapperArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ManArgs {
    /// The folder
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
}

/// How to reach a mapper: through the Kubernetes API, unless a URL is given.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "The way to the mapper")]
pub(crate) struct MapperArgs {
    /// Where the mapper is, when not through the Kubernetes API
    #[arg(long, value_name = "URL")]
    pub(crate) mapper_url: Option<String>,

    /// A file with a token for it; only with --mapper-url, and only over https
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,

    /// The certificates of whoever signed the mapper's, as PEM; the system's if not given
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,

    /// The namespace of the mapper's Service
    #[arg(long, value_name = "NAMESPACE", default_value = "otterize-system")]
    pub(crate) mapper_namespace: String,

    /// The mapper's Service; its first ready pod answers
    #[arg(long, value_name = "NAME", default_value = "otterize-network-mapper")]
    pub(crate) mapper_service_name: String,

    /// The port of the pod
    #[arg(long, value_name = "PORT", default_value_t = 9090, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) mapper_service_port: u16,

    /// The kubeconfig file; as kubectl finds it if not given
    #[arg(long, value_name = "FILE")]
    pub(crate) kubeconfig: Option<PathBuf>,

    /// The context in the kubeconfig; the current one if not given
    #[arg(long, value_name = "NAME")]
    pub(crate) context: Option<String>,
}

const MERGE_EXAMPLES: &str = "\
Examples:
  One map of two clusters, each of which had no name:
    portolan merge north=north.json south=south.json --output fleet.json

  Who calls whom in all of them:
    portolan merge north.json south.json -o list

Exit codes: 0 done, 1 ran but failed, 2 wrong use or unreadable input.";

#[derive(Debug, clap::Args)]
#[command(after_long_help = MERGE_EXAMPLES, mut_arg("format", |arg| arg.default_value("json")))]
pub(crate) struct MergeArgs {
    /// Map files; with a name in front, what has no cluster's name gets it
    #[arg(value_name = "[NAME=]FILE", required = true)]
    pub(crate) maps: Vec<String>,

    #[command(flatten)]
    pub(crate) form: FormArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub(crate) shell: Shell,
}
