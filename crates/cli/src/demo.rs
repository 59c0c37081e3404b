//! The recording that comes with the program: a shop in a real cluster, on one node, for 73 seconds.

use std::io::Read;
use std::path::PathBuf;

use crate::args::{DemoArgs, ViewArgs};
use crate::failure::Failure;
use crate::replay::{self, Input, Recording};

macro_rules! recorded {
    ($file:literal) => {
        (
            concat!("the demo's ", $file),
            include_bytes!(concat!("../../testkit/recordings/shop/", $file)).as_slice(),
        )
    };
}

const CAPTURE: (&str, &[u8]) = recorded!("capture.pcap.gz");
const CLUSTER: [(&str, &[u8]); 3] = [
    recorded!("cluster-start.json.gz"),
    recorded!("pod-events.json.gz"),
    recorded!("cluster-end.json.gz"),
];
const SOCKETS: [(&str, &[u8]); 2] = [recorded!("proc-start.tar.gz"), recorded!("proc-end.tar.gz")];

/// `portolan demo`.
pub(crate) fn run(DemoArgs { view }: DemoArgs) -> Result<(), Failure> {
    let recording = recording(&view)?;
    replay::show(recording, &view)
}

fn recording(view: &ViewArgs) -> Result<Recording<'static>, Failure> {
    let mut problems = Vec::new();
    let mut index = replay::index(&view.cluster_domain);
    for file in CLUSTER {
        replay::documents(&mut index, &mut input(file), &mut problems)?;
    }
    let mut scans = Vec::new();
    for (name, bytes) in SOCKETS {
        scans.push(replay::read_tar(
            bytes,
            &PathBuf::from(name),
            &mut problems,
        )?);
    }
    Ok(Recording {
        inputs: vec![input(CAPTURE)],
        scans,
        index,
        problems,
    })
}

fn input((name, bytes): (&'static str, &'static [u8])) -> Input<'static> {
    let reader: Box<dyn Read> = Box::new(bytes);
    Input {
        name: name.into(),
        reader,
        length: Some(bytes.len() as u64),
    }
}
