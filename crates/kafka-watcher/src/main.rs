//! `portolan-kafka-watcher`: follows brokers' logs, and reports who uses which topic.

use std::process::ExitCode;

fn main() -> ExitCode {
    kafka_watcher::main()
}
