//! Settings from flags and environment, for a role as roles declare them.

use app::config::{
    ByteSize, ConfigError, GoDuration, Ignored, Interval, LogFormat, Origin, Parsed, Port, Process,
    Secret, Words, parse,
};

/// A role for tests.
#[derive(Debug, clap::Parser)]
#[command(name = "portolan-test")]
struct Args {
    #[command(flatten)]
    process: Process,

    /// Namespaces to leave out.
    #[arg(long, default_value = "")]
    exclude_namespaces: Words,

    /// Whether DNS answers count.
    #[arg(long, default_value = "true")]
    enable_dns: bool,

    /// How long one call may take.
    #[arg(long, default_value = "1m0s")]
    calls_timeout: GoDuration,

    /// How often reports are sent.
    #[arg(long, default_value = "1s")]
    report_interval: Interval,

    /// How large the ring is.
    #[arg(long, default_value = "2Mi")]
    ring_size: ByteSize,

    /// How many items a request holds.
    #[arg(long, default_value_t = 500)]
    upload_batch_size: u32,

    /// What opens the door.
    #[arg(long)]
    door: Option<Secret>,

    /// Where the mapper is.
    #[arg(long, default_value = "http://mapper:9090/query")]
    mapper_api_url: String,

    /// The namespace of this pod.
    #[arg(long, env = "POD_NAMESPACE")]
    own_namespace: Option<String>,
}

const IGNORED: &[Ignored] = &[Ignored {
    key: "packets-buffer-length",
    why: "the ring has a size of its own",
}];

fn read(flags: &[&str], environment: &[(&str, &str)]) -> Result<Parsed<Args>, ConfigError> {
    let command_line = std::iter::once("portolan-test").chain(flags.iter().copied());
    parse(command_line, environment.iter().copied(), IGNORED)
}

fn args(flags: &[&str], environment: &[(&str, &str)]) -> Args {
    read(flags, environment).unwrap().args
}

fn error(flags: &[&str], environment: &[(&str, &str)]) -> String {
    read(flags, environment).unwrap_err().to_string()
}

fn warnings(flags: &[&str], environment: &[(&str, &str)]) -> Vec<String> {
    read(flags, environment).unwrap().warnings
}

#[test]
fn nothing_given_means_the_defaults_and_no_warning() {
    let Parsed { args, warnings, .. } = read(&[], &[]).unwrap();
    assert!(!args.process.debug && args.enable_dns);
    assert_eq!(args.process.metrics_port, Port(2112));
    assert_eq!(args.process.log_format, LogFormat::Auto);
    assert_eq!(args.exclude_namespaces, Words::default());
    assert_eq!(args.calls_timeout.to_string(), "1m0s");
    assert_eq!(args.ring_size, ByteSize::new(2 << 20));
    assert_eq!(args.upload_batch_size, 500);
    assert_eq!((args.door, args.own_namespace), (None, None));
    assert_eq!(warnings, [""; 0]);
}

#[test]
fn a_flag_wins_over_our_variable_and_that_over_the_old_one() {
    let all = [
        ("OTTERIZE_METRICS_PORT", "3"),
        ("PORTOLAN_METRICS_PORT", "2"),
    ];
    assert_eq!(
        args(&["--metrics-port", "1"], &all).process.metrics_port,
        Port(1)
    );
    assert_eq!(
        args(&["--metrics-port=1"], &all).process.metrics_port,
        Port(1)
    );
    assert_eq!(args(&[], &all).process.metrics_port, Port(2));
    assert_eq!(args(&[], &all[..1]).process.metrics_port, Port(3));
    assert_eq!(args(&[], &[]).process.metrics_port, Port(2112));
}

#[test]
fn an_empty_variable_is_not_set() {
    let environment = [
        ("PORTOLAN_METRICS_PORT", ""),
        ("OTTERIZE_METRICS_PORT", "3"),
        ("OTTERIZE_DEBUG", ""),
    ];
    let args = args(&[], &environment);
    assert_eq!(
        (args.process.metrics_port, args.process.debug),
        (Port(3), false)
    );
}

#[test]
fn a_variable_that_a_flag_overrides_may_be_wrong() {
    assert_eq!(
        args(&["--metrics-port=1"], &[("PORTOLAN_METRICS_PORT", "http")])
            .process
            .metrics_port,
        Port(1)
    );
}

