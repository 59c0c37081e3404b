//! For which nodes a report speaks.

use wire::Report;

/// The first node in a report that is not this one. Reports without a node, such as those of Kafka, speak for none, nor does coverage
/// of something else than a node.
pub fn foreign_node<'r>(report: &'r Report, own: &str) -> Option<&'r str> {
    let sources: &[_] = match report {
        Report::Captures(report) => &report.results,
        Report::TcpCaptures(report) => &report.results,
        Report::SocketScans(report) => &report.results,
        Report::Coverage(coverage) if coverage.role.is_some() && coverage.node_name.is_empty() => {
            &[]
        }
        Report::Coverage(coverage) => {
            return Some(&*coverage.node_name).filter(|name| *name != own);
        }
        Report::Kafka(_)
        | Report::Istio(_)
        | Report::Aws(_)
        | Report::Azure(_)
        | Report::Gcp(_)
        | Report::Traffic(_) => &[],
    };
    let mut nodes = sources
        .iter()
        .filter_map(|source| source.node_name.as_deref());
    nodes.find(|node| *node != own)
}

#[cfg(test)]
mod tests {
    use wire::input::{CaptureResults, NodeCoverage, RecordedDestinationsForSrc};

    use super::*;

    fn captures(nodes: &[Option<&str>]) -> Report {
        let results = nodes.iter().map(|node| RecordedDestinationsForSrc {
            node_name: node.map(Into::into),
            ..RecordedDestinationsForSrc::default()
        });
        Report::Captures(CaptureResults {
            results: results.collect(),
        })
    }

    #[test]
    fn a_report_may_name_one_node_or_none() {
        assert_eq!(foreign_node(&captures(&[]), "a"), None);
        assert_eq!(foreign_node(&captures(&[None, Some("a")]), "a"), None);
        assert_eq!(
            foreign_node(&captures(&[Some("a"), Some("b")]), "a"),
            Some("b")
        );
        assert_eq!(foreign_node(&captures(&[Some("")]), "a"), Some(""));
        let coverage = |node: &str| {
            Report::Coverage(NodeCoverage {
                node_name: node.into(),
                ..NodeCoverage::default()
            })
        };
        assert_eq!(foreign_node(&coverage("a"), "a"), None);
        assert_eq!(foreign_node(&coverage("b"), "a"), Some("b"));
        assert_eq!(foreign_node(&coverage(""), "a"), Some(""));
        let watcher = |node: &str| {
            Report::Coverage(NodeCoverage {
                node_name: node.into(),
                role: Some("kafka-watcher".into()),
                ..NodeCoverage::default()
            })
        };
        assert_eq!(foreign_node(&watcher(""), "a"), None);
        assert_eq!(foreign_node(&watcher("b"), "a"), Some("b"));
    }
}
