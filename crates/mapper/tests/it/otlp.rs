//! What the standard variables mean.

use std::collections::BTreeMap;
use std::time::Duration;

use mapper::otlp::{Protocol, Settings, SettingsError, Temporality};

fn read(variables: &[(&str, &str)]) -> Result<Settings, SettingsError> {
    let variables: BTreeMap<&str, &str> = variables.iter().copied().collect();
    let env = |key: &str| variables.get(key).map(|&value| value.to_owned());
    Settings::read(&env, "portolan-mapper", "1.2.3")
}

fn endpoint(variables: &[(&str, &str)]) -> String {
    read(variables).unwrap().endpoint.to_string()
}

#[test]
fn without_any_it_is_the_collector_on_this_machine() {
    let settings = read(&[]).unwrap();
    assert_eq!(settings.protocol, Protocol::Grpc);
    assert_eq!(settings.endpoint, "http://localhost:4317/");
    assert_eq!(settings.temporality, Temporality::Cumulative);
    let (interval, timeout) = (settings.interval.as_secs(), settings.timeout.as_secs());
    assert_eq!((interval, timeout, settings.gzip), (60, 10, false));
    let name = ("service.name".to_owned(), "portolan-mapper".to_owned());
    assert!(settings.resource.contains(&name));
}

#[test]
fn endpoints_are_whole_or_a_base() {
    const BASE: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
    const METRICS: &str = "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT";
    const HTTP: (&str, &str) = ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf");
    const INSECURE: (&str, &str) = ("OTEL_EXPORTER_OTLP_INSECURE", "true");
    for (variables, expected) in [
        (&[HTTP][..], "http://localhost:4318/v1/metrics"),
        (
            &[HTTP, (BASE, "https://c/otlp/")],
            "https://c/otlp/v1/metrics",
        ),
        // What is given for metrics is taken as it is, and goes before.
        (
            &[HTTP, (BASE, "https://c"), (METRICS, "http://m/x")],
            "http://m/x",
        ),
        (&[(BASE, "http://c:4317"), (METRICS, "")], "http://c:4317/"),
        // gRPC is used to addresses alone.
        (&[(BASE, "c:4317")], "https://c:4317/"),
        (&[(BASE, "c:4317"), INSECURE], "http://c:4317/"),
        (&[(BASE, "http://[::1]:4317")], "http://[::1]:4317/"),
    ] {
        assert_eq!(endpoint(variables), expected, "{variables:?}");
    }
    for bad in ["ftp://c", "http://", "http://user:secret@c", "a b"] {
        assert_eq!(read(&[(BASE, bad)]).unwrap_err().key, BASE, "{bad}");
    }
}

#[test]
fn those_for_metrics_go_before_those_for_all() {
    let settings = read(&[
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "1000"),
        ("OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", "2000"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
        ("OTEL_EXPORTER_OTLP_METRICS_COMPRESSION", "none"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "5000"),
    ]);
    let settings = settings.unwrap();
    let expected = (Duration::from_secs(2), Duration::from_secs(5), false);
    assert_eq!(
        (settings.timeout, settings.interval, settings.gzip),
        expected
    );
}

#[test]
fn headers_and_attributes_are_pairs() {
    let settings = read(&[
        (
            "OTEL_EXPORTER_OTLP_HEADERS",
            "Authorization=Basic%20YQ==, x-a=%zz",
        ),
        (
            "OTEL_RESOURCE_ATTRIBUTES",
            "service.name=other,team=net%2Cwork",
        ),
        ("OTEL_SERVICE_NAME", "map"),
    ]);
    let settings = settings.unwrap();
    let headers = settings.headers.iter();
    let headers: Vec<_> = headers
        .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
        .collect();
    assert_eq!(headers, [("authorization", "Basic YQ=="), ("x-a", "%zz")]);
    // Secrets stay out of logs.
    assert!(!format!("{settings:?}").contains("YQ"), "{settings:?}");
    let resource: BTreeMap<String, String> = settings.resource.into_iter().collect();
    assert_eq!(resource["service.name"], "map");
    assert_eq!(resource["team"], "net,work");
    assert_eq!(resource["service.version"], "1.2.3");
}

#[test]
fn what_makes_no_sense_is_named_and_secrets_are_not_shown() {
    for (key, value) in [
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "zstd"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "0"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "1m"),
        ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "often"),
        ("OTEL_EXPORTER_OTLP_CLIENT_KEY", "/only/the/key"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "a bearer"),
        ("OTEL_RESOURCE_ATTRIBUTES", "=nameless"),
    ] {
        let error = read(&[(key, value)]).unwrap_err();
        assert_eq!(error.key, key);
        assert!(!key.ends_with("HEADERS") || !error.to_string().contains("bearer"));
    }
    for word in ["delta", "LowMemory"] {
        let key = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE";
        assert_eq!(
            read(&[(key, word)]).unwrap().temporality,
            Temporality::Delta
        );
    }
}
