//! Lines of the log, read back.

use app::config::{Parsed, Process, parse};
use app::log::{Shape, filter};
use serde_json::json;
use tracing::{debug, error, info, trace, warn};

use crate::capture::Capture;

#[test]
fn a_line_has_the_keys_of_the_replaced_system_and_its_fields() {
    let capture = Capture::new(Shape::Json);
    capture.during(|| warn!(target: "sniffer", status = 503, retry = true, share = 0.5, url = "http://mapper", "refused {}", "it"));
    assert_eq!(
        capture.lines(),
        [json!({
            "level": "warning", "msg": "refused it", "time": "2026-11-23T09:42:12.861Z", "target": "sniffer",
            "status": 503, "retry": true, "share": 0.5, "url": "http://mapper",
        })],
    );
}

#[test]
fn levels_are_named_as_logrus_named_them() {
    let capture = Capture::new(Shape::Json);
    capture.during(|| {
        error!("1");
        warn!("2");
        info!("3");
        debug!("4");
        trace!("5");
    });
    let levels: Vec<_> = capture
        .lines()
        .iter()
        .map(|line| line["level"].clone())
        .collect();
    assert_eq!(levels, ["error", "warning", "info", "debug", "trace"]);
}

#[test]
fn a_field_called_as_a_key_is_set_apart() {
    let capture = Capture::new(Shape::Json);
    capture.during(|| {
        info!(
            level = 7,
            time = "noon",
            msg = "other",
            target = "goal",
            r#type = "A",
            "the message"
        );
    });
    let line = &capture.lines()[0];
    assert_eq!(
        (&line["level"], &line["msg"]),
        (&json!("info"), &json!("the message"))
    );
    assert_eq!(
        (&line["fields.level"], &line["fields.time"]),
        (&json!(7), &json!("noon"))
    );
    assert_eq!(
        (&line["fields.msg"], &line["fields.target"]),
        (&json!("other"), &json!("goal"))
    );
    assert_eq!(line["type"], "A");
}

#[test]
fn an_error_is_its_text() {
    let capture = Capture::new(Shape::Json);
    let refused = std::io::Error::other("refused");
    capture.during(|| {
        warn!(error = %refused, "a");
        warn!(error = &refused as &dyn std::error::Error, "b");
    });
    let errors: Vec<_> = capture
        .lines()
        .iter()
        .map(|line| line["error"].clone())
        .collect();
    assert_eq!(errors, ["refused", "refused"]);
}

#[test]
fn what_comes_from_outside_stays_in_its_line() {
    let hostile = "x\"}\n{\"level\":\"error\"\u{1b}[2J";
    for shape in [Shape::Json, Shape::Text] {
        let capture = Capture::new(shape);
        capture.during(|| info!(name = hostile, "name {hostile}"));
        let text = capture.text();
        assert_eq!(text.matches('\n').count(), 1, "{text}");
        assert!(!text.contains('\u{1b}'), "{text:?}");
    }
    let capture = Capture::new(Shape::Json);
    capture.during(|| info!(name = hostile, "name"));
    assert_eq!(capture.lines()[0]["name"], hostile);
}

#[test]
fn a_line_is_bounded_whatever_is_logged() {
    let capture = Capture::new(Shape::Json);
    let long = "x".repeat(1 << 20);
    capture.during(|| info!(field = long, debugged = ?long, "{long}"));
    assert!(capture.text().len() < 16 << 10);
}

#[test]
fn lines_for_people_are_in_one_order() {
    let capture = Capture::new(Shape::Text);
    capture.during(|| warn!(target: "sniffer", status = 503, why = "not ready", url = "http://mapper", "refused"));
    assert_eq!(
        capture.text(),
        "2026-11-23T09:42:12.861Z warning sniffer: refused status=503 url=http://mapper why=\"not ready\"\n",
    );
}

/// The settings alone, as a role has them.
#[derive(Debug, clap::Parser)]
struct Args {
    #[command(flatten)]
    process: Process,
}

fn logged(flags: &[&str]) -> Vec<String> {
    let command_line = std::iter::once("x").chain(flags.iter().copied());
    let Parsed { args, .. } = parse::<Args>(command_line, [("", ""); 0], &[]).unwrap();
    let capture = Capture::new(Shape::Json);
    capture.filtered(filter(&args.process), || {
        info!(target: "mapper", "ours, info");
        debug!(target: "mapper::ingest", "ours, debug");
        trace!(target: "mapper", "ours, trace");
        info!(target: "kube_client", "theirs, info");
        debug!(target: "kube_client", "theirs, debug");
    });
    capture.messages()
}

#[test]
fn debug_adds_our_lines_and_not_those_of_loud_libraries() {
    assert_eq!(logged(&[]), ["ours, info", "theirs, info"]);
    assert_eq!(
        logged(&["--debug"]),
        ["ours, info", "ours, debug", "theirs, info"]
    );
}

#[test]
fn a_filter_wins_over_debug() {
    assert_eq!(
        logged(&["--debug", "--log=warn,kube_client=debug"]),
        ["theirs, info", "theirs, debug"]
    );
    assert_eq!(logged(&["--log=off"]), [""; 0]);
}

#[test]
fn a_filter_that_names_only_parts_leaves_the_others_at_info() {
    assert_eq!(
        logged(&["--log=mapper=trace"]),
        ["ours, info", "ours, debug", "ours, trace", "theirs, info"]
    );
    assert_eq!(logged(&["--log=mapper=off, warning"]), [""; 0]);
}