#[test]
fn a_variable_without_prefix_is_asked_last() {
    let pod = ("POD_NAMESPACE", "a");
    assert_eq!(args(&[], &[pod]).own_namespace.as_deref(), Some("a"));
    assert_eq!(
        args(&[], &[pod, ("OTTERIZE_OWN_NAMESPACE", "b")])
            .own_namespace
            .as_deref(),
        Some("b")
    );
}

#[test]
fn truth_values_are_those_of_go_and_a_flag_alone_is_true() {
    for (flags, debug) in [
        (&["--debug"][..], true),
        (&["--debug=true"], true),
        (&["--debug", "false"], false),
        (&["--debug=0"], false),
        (&["--debug", "--enable-dns"], true),
    ] {
        assert_eq!(args(flags, &[]).process.debug, debug, "{flags:?}");
    }
    assert!(args(&[], &[("OTTERIZE_DEBUG", "T")]).process.debug);
    assert!(!args(&[], &[("OTTERIZE_ENABLE_DNS", "False")]).enable_dns);
    assert!(!args(&["--enable-dns=f"], &[]).enable_dns);
}

#[test]
fn values_of_every_type_come_from_the_environment() {
    let args = args(
        &[],
        &[
            ("OTTERIZE_EXCLUDE_NAMESPACES", "istio-system linkerd"),
            ("OTTERIZE_CALLS_TIMEOUT", "1h30m"),
            ("PORTOLAN_REPORT_INTERVAL", "500ms"),
            ("PORTOLAN_RING_SIZE", "64Mi"),
            ("OTTERIZE_UPLOAD_BATCH_SIZE", "7"),
            ("PORTOLAN_DOOR", "-hunter2 --debug"),
            ("PORTOLAN_LOG", "warn,mapper=debug"),
            ("PORTOLAN_LOG_FORMAT", "text"),
        ],
    );
    assert_eq!(args.exclude_namespaces.0, ["istio-system", "linkerd"]);
    assert_eq!(args.calls_timeout.to_string(), "1h30m0s");
    assert_eq!(args.report_interval.to_string(), "500ms");
    assert_eq!(args.ring_size.to_string(), "64Mi");
    assert_eq!(args.upload_batch_size, 7);
    assert_eq!(args.door.unwrap().expose(), "-hunter2 --debug");
    assert_eq!(args.process.log.unwrap().to_string(), "warn,mapper=debug");
    assert_eq!(args.process.log_format, LogFormat::Text);
    assert!(!args.process.debug);
}

#[test]
fn an_error_names_the_key_as_it_was_given_the_value_and_what_is_accepted() {
    let duration = "expected a duration such as 500ms, 1m or 1h30m";
    let none = [""; 0];
    for (flags, environment, expected) in [
        (
            &none[..],
            ("PORTOLAN_METRICS_PORT", "http"),
            "PORTOLAN_METRICS_PORT: \"http\" is not accepted: expected a port from 1 to 65535, or 0 for any free one",
        ),
        (
            &["--metrics-port=70000"],
            ("X", "y"),
            "--metrics-port: \"70000\" is not accepted: expected a port from 1 to 65535, or 0 for any free one",
        ),
        (
            &none,
            ("OTTERIZE_DEBUG", "yes"),
            "OTTERIZE_DEBUG: \"yes\" is not accepted: expected true or false (or 1, t, T, TRUE, True, 0, f, F, FALSE, False)",
        ),
        (
            &none,
            ("OTTERIZE_CALLS_TIMEOUT", "soon"),
            &format!("OTTERIZE_CALLS_TIMEOUT: \"soon\" is not accepted: {duration}"),
        ),
        (
            &["--calls-timeout", "1d"],
            ("X", "y"),
            &format!(
                "--calls-timeout: \"1d\" is not accepted: {duration}; \"d\" is none of the units ns, us, ms, s, m, h"
            ),
        ),
        (
            &["--calls-timeout=-1s"],
            ("X", "y"),
            "--calls-timeout: \"-1s\" is not accepted: expected a duration that is not negative",
        ),
        (
            &none,
            ("OTTERIZE_CALLS_TIMEOUT", "60"),
            "OTTERIZE_CALLS_TIMEOUT: \"60\" is not accepted: a number without a unit counts nanoseconds, less than 1ms here; write the unit, such as 60s or 60ms",
        ),
        (
            &none,
            ("PORTOLAN_REPORT_INTERVAL", "0"),
            "PORTOLAN_REPORT_INTERVAL: \"0\" is not accepted: expected a duration of at least 1ms",
        ),
        (
            &none,
            ("PORTOLAN_RING_SIZE", "64MB"),
            "PORTOLAN_RING_SIZE: \"64MB\" is not accepted: expected a size such as 64Mi, 1Gi or 4096 (bytes)",
        ),
        (
            &none,
            ("OTTERIZE_UPLOAD_BATCH_SIZE", "many"),
            "OTTERIZE_UPLOAD_BATCH_SIZE: \"many\" is not accepted: expected a whole number: invalid digit found in string",
        ),
        (
            &["--upload-batch-size=-1"],
            ("X", "y"),
            "--upload-batch-size: \"-1\" is not accepted: expected a whole number: -1 is not in 0..=4294967295",
        ),
        (
            &["--log-format=xml"],
            ("X", "y"),
            "--log-format: \"xml\" is not accepted: expected one of auto, json, text",
        ),
        (
            &none,
            ("PORTOLAN_LOG", "loud"),
            "PORTOLAN_LOG: \"loud\" is not accepted: expected levels such as info or warn,mapper=debug (off, error, warn, info, debug, trace)",
        ),
    ] {
        assert_eq!(error(flags, &[environment]), expected);
    }
}

