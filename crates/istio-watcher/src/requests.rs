//! A series of `istio_requests_total` as requests between two workloads (Istio documentation, "Istio Standard Metrics").

use std::borrow::Cow;

use compact_str::CompactString;
use map::HttpMethod;
use wire::limits::{MAX_NAME, MAX_PATH};

use crate::exposition::Series;
use crate::paths::cut;

/// What Istio says where it knows nothing.
const UNKNOWN: &str = "unknown";

/// Flags of answers that no server gave (Envoy documentation, "Access logging", response flags): no healthy upstream, no
/// connection to it, no route, no such cluster, too many requests for it already, no address for its name.
const UNANSWERED: [&str; 6] = ["UH", "UF", "NR", "NC", "UO", "DF"];

/// Flags of answers by which the mesh refused: by an external authorization, by a rate limit or its service.
const REFUSED: [&str; 3] = ["UAEX", "RL", "RLSE"];

/// Requests of one client to one server, of one path and method.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requests {
    /// Who sent them.
    pub client: End,
    /// Who answered.
    pub server: End,
    /// The Service that was called; empty where it is not known.
    pub service: CompactString,
    /// The path, without query and fragment.
    pub path: CompactString,
    /// The method; none where the contract has no word for it, as for HEAD.
    pub method: Option<HttpMethod>,
    /// What became of them.
    pub outcome: Outcome,
}

/// A workload as Istio names it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct End {
    /// Its namespace.
    pub namespace: CompactString,
    /// Its name: that of its Deployment, `DaemonSet` and so on.
    pub workload: CompactString,
    /// The name by labels (Istio documentation, "Resource Labels", canonical name); empty where it is not known.
    pub canonical: CompactString,
}

/// What became of requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// A server answered, whatever.
    Answered,
    /// The mesh refused them.
    Refused,
    /// No server was reached.
    Unanswered,
}

/// Why a series tells of no requests between two workloads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Refusal {
    /// It has no label for the path: the mesh does not export it.
    NoPath,
    /// Its path is empty, or unknown.
    UnknownPath,
    /// The client has no sidecar: it is outside the mesh.
    UnknownClient,
    /// The server has no sidecar: it is outside the mesh, or the request matched no Service.
    UnknownServer,
    /// A name or path is longer than the mapper takes.
    TooLong,
    /// Its labels cannot be read.
    Malformed,
}

impl Refusal {
    /// Every reason, in the order of their declaration.
    pub const ALL: [Self; 6] = [
        Self::NoPath,
        Self::UnknownPath,
        Self::UnknownClient,
        Self::UnknownServer,
        Self::TooLong,
        Self::Malformed,
    ];

    /// As metrics name it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoPath => "no_path",
            Self::UnknownPath => "unknown_path",
            Self::UnknownClient => "unknown_client",
            Self::UnknownServer => "unknown_server",
            Self::TooLong => "too_long",
            Self::Malformed => "malformed",
        }
    }
}

/// The labels that count, as they are written.
#[derive(Default)]
struct Told<'a> {
    client: Workload<'a>,
    server: Workload<'a>,
    service: Cow<'a, str>,
    code: Cow<'a, str>,
    flags: Cow<'a, str>,
    method: Cow<'a, str>,
    path: Option<Cow<'a, str>>,
}

#[derive(Default)]
struct Workload<'a> {
    namespace: Cow<'a, str>,
    name: Cow<'a, str>,
    canonical: Cow<'a, str>,
}

impl Requests {
    /// What a series tells.
    pub fn read(series: Series<'_>) -> Result<Self, Refusal> {
        let told = told(series)?;
        let target = told.path.ok_or(Refusal::NoPath)?;
        if target == UNKNOWN {
            return Err(Refusal::UnknownPath);
        }
        let path = cut(&target).ok_or(Refusal::UnknownPath)?;
        let client = told.client.known().ok_or(Refusal::UnknownClient)?;
        let server = told.server.known().ok_or(Refusal::UnknownServer)?;
        let service = or_empty(&told.service);
        let names = [&client, &server].into_iter().flat_map(End::names);
        if path.len() > MAX_PATH || names.chain([&service]).any(|name| name.len() > MAX_NAME) {
            return Err(Refusal::TooLong);
        }
        Ok(Self {
            path: path.into(),
            method: told
                .method
                .parse()
                .ok()
                .filter(|method| *method != HttpMethod::All),
            outcome: outcome(&told.code, &told.flags),
            client,
            server,
            service,
        })
    }
}

impl End {
    fn names(&self) -> [&CompactString; 3] {
        [&self.namespace, &self.workload, &self.canonical]
    }
}

fn told(series: Series<'_>) -> Result<Told<'_>, Refusal> {
    let mut told = Told::default();
    let mut labels = series.labels();
    for (name, value) in &mut labels {
        let place = match name {
            b"source_workload" => &mut told.client.name,
            b"source_workload_namespace" => &mut told.client.namespace,
            b"source_canonical_service" => &mut told.client.canonical,
            b"destination_workload" => &mut told.server.name,
            b"destination_workload_namespace" => &mut told.server.namespace,
            b"destination_canonical_service" => &mut told.server.canonical,
            b"destination_service_name" => &mut told.service,
            b"response_code" => &mut told.code,
            b"response_flags" => &mut told.flags,
            b"request_method" => &mut told.method,
            b"request_path" => told.path.get_or_insert_default(),
            _ => continue,
        };
        *place = value.text();
    }
    if labels.is_whole() {
        Ok(told)
    } else {
        Err(Refusal::Malformed)
    }
}

impl Workload<'_> {
    /// None without a namespace, or without any name.
    fn known(&self) -> Option<End> {
        let (namespace, canonical) = (or_empty(&self.namespace), or_empty(&self.canonical));
        let mut workload = or_empty(&self.name);
        if workload.is_empty() {
            workload.clone_from(&canonical);
        }
        (!namespace.is_empty() && !workload.is_empty()).then_some(End {
            namespace,
            workload,
            canonical,
        })
    }
}

/// Only the very word is none: there are workloads whose names have it in them.
fn or_empty(value: &str) -> CompactString {
    if value == UNKNOWN {
        CompactString::default()
    } else {
        value.into()
    }
}

/// A flag tells of an attempt before the one that was answered, where there was a good answer.
fn outcome(code: &str, flags: &str) -> Outcome {
    if flags.is_empty() || flags == "-" || matches!(code.as_bytes().first(), Some(b'1'..=b'3')) {
        return Outcome::Answered;
    }
    let has = |some: &[&str]| flags.split(',').any(|flag| some.contains(&flag));
    if has(&REFUSED) {
        Outcome::Refused
    } else if has(&UNANSWERED) {
        Outcome::Unanswered
    } else {
        Outcome::Answered
    }
}
