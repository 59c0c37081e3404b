//! `portolan status`: what each node's sniffer and each watcher sees, what became of it, and what to do.

use std::fmt::Write;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use map::Time;
use serde::{Deserialize, Serialize};
use serde_json::json;
use wire::edge::{Coverage, ReasonCount, Status};
use wire::fields;

use crate::args::{Form, StatusArgs};
use crate::failure::Failure;
use crate::{output, reach};

/// Sniffers and watchers report twice a minute at least; who is silent for so long is gone or cut off.
const SILENT: Duration = Duration::from_mins(3);

const HEAD: Style = Style::new().bold();
const ADVICE: Style = AnsiColor::Yellow.on_default();

/// What is asked and shown.
#[derive(Debug, Serialize, Deserialize)]
struct Asked {
    /// Older mappers have none.
    status: Option<Status>,
    coverage: Vec<Coverage>,
}

/// `portolan status`.
pub(crate) fn run(args: &StatusArgs) -> Result<(), Failure> {
    let asked: Asked = reach::runtime()?.block_on(async {
        let mut mapper = reach::open(&args.mapper).await?;
        let document = [
            "{ status { ...StatusFields } coverage { ...CoverageFields } }",
            fields::STATUS,
            fields::COVERAGE,
        ]
        .concat();
        mapper.answer(None, &document, json!({})).await
    })?;
    let text = match args.format {
        Form::Json => serde_json::to_string_pretty(&asked)
            .map(|text| text + "\n")
            .map_err(|error| Failure::run(error.to_string()))?,
        // A mapper's clock is the one that its reports go by.
        Form::Text => text(
            &asked,
            asked
                .status
                .as_ref()
                .map_or_else(app::clock::now, |status| status.at.0),
        ),
    };
    output::print_styled(&text)?;
    Ok(())
}

fn text(asked: &Asked, now: Time) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write(&mut text, asked, now);
    text
}

fn write(text: &mut String, asked: &Asked, now: Time) -> std::fmt::Result {
    if let Some(status) = &asked.status {
        mapper(text, status)?;
    }
    nodes(text, &asked.coverage, now)?;
    let advice = advice(asked, now);
    if !advice.is_empty() {
        writeln!(text, "\n{HEAD}To do{HEAD:#}")?;
        for one in advice {
            writeln!(text, "  {ADVICE}-{ADVICE:#} {one}")?;
        }
    }
    Ok(())
}

fn mapper(text: &mut String, status: &Status) -> std::fmt::Result {
    let pods = if status.synced {
        format!("knows {}", several(status.pods.0, "pod"))
    } else {
        "does not know the cluster yet".to_owned()
    };
    writeln!(text, "{HEAD}Mapper{HEAD:#} {}, {pods}", status.version)?;
    writeln!(
        text,
        "  map        {}, {}",
        several(status.edges.0, "edge"),
        several(status.attempts.0, "attempt")
    )?;
    if let Some(at) = &status.forgotten {
        writeln!(text, "  forgotten  what was before {}", at.0)?;
    }
    writeln!(
        text,
        "  reported   {} in {}{}",
        several(total(&status.taken), "observation"),
        several(status.reports.0, "report"),
        listed(": ", &status.taken)
    )?;
    writeln!(
        text,
        "  resolved   {} waiting{}",
        status.held,
        listed(", ", &status.fates)
    )
}

fn nodes(text: &mut String, all: &[Coverage], now: Time) -> std::fmt::Result {
    let width = all.iter().map(|node| name(node).chars().count()).max();
    let width = width.unwrap_or_default().max(4);
    writeln!(
        text,
        "\n{HEAD}{:width$}  {:>12}  {:>12}  {:>10}  {:>8}  SOURCES{HEAD:#}",
        "NODE", "REPORTED", "SEEN", "DROPPED", "WAITING"
    )?;
    for node in all {
        let rights: Vec<&str> = node.rights.iter().map(wire::Text::as_str).collect();
        writeln!(
            text,
            "{:width$}  {:>12}  {:>12}  {:>10}  {:>8}  {}",
            name(node),
            ago(now, node.at.0),
            total(&node.seen),
            total(&node.dropped),
            node.spooled,
            rights.join(", ")
        )?;
        if total(&node.dropped) > 0 {
            writeln!(
                text,
                "{:width$}  dropped{}",
                "",
                listed(": ", &node.dropped)
            )?;
        }
    }
    Ok(())
}

