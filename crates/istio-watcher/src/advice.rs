//! What a mesh exports, in words, and what to apply when it exports no paths.

use std::fmt;

/// The resource that makes sidecars count by method and path (Istio documentation, "Telemetry API").
///
/// `request.url_path` and not `request.path`: the latter has the query in it, so that each search, each page and each token
/// is a series of its own for as long as the sidecar runs, and what stands in queries gets into metrics. Only for the counter
/// of requests: with these labels on histograms too, as by an override without a match, each path costs some fifty series.
pub const TELEMETRY: &str = "\
apiVersion: telemetry.istio.io/v1alpha1
kind: Telemetry
metadata:
  name: mesh-default
  namespace: istio-system
spec:
  metrics:
  - providers:
    - name: prometheus
    overrides:
    - match:
        metric: REQUEST_COUNT
      tagOverrides:
        request_method:
          value: request.method
        request_path:
          value: request.url_path
";

/// What a round found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Sidecars that there are.
    pub sidecars: usize,
    /// Of these, those that answered in this round.
    pub answered: usize,
    /// Series of those that have answered.
    pub series: usize,
    /// Of these, with a path.
    pub with_path: usize,
}

/// What that means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advice {
    /// Paths are exported.
    Paths,
    /// No pod has a sidecar.
    NoSidecars,
    /// There are sidecars, and none of them answers.
    NoAnswers,
    /// They answer, and have counted no request.
    NoRequests,
    /// They count requests without their paths.
    NoPaths,
}

impl Found {
    /// What it means.
    pub const fn advice(self) -> Advice {
        match self {
            Self { with_path: 1.., .. } => Advice::Paths,
            Self { series: 1.., .. } => Advice::NoPaths,
            Self { answered: 1.., .. } => Advice::NoRequests,
            Self { sidecars: 1.., .. } => Advice::NoAnswers,
            _ => Advice::NoSidecars,
        }
    }
}

impl Advice {
    /// As metrics name it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Paths => "paths",
            Self::NoSidecars => "no_sidecars",
            Self::NoAnswers => "no_answers",
            Self::NoRequests => "no_requests",
            Self::NoPaths => "no_paths",
        }
    }

    /// Every one, in the order of their declaration.
    pub const ALL: [Self; 5] = [
        Self::Paths,
        Self::NoSidecars,
        Self::NoAnswers,
        Self::NoRequests,
        Self::NoPaths,
    ];
}

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Paths => "the mesh exports methods and paths",
            Self::NoSidecars => {
                "no pod has a running sidecar, and there is no waypoint: none carries the label, or injection is off \
                 (istio-injection=enabled on a namespace, then pods anew)"
            }
            Self::NoAnswers => {
                "no sidecar answers: does a NetworkPolicy keep this pod from their metrics port, or do they listen on another? \
                 With --istio-exec they are asked through the API server"
            }
            Self::NoRequests => {
                "sidecars have counted no HTTP request yet; this is so too where their metrics are switched off"
            }
            Self::NoPaths => {
                "the mesh counts requests without their paths, so that no path can be told. Apply this (`portolan-istio-watcher \
                 --print-telemetry | kubectl apply -f -`), or merge it into the Telemetry without a selector that is in \
                 istio-system already; pods need no restart:\n"
            }
        })?;
        if *self == Self::NoPaths {
            f.write_str(TELEMETRY)?;
        }
        Ok(())
    }
}
