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

/// Pods of which it is remembered when their workload was described, in about 15 MB. Then all are looked at again.
pub const MAX_DESCRIBED: usize = 100_000;

/// How long a list of workloads by name is good for what sidecars and clouds name.
pub const NAMES_EVERY: Duration = Duration::from_secs(10);

/// How long it is good where it does not have a name: whoever makes names up does not make the writer list more often.
pub const NAMES_AGAIN: Duration = Duration::from_secs(2);

/// How late a report may come: as long as a sniffer keeps what it could not deliver. What is said to be older is taken
/// as that old.
pub const MAX_LATENESS: Duration = Duration::from_hours(1);

/// How far ahead of ours a reporter's clock may be. What is said to be later is taken as that late.
pub const MAX_AHEAD: Duration = Duration::from_secs(5);

/// Reports that wait for the writer. It takes most in a few milliseconds; more than a few hundred means that it does not
/// keep up, and clients keep what they have.
pub const MAX_QUEUED_REPORTS: usize = 512;

/// Their bytes on the wire, a measure of their size in memory.
pub const MAX_QUEUED_BYTES: usize = 64 << 20;

/// Readers that wait for a view. All of them get the same one.
pub const MAX_WAITING_READERS: usize = 1_024;

/// New edges that a slow reader of the live stream may be behind, and that one report may bring.
pub const MAX_NEWS: usize = 4_096;

/// Their bytes, for all readers together: 4 KiB each, where an edge with the most facets has megabytes.
pub const MAX_NEWS_BYTES: usize = 16 << 20;

/// Nodes whose coverage is kept: twice what Kubernetes supports (5 000).
pub const MAX_NODES: usize = 10_000;

/// Pairs of workloads whose volumes are kept.
pub const MAX_LEVELS: usize = 100_000;

/// Updates of the index between two looks at who waits for it.
pub const UPDATES_AT_ONCE: usize = 1_000;

/// How often the clock is looked at when nothing comes.
pub const TICK: Duration = Duration::from_millis(100);

/// How far the watch is taken to lag behind when the API server does not tell.
pub const ASSUMED_LAG: Duration = Duration::from_secs(20);

/// Connections to the server. A cluster has up to 5 000 nodes, each with a sniffer that keeps its connection.
pub const MAX_CONNECTIONS: usize = 10_000;

/// How long the head of a request may take, and how long a connection may be idle between two.
pub const HEAD_TIME: Duration = Duration::from_mins(2);

/// How long the body of a request may take: the largest at 1 MiB/s.
pub const BODY_TIME: Duration = Duration::from_secs(30);

/// Bytes of a request's head, which is also the size of a connection's buffer.
pub const MAX_HEAD: usize = 64 << 10;

/// Readers of the live stream of new edges.
pub const MAX_READERS: usize = 64;

/// Counts by reason, and rights, in one node's coverage: several times what a sniffer has.
pub const MAX_COUNTS: usize = 256;

/// ClientIntents with internet targets: more than the workloads of the largest clusters.
pub const MAX_INTENTS: usize = 100_000;

/// Addresses in the status of a ClientIntents for one domain: 1 000 take 20 to 40 KB of the 1.5 MB that an object may
/// have, and more rules than that are no egress policy.
pub const MAX_ADDRESSES_PER_DOMAIN: usize = 1_000;

/// Statuses of ClientIntents that are written at the same time; the API server has others to serve.
pub const MAX_PATCHES: usize = 8;

/// Names of ClientIntents that are looked up at the same time: each keeps a thread.
pub const MAX_LOOKUPS: usize = 8;

/// How long a lookup may take, as in the replaced system.
pub const LOOKUP_TIME: Duration = Duration::from_secs(2);

/// How long an address of a name counts at least: reports travel, and connection pools outlive a time to live of zero.
/// It is also the time of what we look up ourselves, as the system's resolver tells none; both as in the replaced system.
pub const LEAST_LIFETIME: Duration = Duration::from_mins(2);

/// How long an address of a name counts at most: then it is looked up again, whatever its time to live was said to be.
pub const LONGEST_LIFETIME: Duration = Duration::from_hours(1);

/// An answer that was told to ClientIntents is told again when it counts so much longer: under load most answers repeat
/// others.
pub const TELL_AGAIN: Duration = Duration::from_secs(30);

/// Batches of answers for ClientIntents that wait, and answers in a batch: all in about 15 MB.
pub const MAX_LESSONS: usize = 256;
/// See [`MAX_LESSONS`].
pub const MAX_IN_LESSON: usize = 1_000;

/// New edges and facets in one transaction of the store: a few milliseconds of copies for the writer.
pub const NEWS_AT_ONCE: usize = 10_000;

/// Other rows in it. New ones wait for no more than these.
pub const REFRESHES_AT_ONCE: usize = 5_000;

/// How often later times of known edges are written; they step back so far if the process is killed.
pub const REFRESH_EVERY: Duration = Duration::from_secs(10);

/// How far the clock may go another way than time does before that is a jump: more than a clock is adjusted by in one
/// step while it is well.
pub const CLOCK_JUMP: Duration = Duration::from_mins(1);

/// How long after a jump of the clock nothing expires: it may be set right again.
pub const CLOCK_TRUST: Duration = Duration::from_hours(1);

/// How long a reporter waits for the disk before it is told to send again.
pub const COMMIT_TIME: Duration = Duration::from_secs(15);

/// How long the last transactions may take at the end, of the 5 s that the whole process has.
pub const LAST_COMMITS: Duration = Duration::from_secs(3);

/// Readers of the whole map at the same time: each keeps a thread, and the map as it was.
pub const MAX_BACKUPS: usize = 2;