#[test]
fn a_mistyped_filter_is_refused_and_does_not_mute_the_log() {
    for text in [
        "wran",
        "info,",
        ",",
        "=info",
        "mapper=",
        "mapper=loud",
        "INFO",
        "mapper",
    ] {
        let refused = error(&[], &[("PORTOLAN_LOG", text)]);
        assert!(refused.starts_with("PORTOLAN_LOG: "), "{text}: {refused}");
    }
}

#[test]
fn a_value_that_is_no_text_is_refused_and_not_passed_over() {
    use std::os::unix::ffi::OsStringExt;
    let bytes = std::ffi::OsString::from_vec(b"21\xff12".to_vec());
    let parsed = parse::<Args>(["portolan-test"], [("PORTOLAN_METRICS_PORT", bytes)], &[]);
    assert_eq!(
        parsed.unwrap_err().to_string(),
        "PORTOLAN_METRICS_PORT: \"21\u{fffd}12\" is not accepted: expected a port from 1 to 65535, or 0 for any free one",
    );
}

#[test]
fn mistakes_of_the_command_line_end_with_status_2_and_help_with_0() {
    let status = |flags: &[&str]| read(flags, &[]).unwrap_err().exit_status();
    assert_eq!(status(&["--metrics-prot=1"]), 2);
    assert_eq!(status(&["--metrics-port"]), 2);
    assert_eq!(status(&["--metrics-port=x"]), 2);
    assert_eq!(status(&["stray"]), 2);
    assert_eq!(status(&["--help"]), 0);
    assert_eq!(
        read(&["--version"], &[]).unwrap_err(),
        ConfigError::Asked(format!("portolan-test {}\n", app::VERSION))
    );
}

#[test]
fn help_tells_flag_variables_and_default_of_each_key() {
    let help = error(&["-h"], &[("PORTOLAN_METRICS_PORT", "7")]);
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        "--metrics-port <PORT> Port of the page of metrics [env: PORTOLAN_METRICS_PORT, OTTERIZE_METRICS_PORT] [default: 2112]",
        "--debug [<BOOL>] Log what is of use to developers too [env: PORTOLAN_DEBUG, OTTERIZE_DEBUG] [default: false]",
        "Whether DNS answers count [env: PORTOLAN_ENABLE_DNS, OTTERIZE_ENABLE_DNS] [default: true]",
        "The namespace of this pod [env: PORTOLAN_OWN_NAMESPACE, OTTERIZE_OWN_NAMESPACE, POD_NAMESPACE]",
    ] {
        assert!(help.contains(part), "{part}\nis not in\n{help}");
    }
    assert!(!help.contains("packets-buffer-length"), "{help}");
}

