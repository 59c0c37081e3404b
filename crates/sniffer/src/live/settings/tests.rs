//! Every key of the replaced sniffer is taken: it works, or it is known to do nothing.

use app::config::{Origin, Parsed, parse};

use super::{Args, IGNORED};

/// Keys that work, as the replaced sniffer was given them, and as they are here.
const WORK: &[(&str, &str, &str)] = &[
    // Its own.
    ("HOST_PROC_DIR", "/host/proc", "host-proc-dir"),
    ("CALLS_TIMEOUT", "30s", "calls-timeout"),
    ("SNIFFER_REPORT_INTERVAL", "2s", "sniffer-report-interval"),
    // Those of all its processes.
    (
        "MAPPER_API_URL",
        "http://otterize-network-mapper:9090/query",
        "mapper-api-url",
    ),
    ("DEBUG", "true", "debug"),
    ("METRICS_PORT", "2113", "metrics-port"),
    ("HEALTH_PROBES_PORT", "57921", "health-probes-port"),
    ("ENABLE_TCP", "0", "enable-tcp"),
    ("ENABLE_SOCKET_SCANNER", "F", "enable-socket-scanner"),
    ("ENABLE_DNS", "FALSE", "enable-dns"),
];

/// Keys that do nothing: those of the replaced sniffer, of all its processes, and those that only its chart sets.
const NOTHING: &[(&str, &str)] = &[
    ("PACKETS_BUFFER_LENGTH", "4096"),
    ("HOSTS_MAPPING_REFRESH_INTERVAL", "500ms"),
    ("USE_EXTENDED_PROCFS_RESOLUTION", "true"),
    ("POD", "kafka-0"),
    ("NAMESPACE", "kafka"),
    ("TELEMETRY_ENABLED", "false"),
    ("TELEMETRY_USAGE_ENABLED", "true"),
    ("TELEMETRY_ERRORS_ENABLED", "true"),
    ("TELEMETRY_ERRORS_STAGE", "production"),
    ("TELEMETRY_ERRORS_ADDRESS", "https://errors.example"),
    ("TELEMETRY_ERRORS_API_KEY", "d86195588a41fa03"),
    ("TELEMETRY_CLIENT_TIMEOUT", "30s"),
    ("TELEMETRY_MAX_BATCH_SIZE", "100"),
    ("TELEMETRY_INTERVAL_SECONDS", "5"),
    ("TELEMETRY_RESET_INTERVAL_DURATION", "24h"),
    ("TELEMETRY_ACTIVE_INTERVAL_DURATION", "2m"),
    ("API_ADDRESS", "https://cloud.example/api"),
    ("CLIENT_ID", "cli_1"),
    ("CLIENT_SECRET", "secret"),
    ("CLOUD_CLIENT_TIMEOUT", "30s"),
    ("API_EXTRA_CA_PEM", "/a.pem /b.pem"),
    ("COMPONENT_REPORT_INTERVAL", "60"),
    (
        "WORKLOAD_NAME_OVERRIDE_ANNOTATION",
        "intents.otterize.com/workload-name",
    ),
];

fn read(environment: impl IntoIterator<Item = (String, String)>) -> Parsed<Args> {
    parse(["portolan-sniffer"], environment, IGNORED).unwrap()
}

fn origin(parsed: &Parsed<Args>, key: &str) -> (String, Origin) {
    let setting = parsed.settings.iter().find(|setting| setting.key == key);
    let setting = setting.unwrap();
    (setting.value.clone(), setting.origin.clone())
}

#[test]
fn keys_of_the_replaced_sniffer_work_under_both_prefixes() {
    for prefix in ["OTTERIZE_", "PORTOLAN_"] {
        for (name, value, key) in WORK {
            let variable = format!("{prefix}{name}");
            let parsed = read([(variable.clone(), (*value).to_owned())]);
            let wanted = ((*value).to_owned(), Origin::Variable(variable));
            assert_eq!(origin(&parsed, key), wanted);
            assert_eq!(parsed.warnings, Vec::<String>::new(), "{name}");
            // Empty is not set.
            let empty = read([(format!("{prefix}{name}"), String::new())]);
            assert_eq!(origin(&empty, key).1, Origin::Default);
        }
    }
    let all = WORK
        .iter()
        .map(|(name, value, _)| (format!("OTTERIZE_{name}"), (*value).to_owned()));
    let args = read(all).args;
    assert_eq!(args.reporter.health_probes_port.0, 57_921);
    assert!(
        args.process.debug && !args.enable_dns && !args.enable_tcp && !args.enable_socket_scanner
    );
}

#[test]
fn keys_that_do_nothing_are_named_in_one_warning() {
    for prefix in ["OTTERIZE_", "PORTOLAN_"] {
        for (name, value) in NOTHING {
            let parsed = read([(format!("{prefix}{name}"), (*value).to_owned())]);
            assert_eq!(parsed.warnings.len(), 1, "{name}: {:?}", parsed.warnings);
            assert!(
                parsed.warnings[0].starts_with("accepted without effect: "),
                "{:?}",
                parsed.warnings
            );
            assert!(parsed.warnings[0].contains(name), "{:?}", parsed.warnings);
        }
    }
    let all = NOTHING
        .iter()
        .map(|(name, value)| (format!("OTTERIZE_{name}"), (*value).to_owned()));
    assert_eq!(read(all).warnings.len(), 1);
}

/// As the replaced chart starts it, and Kubernetes' own variables.
#[test]
fn the_environment_of_the_replaced_chart_is_taken() {
    let chart = [
        ("POD_NAMESPACE", "otterize-system"),
        (
            "OTTERIZE_MAPPER_API_URL",
            "http://otterize-network-mapper:9090/query",
        ),
        ("OTTERIZE_DEBUG", "false"),
        ("OTTERIZE_HEALTH_PROBES_PORT", "57921"),
        ("OTTERIZE_USE_EXTENDED_PROCFS_RESOLUTION", "false"),
        (
            "OTTERIZE_WORKLOAD_NAME_OVERRIDE_ANNOTATION",
            "intents.otterize.com/workload-name",
        ),
        ("OTTERIZE_TELEMETRY_ENABLED", "true"),
        ("OTTERIZE_TELEMETRY_USAGE_ENABLED", "true"),
        ("OTTERIZE_TELEMETRY_ERRORS_ENABLED", "true"),
        ("OTTERIZE_TELEMETRY_ERRORS_STAGE", "production"),
        (
            "OTTERIZE_TELEMETRY_ERRORS_ADDRESS",
            "https://errors.example",
        ),
        ("OTTERIZE_TELEMETRY_ERRORS_API_KEY", "key"),
        ("OTTERIZE_CLIENT_ID", "cli_1"),
        ("KUBERNETES_SERVICE_HOST", "10.96.0.1"),
        ("OTTERIZE_NETWORK_MAPPER_SERVICE_HOST", "10.96.3.4"),
        ("OTTERIZE_NETWORK_MAPPER_PORT", "tcp://10.96.3.4:9090"),
    ];
    let parsed = read(chart.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert_eq!(parsed.warnings.len(), 1, "{:?}", parsed.warnings);
    assert_eq!(parsed.args.reporter.health_probes_port.0, 57_921);
    assert_eq!(
        parsed.args.reporter.mapper_api_url.to_string(),
        "http://otterize-network-mapper:9090/query"
    );
}
