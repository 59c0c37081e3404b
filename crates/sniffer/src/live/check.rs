//! `portolan-sniffer --check`: what this node allows, what would be seen here, and what to grant.
//!
//! ```text
//! packets · processes · mapper · spool ─► Findings ─► words ─► lines ─► standard output
//! ```
//!
//! Nothing is guessed: the ring is opened by the very way that the sniffer goes, and captures a packet of its own; the
//! node's processes are walked through; the mapper is asked, and takes an empty report.

mod findings;
mod packets;
mod processes;
mod words;

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::process::ExitCode;

use app::config::{LogFormat, Parsed};
use kernel::ring::{PacketSocket, RingError};
use serde_json::json;
use tokio::runtime::Builder;
use wire::client::probe;

use super::run::node_name;
use super::settings::Args;
use findings::{Findings, NodeName, Spool};
use words::{Line, Mark, lines};

pub(crate) use findings::Given;

/// Looks at everything, tells it, and says by its status whether the basic job can be done.
pub(crate) fn run(
    parsed: Parsed<Args>,
    given: Given,
    socket: Result<PacketSocket, RingError>,
) -> ExitCode {
    let Parsed { args, warnings, .. } = parsed;
    let lines = lines(&look(&args, warnings, given, socket));
    let said = match args.process.log_format {
        LogFormat::Json => as_json(&lines),
        LogFormat::Auto | LogFormat::Text => as_text(&lines),
    };
    let written = io::stdout().write_all(said.as_bytes());
    if written.is_ok() && can_work(&lines) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn look(
    args: &Args,
    warnings: Vec<String>,
    given: Given,
    socket: Result<PacketSocket, RingError>,
) -> Findings {
    let ring_bytes = usize::try_from(args.ring_size.get()).unwrap_or(usize::MAX);
    let (processes, network) = processes::look(&args.host_proc_dir);
    let settings = args.reporter.settings();
    let runtime = Builder::new_current_thread().enable_all().build();
    let mapper = runtime
        .map(|runtime| {
            let probed = runtime.block_on(probe(&settings));
            // A name server that does not answer must not hold up the end.
            runtime.shutdown_background();
            probed
        })
        .map_err(|error| error.to_string());
    Findings {
        warnings,
        given,
        packets: packets::look(socket, ring_bytes),
        network,
        processes,
        node: NodeName {
            name: node_name(&args.node_name).to_string(),
            is_told: !args.node_name.is_empty(),
        },
        url: args.reporter.mapper_api_url.to_string(),
        mapper,
        spool: spool(args),
    }
}

/// A file in it, written and removed.
fn spool(args: &Args) -> Spool {
    let Some(folder) = &args.reporter.spool_dir else {
        return Spool::None;
    };
    // As one that the process left when it was killed: the next start would remove it.
    let file = folder.join("check.part");
    let written = fs::create_dir_all(folder)
        .and_then(|()| File::create(&file)?.write_all(b"check"))
        .and_then(|()| fs::remove_file(&file));
    let folder = folder.display().to_string();
    match written {
        Ok(()) => Spool::Writable(folder),
        Err(error) => Spool::Unwritable(folder, error.to_string()),
    }
}

fn can_work(lines: &[Line]) -> bool {
    lines.iter().all(|line| line.mark != Mark::Bad)
}

/// The width of the column of names.
const NAMES: usize = 10;

fn as_text(lines: &[Line]) -> String {
    let mut text = String::new();
    for line in lines {
        let (mark, about) = (line.mark.sign(), line.about);
        // Writing to a text cannot fail.
        let _ = writeln!(text, "{mark} {about:NAMES$} {}", line.says);
        if let Some(todo) = &line.todo {
            let _ = writeln!(text, "  {:NAMES$} → {todo}", "");
        }
    }
    text.push_str(if can_work(lines) {
        "The sniffer can do its basic job here.\n"
    } else {
        "The sniffer cannot do its basic job here: see the lines with ✗.\n"
    });
    text
}

fn as_json(lines: &[Line]) -> String {
    let each = lines.iter().map(|line| {
        json!({
            "about": line.about, "mark": line.mark.word(), "says": line.says, "todo": line.todo,
        })
    });
    let all = json!({ "canWork": can_work(lines), "lines": each.collect::<Vec<_>>() });
    format!("{all:#}\n")
}

#[cfg(test)]
mod tests;
