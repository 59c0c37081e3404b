//! The map where metrics are.

/// The map as metrics, and where they go.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct ObservedArgs {
    /// Whether the page of metrics shows the map: connections by client and server.
    #[arg(long, default_value = "false", value_name = "BOOLEAN")]
    pub(crate) map_metrics: bool,

    /// Edges of the map with a series of their own in its metrics; all others share one, "other".
    #[arg(long, default_value = "500", value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) map_metrics_edges: u32,

    /// Whether the map is sent to an OpenTelemetry collector, as metrics. Where it is and how it is reached say the usual
    /// OTEL_... variables.
    #[arg(long, default_value = "false", value_name = "BOOLEAN")]
    pub(crate) enable_otel_export: bool,

    /// The name of the counter of connections there.
    #[arg(
        long,
        default_value = "traces_service_graph_request_total",
        value_name = "NAME"
    )]
    pub(crate) otel_metric_name: String,
}
