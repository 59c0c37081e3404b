//! Every bound of the sniffer's tables, each with its reason.

use std::time::Duration;

/// How long an answer may come after its question. Resolvers give up after 5 s by default (`resolv.conf(5)`)
/// and twice that is enough for the slowest.
pub const QUESTION_WINDOW: Duration = Duration::from_secs(10);

/// How long a question is remembered that was answered, for the copies of its answer on other interfaces, which come within
/// milliseconds; who asks the same again later asks anew. Most are answered, so that the table holds little more than what came
/// in this time.
pub const COPY_WINDOW: Duration = Duration::from_secs(2);

/// Questions remembered: ten seconds of 6 500 questions a second, or half a second of 130 000, in about 4 MB.
pub const MAX_QUESTIONS: usize = 65_536;

/// How long a SYN may wait for its answer: Linux retransmits after 1, 3, 7, 15 and 31 s (`tcp_syn_retries`).
pub const HANDSHAKE_WINDOW: Duration = Duration::from_secs(30);

/// How long an accepted connection waits before it is told: an answer to a SYN that was sent in somebody else's name is
/// disowned by that one within a round trip.
pub const ACCEPTED_FOR: Duration = Duration::from_millis(5);

/// Handshakes remembered: thirty seconds of 1 000 connections a second, in about 14 MB; a SYN flood pushes out
/// the oldest and is counted.
pub const MAX_HANDSHAKES: usize = 32_768;

/// How long after its socket told of a connection its packets may come: they wait in the ring for 10 ms, and longer when the
/// thread that reads them does not come round.
pub const PACKETS_WINDOW: Duration = Duration::from_secs(2);

/// Connections that sockets told of, and packets not yet: two seconds of 8 000 a second, in about 2 MB.
pub const MAX_OPENED: usize = 16_384;

/// How often one SYN can appear under different addresses. Two translations on one node make three; the rest
/// is room for tunnels and meshes.
pub const MAX_APPEARANCES: usize = 6;

/// DNS-over-TCP connections followed at a time; clients open one only after a truncated answer or by option.
pub const MAX_DNS_STREAMS: usize = 1_024;

/// How long a DNS-over-TCP connection may be silent (RFC 7766 6.2.3 suggests seconds).
pub const DNS_STREAM_WINDOW: Duration = Duration::from_secs(30);

/// Addresses known to answer DNS questions: more servers than any node talks to.
pub const MAX_DNS_SERVERS: usize = 1_024;

/// Questions remembered to whom they were put, of addresses that are not known to answer any: the first ones of each
/// server.
pub const MAX_ASKED: usize = 4_096;

/// Answers of which late copies are told from forgeries: those of a block of packets.
pub const MAX_LATEST: usize = 64;

/// How long an address counts as a DNS server after its last answer.
pub const DNS_SERVER_WINDOW: Duration = Duration::from_mins(10);

/// A table with no more places than this keeps them when it is emptied; about 250 kB of connections.
pub const ROOMY: usize = 1_024;

/// Distinct answers, and distinct connections, between two reports: a node with 250 pods that each talk to 500
/// others. About 25 MB when full; reports usually drain it every second.
pub const MAX_KEYS: usize = 131_072;

/// Network namespaces in one scan: twice the largest supported number of pods on a node, with room.
pub const MAX_NAMESPACES: usize = 4_096;

/// Connections in one scan, over all namespaces: the default limit of connection tracking on a large node.
pub const MAX_SOCKETS: usize = 262_144;

/// Distinct things that are remembered as reported: those of a node with 250 pods that each talk to 230 others. Seven
/// eighths of 65 536 places, which is when a hash table grows, of 240 bytes: some 16 MB when full. What finds no room is
/// reported each time.
pub const MAX_KNOWN: usize = 57_344;

/// How long something is remembered after it was last seen; a mapper that lost its map is told no more.
pub const KEEP_KNOWN: Duration = Duration::from_hours(1);

/// How often a full table is searched for what is old.
pub const TRIM_KNOWN: Duration = Duration::from_secs(10);

/// How often something that is seen all the time is reported again: a tenth of the reports of one a second.
pub const REFRESH: Duration = Duration::from_secs(10);