/// Its node, or what it is when it speaks for none, as watchers do.
fn name(of: &Coverage) -> &str {
    match &of.role {
        Some(role) if of.node_name.is_empty() => role.as_str(),
        _ => of.node_name.as_str(),
    }
}

fn total(counts: &[ReasonCount]) -> i64 {
    counts
        .iter()
        .map(|one| one.count.0)
        .fold(0, i64::saturating_add)
}

/// Whether this speaks for no node.
fn is_watcher(of: &Coverage) -> bool {
    of.node_name.is_empty() && of.role.is_some()
}

/// `1 pod`, `2 pods`.
fn several(n: i64, what: &str) -> String {
    let s = if n == 1 { "" } else { "s" };
    format!("{n} {what}{s}")
}

/// `12 unasked, 3 malformed`, the most first, with this in front unless it is empty.
fn listed(before: &str, counts: &[ReasonCount]) -> String {
    let mut counts: Vec<&ReasonCount> = counts.iter().filter(|one| one.count.0 > 0).collect();
    counts.sort_by_key(|one| std::cmp::Reverse(one.count.0));
    let texts = counts
        .iter()
        .map(|one| format!("{} {}", one.count, one.reason));
    let text = texts.collect::<Vec<_>>().join(", ");
    if text.is_empty() {
        text
    } else {
        format!("{before}{text}")
    }
}

/// `5 s ago`.
fn ago(now: Time, at: Time) -> String {
    let seconds = now.since(at).as_secs();
    match seconds {
        0..120 => format!("{seconds} s ago"),
        120..7_200 => format!("{} min ago", seconds / 60),
        7_200..172_800 => format!("{} h ago", seconds / 3_600),
        _ => format!("{} d ago", seconds / 86_400),
    }
}

