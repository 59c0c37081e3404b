//! Text becomes series: whole, in pieces, odd and damaged.

use istio_watcher::MAX_LINE;
use istio_watcher::exposition::LineCounts;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::text::{each, escape, line};

type Read = (Vec<(String, String)>, u64);

fn read(text: &[u8], piece: usize) -> (Vec<Read>, LineCounts) {
    let mut all = Vec::new();
    let counts = each(text, piece, |series, value| {
        let mut labels = series.labels();
        let pairs = labels
            .by_ref()
            .map(|(name, value)| {
                let name = String::from_utf8_lossy(name).into_owned();
                (name, value.text().into_owned())
            })
            .collect();
        assert!(labels.is_whole());
        all.push((pairs, value));
    });
    (all, counts)
}

fn values(text: &str) -> Vec<u64> {
    read(text.as_bytes(), usize::MAX)
        .0
        .into_iter()
        .map(|(_, value)| value)
        .collect()
}

#[test]
fn only_lines_of_the_counter_count() {
    let text = "# HELP istio_requests_total istio_requests_total{a=\"b\"} 9\n\
        # TYPE istio_requests_total counter\n\
        istio_requests_total{a=\"b\"} 1\n\
        istio_requests_total_created{a=\"b\"} 2\n\
        istio_requests_total_more 3\n\
        envoy_cluster_upstream_rq{cluster=\"istio_requests_total{\"} 4\n\
        istio_request_bytes_bucket{le=\"0.5\"} 5\n\
        \n\
        istio_requests_total {a=\"c\"}   6   1700000000000\n\
        istio_requests_total{a=\"d\"} 7";
    assert_eq!(values(text), [1, 6, 7]);
}

#[test]
fn values_are_counts_however_they_are_written() {
    for (text, value) in [
        ("0", 0),
        ("18446744073709551615", u64::MAX),
        ("1e+06", 1_000_000),
        ("12.0", 12),
        ("1e300", u64::MAX),
    ] {
        assert_eq!(
            values(&format!("istio_requests_total{{}} {text}\n")),
            [value],
            "{text}"
        );
    }
    for text in ["NaN", "+Inf", "-1", "", "x", "0x10", "é"] {
        let line = format!("istio_requests_total{{a=\"b\"}} {text}\n");
        let (found, counts) = read(line.as_bytes(), usize::MAX);
        assert_eq!((found.len(), counts.malformed), (0, 1), "{text}");
    }
    let (_, counts) = read(b"istio_requests_total 5\nistio_requests_total{a=\"b\n", 7);
    assert_eq!(counts.malformed, 2);
}

#[test]
fn what_is_escaped_is_meant_and_other_backslashes_stand_for_themselves() {
    let text = br#"istio_requests_total{path="/a\\b\"c\nd\te",empty="", x = "} 5" ,} 1"#;
    let (found, _) = read(text, usize::MAX);
    let pairs = [("path", "/a\\b\"c\nd\\te"), ("empty", ""), ("x", "} 5")];
    let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(found, [(pairs.to_vec(), 1)]);
    let (found, _) = read(b"istio_requests_total{p=\"/\xff\xc3\xa9\"} 1\n", usize::MAX);
    assert_eq!(found[0].0[0].1, "/\u{fffd}é");
}

#[test]
fn labels_that_are_none_end_the_series() {
    for labels in ["a", "a=b", "a=\"b", "a=\"b\" c=\"d\"", "a=\"b\\"] {
        let text = format!("istio_requests_total{{{labels}}} 1\n");
        let counts = each(text.as_bytes(), usize::MAX, |series, _| {
            let mut labels = series.labels();
            while labels.next().is_some() {}
            assert!(!labels.is_whole(), "{text}");
        });
        assert_eq!(counts.series, 1, "{text}");
    }
}

#[test]
fn a_line_that_is_too_long_is_passed_over_in_pieces_or_whole() {
    let long = line(&[("request_path", &"x".repeat(MAX_LINE))], 1);
    let text = format!("{long}{}", line(&[("a", "b")], 2));
    for piece in [1000, usize::MAX] {
        let (found, counts) = read(text.as_bytes(), piece);
        assert_eq!(
            (found.len(), counts.too_long),
            (1, 1),
            "in pieces of {piece}"
        );
    }
}

fn label() -> impl Strategy<Value = (String, String)> {
    let value = prop_oneof![
        "[a-z0-9/._-]{0,20}",
        any::<String>(),
        r#"[\\"\n{} ,=é]{0,10}"#,
    ];
    ("[a-z_]{1,12}", value)
}

fn statistics() -> impl Strategy<Value = Vec<Read>> {
    vec((vec(label(), 0..6), any::<u64>()), 0..8)
}

proptest! {
    #[test]
    fn what_is_written_is_read_however_it_is_cut(
        all in statistics(),
        between in vec("(# )?[a-z_]{0,30}[{}\" ]{0,3}", 0..4),
        piece in 1..200_usize,
    ) {
        let mut text = String::new();
        for (labels, value) in &all {
            for other in &between {
                text.extend([other, "\n"]);
            }
            let labels: Vec<_> = labels.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
            text += &line(&labels, *value);
        }
        let (found, counts) = read(text.as_bytes(), piece);
        prop_assert_eq!(&found, &all);
        prop_assert_eq!(counts.series, all.len() as u64);
        prop_assert_eq!(counts.malformed + counts.too_long, 0);
    }

    #[test]
    fn any_bytes_are_read_the_same_in_pieces_and_whole(
        mut text in vec(any::<u8>(), 0..300),
        at in any::<prop::sample::Index>(),
        piece in 1..50_usize,
    ) {
        let at = at.index(text.len() + 1);
        text.splice(at..at, b"\nistio_requests_total{a=\"".iter().copied());
        let identities = |piece| {
            let mut all = Vec::new();
            let counts = each(&text, piece, |series, value| {
                let labels: Vec<_> = series.labels().map(|(_, value)| value.text().into_owned()).collect();
                all.push((series.identity().to_vec(), labels, value));
            });
            (all, counts)
        };
        prop_assert_eq!(identities(piece), identities(usize::MAX));
    }

    #[test]
    fn escaping_is_undone(value in any::<String>()) {
        let text = format!("istio_requests_total{{a=\"{}\"}} 1", escape(&value));
        let (found, _) = read(text.as_bytes(), usize::MAX);
        prop_assert_eq!(&found[0].0[0].1, &value);
    }
}
