//! The bounds of the watcher, each with its reason.

use std::time::Duration;

/// Bytes of a topic's name: Kafka allows no longer ones (`org.apache.kafka.common.internals.Topic`).
pub const MAX_TOPIC: usize = 249;

/// Accesses that are remembered: each is a client's address, a topic, an operation and an outcome, at one broker. A
/// thousand clients that use fifty topics each in two ways; some 20 MB.
pub const MAX_ACCESSES: usize = 100_000;

/// Bytes of a line: a rule with its longest names has some 2 000, and container runtimes cut at 16 384, which the kubelet
/// joins again. Longer ones are left out, and counted; the log goes on behind them.
pub const MAX_LINE: usize = 64 << 10;

/// Logs that are followed at a time, each a connection to the API server.
pub const MAX_LOGS: usize = 500;

/// Bytes of a name that is configured: namespaces, pods and labels are no longer.
pub const MAX_NAME: usize = 253;

/// How far back a log is read that was never read before: what a restart of the watcher takes, many times over.
pub const START_BACK: Duration = Duration::from_mins(5);

/// How far back a log is read at the most, whatever the cursor says: the mapper takes what is older as an hour old.
pub const LONGEST_BACK: Duration = Duration::from_hours(1);

/// The first wait after a failure, or after a log that ended.
pub const FIRST_WAIT: Duration = Duration::from_millis(250);

/// The longest: an API server that is there again is found within this time.
pub const LONGEST_WAIT: Duration = Duration::from_secs(15);

/// A log that is silent for so long is opened anew: a connection whose other end is gone is silent, too.
pub const SILENT_FOR: Duration = Duration::from_mins(2);

/// What is left of the log of a container that has just been replaced arrives within this time.
pub const LAST_LINES: Duration = Duration::from_secs(2);

/// How often the file is looked at.
pub const LOOK_AT_FILE: Duration = Duration::from_millis(250);

/// Bytes of the file that are read at a time.
pub const READ_BYTES: usize = 64 << 10;

/// Bytes of the file's beginning by which it is known again: a time stamp to the millisecond and a line.
pub const FINGERPRINT: usize = 256;

/// How often the cursor is written, at the most.
pub const WRITE_CURSOR: Duration = Duration::from_secs(5);

/// Bytes of the cursor, of the 1 MiB that a `ConfigMap` holds: [`MAX_LOGS`] with names of usual length, five times.
pub const MAX_CURSOR: usize = 512 << 10;

/// How often the mapper is told how much is seen.
pub const COVERAGE: Duration = Duration::from_secs(30);

/// How much of the grace at the end is for the last reports.
pub const LAST_REPORTS: Duration = Duration::from_secs(3);

/// How often it is said again that a broker logs nothing that can be used.
pub const SAY_AGAIN: Duration = Duration::from_hours(1);

/// How long a pod may take to tell that its container was started again, beyond the interval at which it is asked.
pub const RESTART_IS_TOLD: Duration = Duration::from_secs(30);

/// How often the log of the container before is asked for: with the waits between, a minute, in which an API server is
/// mostly there again.
pub const PREVIOUS_TRIES: u32 = 9;