/// How long a reader of the whole map may take nothing.
pub const BACKUP_TIME: Duration = Duration::from_secs(30);

/// Bytes of a token: those of service accounts have about 1 200, those of identity providers with many groups some
/// thousands.
pub const MAX_TOKEN: usize = 16 << 10;

/// How long what the API server said of a token counts: a service account that is deleted is out after a minute.
pub const CONFIRMED_FOR: Duration = Duration::from_mins(1);

/// When it is asked again, while the token still passes: so that nobody waits for it.
pub const REFRESH_AFTER: Duration = Duration::from_secs(45);

/// How long an API server that did not answer is left alone about one known token.
pub const REVIEW_AGAIN: Duration = Duration::from_secs(5);

/// How long a known token that does not say when it ends passes without an API server: as long as tokens of pods are
/// good by default.
pub const MAX_UNCONFIRMED: Duration = Duration::from_hours(1);

/// How long a token that was found bad is not asked about again: who made a mistake should not wait for long.
pub const BAD_FOR: Duration = Duration::from_secs(10);

/// Tokens that are known to be good: 5 000 nodes with three reporters each, in some 3 MB.
pub const MAX_KNOWN_TOKENS: usize = 15_000;

/// Tokens that were found bad: 400 KB, and the flood that displaces the first is held off by the limits of each sender.
pub const MAX_BAD_TOKENS: usize = 1_000;

/// Tokens of which the API server is asked at the same time, and once more as many for known ones: it has others to
/// serve, and needs a few milliseconds for each. 5 000 sniffers that come at once are through in seconds.
pub const MAX_REVIEWS: usize = 16;

/// Tokens that wait to be asked about.
pub const MAX_WAITING_REVIEWS: usize = 512;

/// How long a request waits for what the API server says: twice as long as a review may take. The next request finds the
/// answer.
pub const REVIEW_PATIENCE: Duration = Duration::from_secs(10);

/// Addresses whose use is told apart: twice the nodes and more than the mapper has connections; some 2 MB.
pub const MAX_SENDERS: usize = 20_000;

/// How often the table of senders is looked through for idle ones when it is full.
pub const SWEEP_SENDERS_EVERY: Duration = Duration::from_secs(1);

/// Connections from one address: the reporters of a node that shares its address have some ten.
pub const MAX_CONNECTIONS_PER_SENDER: usize = 128;

/// Requests a second from one address, in the long run. A sniffer sends what is new within 50 ms, of three kinds.
pub const REQUESTS_PER_SECOND: u64 = 200;

/// Requests at once from an address that was quiet: what was spooled while the mapper was away.
pub const REQUEST_BURST: u64 = 1_000;

/// What a new connection costs, in requests: TLS takes about a millisecond of a core.
pub const CONNECTION_COST: u32 = 5;

/// What a bad token costs, in requests: it takes the API server's time too.
pub const BAD_TOKEN_COST: u32 = 20;

/// Bytes of bodies a second from one address, in the long run: six times a node with 10 000 observations a second.
pub const BYTES_PER_SECOND: u64 = 16 << 20;

/// Bytes at once from an address that was quiet: two of the largest bodies.
pub const BYTE_BURST: u64 = 64 << 20;

/// Bytes of bodies that are being read, from all senders together: eight of the largest.
pub const MAX_BODIES: usize = 256 << 20;

/// Bytes of a body over plain HTTP from elsewhere: there is only `{ health }` to ask.
pub const MAX_HEALTH_BODY: usize = 4 << 10;

/// How long a sender that is beyond its rate waits for being told: it has other connections, but not many.
pub const REFUSE_SLOWLY: Duration = Duration::from_millis(250);

/// How long the first byte of a connection may take, and then the handshake of TLS: several round trips across the
/// world, and lost packets.
pub const HELLO_TIME: Duration = Duration::from_secs(10);

/// How often the certificate's files are looked at: kubelet needs up to a minute to bring them.
pub const CERTIFICATE_EVERY: Duration = Duration::from_secs(5);

/// Bytes of a file with certificates or a key: a chain of ten has 20 KB.
pub const MAX_CERTIFICATE_FILE: u64 = 1 << 20;

/// How long one reader with a token gets new edges on one request: a token that was taken back reads no longer, and
/// readers come back by themselves (HTML Standard, 9.2.3).
pub const MAX_READING: Duration = Duration::from_mins(10);

/// How long requests under way have at the stop, of the 5 s that the process has: long enough to write a report.
pub const LAST_WORDS: Duration = Duration::from_secs(3);

/// Counters of sniffers that are followed for the map as metrics: those of fifty full nodes, or of many more as nodes
/// are; some 50 MB when full. What finds no room is not counted in the metrics, and is counted as that.
pub const MAX_FOLLOWED: usize = 1_000_000;

/// How long a counter is followed after it last moved: a sniffer remembers it for an hour, and its report may be late.
pub const FOLLOW: Duration = Duration::from_mins(70);

/// How long an edge is quiet before another may take its place in the metrics: longer than the ranges that rates are
/// usually taken over.
pub const GRAPH_IDLE: Duration = Duration::from_hours(1);

/// Numbers in one message to a collector: half of the 4 MiB that gRPC servers take by default, with the longest names.
pub const MAX_EXPORT_POINTS: usize = 3_000;

/// Bytes of a collector's answer that are read: a count and a sentence.
pub const MAX_EXPORT_ANSWER: usize = 64 << 10;

/// How soon a failed export is tried again, if that is sooner than the next one.
pub const RETRY_EXPORT: Duration = Duration::from_secs(5);

/// How long the last export may take at the stop, of the 5 s that the process has.
pub const LAST_EXPORT: Duration = Duration::from_secs(2);
