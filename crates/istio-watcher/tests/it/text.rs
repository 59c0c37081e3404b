//! Statistics as Envoy writes them.

use istio_watcher::exposition::{Exposition, LineCounts, Series};

/// A line of the counter with these labels.
pub(crate) fn line(labels: &[(&str, &str)], value: u64) -> String {
    let labels: Vec<_> = labels
        .iter()
        .map(|(name, value)| format!("{name}=\"{}\"", escape(value)))
        .collect();
    format!("istio_requests_total{{{}}} {value}\n", labels.join(","))
}

/// Requests of `web` to `api` in the namespace `shop`, with these labels in place of the usual ones.
pub(crate) fn requests(changes: &[(&str, &str)], value: u64) -> String {
    let mut labels = vec![
        ("reporter", "destination"),
        ("source_workload", "web"),
        ("source_canonical_service", "web"),
        ("source_workload_namespace", "shop"),
        ("destination_workload", "api"),
        ("destination_canonical_service", "api"),
        ("destination_workload_namespace", "shop"),
        ("destination_service_name", "api"),
        ("response_code", "200"),
        ("response_flags", "-"),
        ("request_method", "GET"),
        ("request_path", "/"),
    ];
    for (name, value) in changes {
        match labels.iter_mut().find(|(known, _)| known == name) {
            Some(label) => label.1 = value,
            None => labels.push((name, value)),
        }
    }
    line(&labels, value)
}

/// Without the labels whose value is empty.
pub(crate) fn without(name: &str, value: u64) -> String {
    let all = requests(&[(name, "?gone?")], value);
    all.replace(&format!("{name}=\"?gone?\","), "")
        .replace(&format!(",{name}=\"?gone?\""), "")
}

/// As Prometheus' clients write a value (Prometheus documentation, "Exposition formats").
pub(crate) fn escape(value: &str) -> String {
    let value = value.replace('\\', "\\\\");
    value.replace('"', "\\\"").replace('\n', "\\n")
}

/// Gives each series of a text that comes in pieces of this length.
pub(crate) fn each(text: &[u8], piece: usize, mut each: impl FnMut(Series<'_>, u64)) -> LineCounts {
    let mut exposition = Exposition::default();
    for piece in text.chunks(piece.max(1)) {
        exposition.push(piece, &mut each);
    }
    exposition.end(&mut each);
    exposition.counts()
}
