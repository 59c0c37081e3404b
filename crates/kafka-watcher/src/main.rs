//! `portolan-kafka-watcher`: follows brokers' logs, and reports who uses which topic.

fn main() {}
