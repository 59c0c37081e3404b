//! The path from frames to the map.

use std::hash::RandomState;
use std::net::IpAddr;
use std::time::Duration;

use cluster::Index;
use kernel::packet;
use map::tally::Tally;
use map::{Evidence, Map, Time};
use mapper::Ingest;
use sniffer::sockets::{Scanner, SocketFate};
use sniffer::{Aggregate, Collector, PacketFate};

use super::advice::advise;
use super::frames::{Frames, Input};
use super::progress;
use super::scans::Scan;
use super::summary::{Problem, Summary};
use crate::failure::Failure;

/// How much of the capture's time goes into one report, as a live sniffer's report interval.
const REPORT_INTERVAL: Duration = Duration::from_secs(1);

/// Everything that was recorded.
#[derive(Debug)]
pub(crate) struct Recording<'a> {
    pub(crate) inputs: Vec<Input<'a>>,
    pub(crate) scans: Vec<Scan>,
    pub(crate) index: Index,
    pub(crate) problems: Vec<Problem>,
}

/// One node's collectors in front of one mapper, as they run live, with the capture's time for a clock.
struct Pipeline<'i> {
    collector: Collector<RandomState>,
    aggregate: Aggregate<RandomState>,
    scanner: Scanner,
    sockets: Tally<SocketFate>,
    /// What went into the aggregate, as its observations say.
    sightings: Tally<Evidence>,
    index: &'i Index,
    ingest: Ingest,
    reported: Time,
}

impl Pipeline<'_> {
    fn scan(&mut self, scan: &Scan) {
        let fates = self
            .scanner
            .scan(&scan.namespaces, scan.at, &mut self.aggregate);
        self.sockets.merge(&fates);
    }

    fn report(&mut self, now: Time) {
        self.reported = now;
        for observation in self.aggregate.drain() {
            self.sightings
                .add(observation.evidence, observation.connections);
            self.ingest.observe(self.index, &observation);
        }
    }
}

/// Draws the map of a recording.
pub(crate) fn draw(recording: Recording<'_>) -> Result<(Map, Summary), Failure> {
    let Recording {
        inputs,
        mut scans,
        mut index,
        mut problems,
    } = recording;
    let captures = inputs.len();
    scans.sort_by_key(|scan| scan.at);
    for scan in &scans {
        learn_node_addresses(&mut index, scan);
    }
    let (inputs, bar) = progress::follow(inputs);
    let mut frames = Frames::open(inputs, &mut problems)?;
    let hasher = RandomState::new();
    let mut pipeline = Pipeline {
        collector: Collector::new(&hasher),
        aggregate: Aggregate::new(hasher),
        scanner: Scanner::new(),
        sockets: Tally::new(),
        sightings: Tally::new(),
        index: &index,
        ingest: Ingest::new(""),
        reported: Time::MIN,
    };
    let mut waiting = scans.iter().peekable();
    let mut span: Option<(Time, Time)> = None;
    while let Some(frame) = frames.next(&mut problems) {
        let at = frame.at;
        span = Some(span.map_or((at, at), |(first, last)| (first.min(at), last.max(at))));
        while let Some(scan) = waiting.next_if(|scan| scan.at <= at) {
            pipeline.scan(scan);
        }
        let packet = match frame.link {
            Some(link) => packet::parse(link, frame.bytes).map_err(PacketFate::Unreadable),
            None => Err(PacketFate::UnknownLink),
        };
        // The owner of an address is the mapper's to find: a recording has no node that knows it.
        pipeline
            .collector
            .packet(at, packet, |_| None, &mut pipeline.aggregate);
        if at.since(pipeline.reported) >= REPORT_INTERVAL {
            pipeline.report(at);
        }
    }
    bar.finish_and_clear();
    pipeline.collector.finish(&mut pipeline.aggregate);
    for scan in waiting {
        pipeline.scan(scan);
    }
    pipeline.report(span.map_or(Time::MIN, |(_, last)| last));
    pipeline.ingest.finish(&index);
    let Pipeline {
        collector,
        sockets,
        sightings,
        ingest,
        ..
    } = pipeline;
    problems.extend(advise(&collector, &ingest));
    let summary = Summary::new(
        captures,
        span,
        scans.len(),
        &collector,
        &sockets,
        sightings,
        &ingest,
    )
    .with_problems(problems);
    Ok((ingest.into_map(), summary))
}

/// A namespace that holds a node's address is the node's own: all its addresses are the node's, such as that of
/// the bridge from which the kubelet probes.
fn learn_node_addresses(index: &mut Index, scan: &Scan) {
    for addresses in &scan.addresses {
        let node = addresses
            .iter()
            .find_map(|address| index.node_of(IpAddr::V4(*address)).map(str::to_owned));
        if let Some(node) = node {
            for address in addresses {
                index.add_node_address(IpAddr::V4(*address), &node);
            }
        }
    }
}
