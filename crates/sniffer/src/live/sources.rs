//! What is seen by: always packets and socket tables, and better sources where rights allow.

use std::io;

use app::metrics::{Metrics, MetricsError};

use kernel::socket_events::{EventsError, SocketEvents};

use super::door::Door;
use super::figures::Figures;

/// Which sources there are. Packets and socket tables always are.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sources {
    /// Socket diagnostics in place of the tables, where a namespace can be entered.
    pub(crate) diagnostics: bool,
    /// The socket-state tracepoint beside packets.
    pub(crate) tracepoint: bool,
}

impl Sources {
    /// All, with whether it is in use.
    fn all(self) -> [(&'static str, bool); 4] {
        [
            ("packets", true),
            ("sockets", true),
            ("socket-diagnostics", self.diagnostics),
            ("socket-tracepoint", self.tracepoint),
        ]
    }

    /// Those in use.
    pub(crate) fn names(self) -> Vec<&'static str> {
        let used = self.all().into_iter().filter(|(_, used)| *used);
        used.map(|(name, _)| name).collect()
    }
}

/// The door, if it opens.
pub(crate) fn diagnostics(door: Option<io::Result<Door>>) -> Option<Door> {
    let door = match door {
        Some(Ok(door)) => door,
        Some(Err(error)) => {
            tracing::warn!(%error, "no thread for socket diagnostics: socket tables are read");
            return None;
        }
        None => return None,
    };
    match door.check() {
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

/// The tracepoint, if it was opened.
pub(crate) fn tracepoint(
    events: Option<Result<SocketEvents, EventsError>>,
) -> Option<SocketEvents> {
    events?
        .inspect_err(|error| {
            tracing::warn!(
                %error,
                "no socket-state tracepoint, for which the capabilities BPF and PERFMON are: pods on the node's network are \
                 not told apart"
            );
        })
        .ok()
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
    )?;
    let of = figures.clone();
    metrics.counters_from(
        "portolan_sniffer_socket_events_total",
        "Connections that the socket-state tracepoint told of, by what became of it.",
        "fate",
        move || {
            let packets = of.packets.lock();
            let by = packets.events.iter();
            by.map(|(fate, count)| (fate.as_str(), count)).collect()
        },
    )?;
    let of = figures.clone();
    metrics.gauge_from(
        "portolan_sniffer_socket_events_held",
        "Connections that the socket-state tracepoint told of, and whose packets may come yet.",
        move || f64::from(of.packets.lock().held_events),
    )?;
    let of = figures.clone();
    metrics.counters_from(
        "portolan_sniffer_tracepoint_total",
        "Connections of the node at the socket-state tracepoint, by what it did with them.",
        "fate",
        move || {
            let counts = of.packets.lock().event_counts;
            vec![
                ("begun", counts.begun),
                ("begun, and lost to a full table", counts.forgotten),
                ("decided, and begun before", counts.unknown),
                ("decided, and told", counts.told),
                ("decided, and lost to a full ring", counts.lost),
                ("accepted, and told", counts.accepted),
                ("accepted, and lost to a full ring", counts.accepted_lost),
            ]
        },
    )
}