/// What stands out, and what to do about it.
fn advice(asked: &Asked, now: Time) -> Vec<String> {
    let mut advice = Vec::new();
    if let Some(status) = &asked.status
        && !status.synced
    {
        advice.push("the mapper does not know the cluster yet, and resolves nothing: look into its log when this lasts".to_owned());
    }
    if asked.coverage.iter().all(is_watcher) {
        advice.push("no sniffer of this version has reported: kubectl get daemonsets -A -l app=otterize-network-sniffer; sniffers of the replaced system report without saying so".to_owned());
    }
    for node in &asked.coverage {
        let name = name(node);
        let (why_silent, why_blind) = if is_watcher(node) {
            (
                "is it running? its log says what is wrong",
                "its log says what it looks for, and what it lacks",
            )
        } else {
            (
                "is its sniffer running? on the node, portolan-sniffer --check says what is wrong",
                "portolan-sniffer --check says which right is missing",
            )
        };
        if now.since(node.at.0) > SILENT {
            let silent = ago(now, node.at.0);
            let silent = silent.trim_end_matches(" ago");
            advice.push(format!(
                "{name} has not reported for {silent}: {why_silent}"
            ));
        }
        if total(&node.seen) == 0 {
            advice.push(format!("{name} has seen nothing: {why_blind}"));
        }
        if node.spooled.0 > 0 && now.since(node.at.0) <= SILENT {
            advice.push(format!(
                "{name} has {} observations that the mapper has not taken yet: it comes to itself, unless the number grows",
                node.spooled
            ));
        }
    }
    advice
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn asked(coverage: &Value) -> Asked {
        serde_json::from_value(json!({
            "status": {
                "at": "2026-11-25T10:10:00Z", "version": "0.1.0", "synced": true, "pods": 12, "edges": 4,
                "attempts": 1, "reports": 9, "held": 2, "forgotten": "2026-11-25T09:00:00Z",
                "taken": [{ "reason": "DNS", "count": 5 }, { "reason": "TCP", "count": 40 }],
                "fates": [{ "reason": "in edges", "count": 40 }, { "reason": "unknown address as source", "count": 3 }],
            },
            "coverage": coverage,
        }))
        .unwrap()
    }

    fn node(name: &str, at: &str, seen: i64) -> Value {
        json!({
            "nodeName": name, "reporterId": "r", "at": at, "spooled": 0, "rights": ["packets", "sockets"],
            "lastScan": null, "version": "0.1.0",
            "seen": [{ "reason": "packets", "count": seen }],
            "dropped": [{ "reason": "unasked", "count": 7 }, { "reason": "malformed", "count": 0 }],
        })
    }

    fn watcher(role: &str, at: &str, seen: i64) -> Value {
        let mut watcher = node("", at, seen);
        watcher["role"] = role.into();
        watcher["rights"] = json!(["statistics"]);
        watcher
    }

    fn shown(coverage: &Value) -> String {
        let asked = asked(coverage);
        let text = text(&asked, asked.status.as_ref().unwrap().at.0);
        anstream::adapter::strip_str(&text).to_string()
    }

    #[test]
    fn all_is_well() {
        let text = shown(&json!([node("node-1", "2026-11-25T10:09:48Z", 100)]));
        assert_eq!(
            text,
            "\
Mapper 0.1.0, knows 12 pods
  map        4 edges, 1 attempt
  forgotten  what was before 2026-11-25T09:00:00Z
  reported   45 observations in 9 reports: 40 TCP, 5 DNS
  resolved   2 waiting, 40 in edges, 3 unknown address as source

NODE        REPORTED          SEEN     DROPPED   WAITING  SOURCES
node-1      12 s ago           100           7         0  packets, sockets
        dropped: 7 unasked
"
        );
    }

    #[test]
    fn who_is_silent_or_blind_is_named() {
        let text = shown(&json!([
            node("quiet", "2026-11-25T09:00:00Z", 1),
            node("blind", "2026-11-25T10:09:59Z", 0),
        ]));
        assert!(
            text.contains("- quiet has not reported for 70 min"),
            "{text}"
        );
        assert!(text.contains("- blind has seen nothing"), "{text}");
        assert!(shown(&json!([])).contains("- no sniffer of this version has reported"));
    }

    #[test]
    fn watchers_are_named_by_what_they_are() {
        let text = shown(&json!([
            watcher("istio-watcher", "2026-11-25T10:09:30Z", 5),
            node("node-1", "2026-11-25T10:09:48Z", 100),
        ]));
        let (_, rows) = text.split_once("\n\n").unwrap();
        assert_eq!(
            rows,
            "\
NODE               REPORTED          SEEN     DROPPED   WAITING  SOURCES
istio-watcher      30 s ago             5           7         0  statistics
               dropped: 7 unasked
node-1             12 s ago           100           7         0  packets, sockets
               dropped: 7 unasked
"
        );
    }

    #[test]
    fn what_watchers_lack_is_not_asked_of_sniffers() {
        let text = shown(&json!([
            watcher("istio-watcher", "2026-11-25T09:00:00Z", 1),
            watcher("kafka-watcher", "2026-11-25T10:09:59Z", 0),
        ]));
        assert!(
            text.contains("- istio-watcher has not reported for 70 min: is it running?"),
            "{text}"
        );
        assert!(
            text.contains("- kafka-watcher has seen nothing: its log says"),
            "{text}"
        );
        // They are no sniffers, which are missed.
        assert!(
            text.contains("- no sniffer of this version has reported"),
            "{text}"
        );
        assert!(!text.contains("--check"), "{text}");
    }
}
