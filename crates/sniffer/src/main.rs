//! `portolan-sniffer`: sees on one node who calls whom, and reports it to the mapper.

use std::process::ExitCode;

fn main() -> ExitCode {
    sniffer::main()
}
