//! What can be typed.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Parser, Subcommand};
use clap_complete::Shell;
use export::Format;

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
    /// Show the map of a running mapper, or of a map file
    Export(ExportArgs),
    /// Join map files into one: of several clusters, or of several times
    Merge(MergeArgs),
    /// Print a completion script for a shell
    Completions(CompletionsArgs),
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

  ClientIntents for the intents operator, of the cluster alone:
    portolan replay --capture node.pcap --cluster cluster.json -o clientintents --no-external

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

    /// List attempts too: connections that were refused or never answered
    #[arg(long)]
    pub(crate) attempts: bool,
}

impl FormArgs {
    /// What the form shows.
    pub(crate) const fn options(&self) -> export::Options {
        export::Options {
            external: !self.no_external,
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
    /// Show this map file instead of a running mapper's map; `-` for standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["mapper_url", "token_file", "ca_file"])]
    pub(crate) map: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) mapper: MapperArgs,

    #[command(flatten)]
    pub(crate) form: FormArgs,
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
