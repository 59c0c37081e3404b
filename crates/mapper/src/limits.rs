//! Every bound of the mapper's tables, each with its reason.

use std::time::Duration;

/// How long evidence by DNS alone waits for the connection it was asked for. Resolver libraries connect at once;
/// a pool may take its time to open.
pub const ANSWER_WINDOW: Duration = Duration::from_mins(1);

/// Answers that wait, over all clients: a minute of 1 600 new pairs of client and address a second.
pub const MAX_PAIRS: usize = 100_000;

/// Different names one client may get for one address within [`ANSWER_WINDOW`]; virtual hosts behind one balancer.
pub const MAX_NAMES_PER_PAIR: usize = 32;

/// Servers whose answers wait for one connection of one client: as many as names. The oldest makes room, and is settled
/// early.
pub const MAX_WAITING_PER_PAIR: usize = 32;

/// How much longer than its time to live a name stands for an address: connection pools outlive answers.
pub const NAME_GRACE: Duration = Duration::from_mins(10);

/// Names of outside addresses remembered, over all clients, in about 30 MB.
pub const MAX_OUTSIDE_NAMES: usize = 100_000;

/// Outside DNS names listed per workload; what comes after is folded to `*.domain`.
pub const MAX_NAMES_PER_WORKLOAD: usize = 1_000;

/// Outside addresses listed per workload; what comes after is folded to /24 or /48.
pub const MAX_ADDRESSES_PER_WORKLOAD: usize = 256;

/// Client addresses kept for one workload that is called from the internet; then folded likewise.
pub const MAX_CLIENT_ADDRESSES: usize = 256;

/// Unknown addresses that are named: enough to see the pattern.
pub const MAX_UNKNOWN: usize = 1_000;

/// Facts that wait for what the index does not know yet: ten seconds of 10 000 a second, in about 40 MB.
pub const MAX_PARKED: usize = 100_000;

/// How long a fact waits for the index: longer than a watch that broke takes to come back.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Owners that wait to be looked up.
pub const MAX_WANTED: usize = 10_000;

/// How often the attributes of a workload are looked at again, such as its labels after a rollout.
pub const DESCRIBE_EVERY: Duration = Duration::from_mins(1);

/// How long a list of workloads by name is good for what sidecars and clouds name.
pub const NAMES_EVERY: Duration = Duration::from_secs(10);

/// How late a report may come: as long as a sniffer keeps what it could not deliver. What is said to be older is taken
/// as that old.
pub const MAX_LATENESS: Duration = Duration::from_hours(1);

/// How far ahead of ours a reporter's clock may be. What is said to be later is taken as that late.
pub const MAX_AHEAD: Duration = Duration::from_secs(5);
