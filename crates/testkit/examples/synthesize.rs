//! Writes synthetic traffic: `synthesize CALLS FOLDER` makes `capture.pcap` (six packets a call) and `cluster.json`.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use testkit::capture::{link, pcap_header, pcap_record};
use testkit::traffic::Traffic;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(calls), Some(folder)) = (args.next(), args.next()) else {
        return Err("use: synthesize CALLS FOLDER".into());
    };
    let (calls, folder): (usize, PathBuf) = (calls.parse()?, folder.into());
    let traffic = Traffic {
        workloads: 500,
        pace_nanos: 1_000_000,
    };
    let mut file = BufWriter::new(File::create(folder.join("capture.pcap"))?);
    file.write_all(&pcap_header(link::ETHERNET))?;
    for call in 0..calls {
        for (nanos, frame) in traffic.call(call) {
            file.write_all(&pcap_record(nanos, &frame))?;
        }
    }
    file.flush()?;
    serde_json::to_writer(
        File::create(folder.join("cluster.json"))?,
        &traffic.snapshot(),
    )?;
    Ok(())
}
