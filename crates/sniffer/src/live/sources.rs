//! What is seen by: always packets and socket tables, and better sources where rights allow.

use std::io;
use std::path::Path;

use app::metrics::{Metrics, MetricsError};

use super::door::Door;
use super::figures::Figures;

/// Which sources there are. Packets and socket tables always are.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sources {
    /// Socket diagnostics in place of the tables, where a namespace can be entered.
    pub(crate) diagnostics: bool,
}

impl Sources {
    /// All, with whether it is in use.
    fn all(self) -> [(&'static str, bool); 3] {
        [
            ("packets", true),
            ("sockets", true),
            ("socket-diagnostics", self.diagnostics),
        ]
    }

    /// Those in use.
    pub(crate) fn names(self) -> Vec<&'static str> {
        let used = self.all().into_iter().filter(|(_, used)| *used);
        used.map(|(name, _)| name).collect()
    }
}

/// The door, if the node's namespaces open to it.
pub(crate) fn diagnostics(door: Option<io::Result<Door>>, host_proc: &Path) -> Option<Door> {
    let door = match door {
        Some(Ok(door)) => door,
        Some(Err(error)) => {
            tracing::warn!(%error, "no thread for socket diagnostics: socket tables are read");
            return None;
        }
        None => return None,
    };
    match door.check(&host_proc.join("1/ns/net")) {
        Ok(()) => Some(door),
        Err(error) => {
            tracing::warn!(
                %error,
                "no socket diagnostics, for which the capabilities SYS_ADMIN and SYS_PTRACE are: socket tables are read"
            );
            None
        }
    }
}

/// What Prometheus sees of it.
pub(crate) fn register(metrics: &Metrics, figures: &Figures) -> Result<(), MetricsError> {
    let of = figures.clone();
    metrics.gauges_from(
        "portolan_sniffer_source",
        "Whether this source is in use: 1 or 0.",
        "source",
        move || {
            let all = of.sources.lock().all();
            all.map(|(name, used)| (name, u64::from(used))).to_vec()
        },
    )?;
    let of = figures.clone();
    metrics.counters_from(
        "portolan_sniffer_namespace_reads_by_total",
        "Network namespaces whose sockets were read, by what told of them.",
        "source",
        move || {
            let sockets = of.sockets.lock();
            vec![
                ("sockets", sockets.reads - sockets.diagnosed),
                ("socket-diagnostics", sockets.diagnosed),
            ]
        },
    )?;
    let of = figures.clone();
    metrics.counter_from(
        "portolan_sniffer_diagnostics_failed_total",
        "Network namespaces that socket diagnostics did not tell of: their tables were read.",
        move || of.sockets.lock().undiagnosed,
    )
}
