//! What the mapper can be told: flags, and the environment under the same names.

mod access;
mod observed;

use std::path::PathBuf;

use app::config::{ByteSize, GoDuration, Ignored, Interval, Port, Process, Words};
use clap::Parser;

pub(crate) use access::AccessArgs;
pub(crate) use observed::ObservedArgs;

/// Turns what sniffers and watchers report into the map of who calls whom.
#[derive(Debug, Parser)]
#[command(name = "portolan-mapper", version)]
#[allow(clippy::struct_excessive_bools, reason = "each is a key of its own")]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) process: Process,

    #[command(flatten)]
    pub(crate) access: AccessArgs,

    #[command(flatten)]
    pub(crate) observed: ObservedArgs,

    /// Port of the GraphQL server.
    #[arg(long, default_value = "9090", value_name = "PORT")]
    pub(crate) port: Port,

    /// The cluster's DNS domain; detected from /etc/resolv.conf when not given, else cluster.local.
    #[arg(long, value_name = "DOMAIN")]
    pub(crate) cluster_domain: Option<String>,

    /// A name for the cluster, for maps that are merged with those of others.
    #[arg(long, default_value = "", value_name = "NAME")]
    pub(crate) cluster_name: String,

    /// The folder that keeps the map; without it, a restart begins with an empty map.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) data_dir: Option<PathBuf>,

    /// After what time without traffic an edge is forgotten; 0 for never.
    #[arg(long, default_value = "0", value_name = "DURATION")]
    pub(crate) expiry: GoDuration,

    /// Map files, as `portolan export -o json` writes them, that are joined into the map at the start, separated by
    /// blanks.
    #[arg(long, default_value = "", value_name = "FILES")]
    pub(crate) import_maps: Words,

    /// Memory of the process above which reports are refused, so that it is not killed; 0 for nine tenths of the
    /// container's limit.
    #[arg(long, default_value = "0", value_name = "BYTES")]
    pub(crate) memory_ceiling: ByteSize,

    /// Namespaces of which nothing comes into the map, separated by blanks.
    #[arg(long, default_value = "", value_name = "NAMESPACES")]
    pub(crate) exclude_namespaces: Words,

    /// Whether reported DNS answers count.
    #[arg(long, default_value = "true", value_name = "BOOLEAN")]
    pub(crate) enable_dns: bool,

    /// Whether reported TCP handshakes count.
    #[arg(long, default_value = "true", value_name = "BOOLEAN")]
    pub(crate) enable_tcp: bool,

    /// Whether reported open connections count.
    #[arg(long, default_value = "true", value_name = "BOOLEAN")]
    pub(crate) enable_socket_scanner: bool,

    /// Size of the IPv4 network around the API server's endpoints from which it may call, as on some managed clusters.
    #[arg(long, default_value = "32", value_name = "BITS", value_parser = clap::value_parser!(u8).range(8..=32))]
    pub(crate) control_plane_ipv4_cidr_prefix_length: u8,

    /// The annotation on pods that names their workload.
    #[arg(
        long,
        default_value = "intents.otterize.com/workload-name",
        value_name = "KEY"
    )]
    pub(crate) workload_name_override_annotation: String,

    /// Whether pods of Jobs without a CronJob are named by their images.
    #[arg(long, default_value = "false", value_name = "BOOLEAN")]
    pub(crate) use_image_name_for_service_id_for_jobs: bool,

    /// Whether the addresses of internet targets are written into the status of ClientIntents.
    #[arg(long, default_value = "true", value_name = "BOOLEAN")]
    pub(crate) dns_client_intents_update_enabled: bool,

    /// How often ClientIntents are looked at, at most.
    #[arg(long, default_value = "100ms", value_name = "DURATION")]
    pub(crate) dns_client_intents_update_interval: Interval,

    /// Names and addresses of the internet that are kept for ClientIntents.
    #[arg(long, default_value = "100000", value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub(crate) dns_cache_items_max_capacity: u32,
}

impl app::RoleArgs for Args {
    fn process(&self) -> &Process {
        &self.process
    }
}

const fn ignored(key: &'static str, why: &'static str) -> Ignored {
    Ignored { key, why }
}

/// Keys of the replaced mapper that do nothing here.
pub(crate) const IGNORED: &[Ignored] = &[
    ignored(
        "time-server-has-to-live-before-we-trust-it",
        "who held an address is known by its lease, whatever the pod's age",
    ),
    ignored(
        "tcp-dest-resolve-only-control-plane-by-ip",
        "it had no effect",
    ),
    ignored(
        "capture-external-traffic-enabled",
        "leave external traffic out where you list or export the map",
    ),
    ignored("create-webhook-certificate", "there is no webhook"),
    ignored(
        "enable-istio-collection",
        "the Istio watcher is a process of its own",
    ),
    ignored(
        "istio-restrict-collection-to-namespace",
        "the Istio watcher is a process of its own",
    ),
    ignored(
        "istio-report-interval",
        "the Istio watcher is a process of its own",
    ),
    ignored(
        "istio-cooldown-interval",
        "the Istio watcher is a process of its own",
    ),
    ignored(
        "istio-metric-fetch-timeout",
        "the Istio watcher is a process of its own",
    ),
    ignored("service-cache-size", "nothing is uploaded"),
    ignored("service-cache-ttl-duration", "nothing is uploaded"),
    ignored(
        "metrics-collection-traffic-cache-size",
        "nothing is uploaded",
    ),
    ignored("webhook-services-cache-size", "nothing is uploaded"),
    ignored(
        "health-probes-port",
        "the mapper's probes are on its own port",
    ),
    ignored("mapper-api-url", "this is the mapper"),
];