#[test]
fn ignored_keys_are_named_in_one_warning() {
    assert_eq!(
        warnings(
            &[
                "--telemetry-enabled=false",
                "--packets-buffer-length",
                "4096"
            ],
            &[
                ("OTTERIZE_CLIENT_ID", "x"),
                ("PORTOLAN_CLIENT_SECRET", "hunter2"),
                ("OTTERIZE_API_ADDRESS", "")
            ],
        ),
        [
            "accepted without effect: --telemetry-enabled (no telemetry is ever sent); \
          OTTERIZE_CLIENT_ID, PORTOLAN_CLIENT_SECRET (nothing is uploaded to a cloud); \
          --packets-buffer-length (the ring has a size of its own)"
        ],
    );
}

#[test]
fn an_unknown_variable_is_warned_about_only_with_our_prefix() {
    let environment = [
        ("PORTOLAN_METRIC_PORT", "1"),
        ("OTTERIZE_METRIC_PORT", "1"),
        ("PORT", "1"),
    ];
    assert_eq!(
        warnings(&[], &environment),
        ["PORTOLAN_METRIC_PORT is no setting of this process (see --help)"]
    );
}

#[test]
fn what_kubernetes_sets_for_a_service_is_no_setting() {
    let link = ("PORTOLAN_METRICS_PORT", "tcp://10.0.0.7:2112");
    let parsed = read(
        &[],
        &[
            link,
            ("OTTERIZE_METRICS_PORT", "3"),
            ("PORTOLAN_MAPPER_SERVICE_HOST", "10.0.0.7"),
        ],
    )
    .unwrap();
    assert_eq!(parsed.args.process.metrics_port, Port(3));
    assert_eq!(
        parsed.warnings,
        [
            "PORTOLAN_METRICS_PORT is not read: Kubernetes set it for a Service of that name (enableServiceLinks)"
        ],
    );
}

#[test]
fn a_number_of_nanoseconds_is_accepted_with_a_warning() {
    let parsed = read(
        &["--report-interval=250000000"],
        &[("OTTERIZE_CALLS_TIMEOUT", "60000000000")],
    )
    .unwrap();
    assert_eq!(parsed.args.calls_timeout.to_string(), "1m0s");
    assert_eq!(
        parsed.warnings,
        [
            "OTTERIZE_CALLS_TIMEOUT: \"60000000000\" has no unit and counts nanoseconds: 1m0s",
            "--report-interval: \"250000000\" has no unit and counts nanoseconds: 250ms",
        ],
    );
}

#[test]
fn the_listing_tells_where_each_setting_came_from() {
    let parsed = read(&["--debug"], &[("OTTERIZE_RING_SIZE", "1Gi")]).unwrap();
    let setting = |key: &str| {
        parsed
            .settings
            .iter()
            .find(|setting| setting.key == key)
            .unwrap()
    };
    assert_eq!(setting("debug").origin, Origin::Flag);
    assert_eq!(
        setting("ring-size").to_string(),
        "ring-size=\"1Gi\" (OTTERIZE_RING_SIZE)"
    );
    assert_eq!(
        setting("metrics-port").to_string(),
        "metrics-port=\"2112\" (default)"
    );
}

#[test]
fn secrets_are_shown_nowhere() {
    let environment = [
        ("PORTOLAN_DOOR", "hunter2"),
        (
            "OTTERIZE_MAPPER_API_URL",
            "https://me:hunter2@mapper/query?x=@",
        ),
    ];
    let parsed = read(&[], &environment).unwrap();
    let listing: Vec<_> = parsed.settings.iter().map(ToString::to_string).collect();
    assert!(
        listing.contains(&"door=\"(hidden)\" (PORTOLAN_DOOR)".to_owned()),
        "{listing:?}"
    );
    assert!(
        listing.contains(
            &"mapper-api-url=\"https://(hidden)@mapper/query?x=@\" (OTTERIZE_MAPPER_API_URL)"
                .to_owned()
        ),
        "{listing:?}"
    );
    assert!(!format!("{:?}", parsed.args.door).contains("hunter2"));
    assert_eq!(
        parsed.args.mapper_api_url,
        "https://me:hunter2@mapper/query?x=@"
    );
}
