//! The bounds of the reporting client, each with its reason.

use std::time::Duration;

/// Items of one request: an observation, an access, an operation, or a node's coverage each. At the
/// 400 000 a second that the mapper is built to take, others wait 13 ms for them.
pub const MAX_BATCH_ITEMS: usize = 5_000;

/// Bytes of the items of one request: well below the 1 MiB that proxies take of a body by default, and the 32 MiB that
/// the mapper takes.
pub const MAX_BATCH_BYTES: usize = 512 << 10;

/// Bytes of one item: a destination with all source ports that there are has 400 KB.
pub(super) const MAX_ITEM_BYTES: usize = 1 << 20;

/// How long something is held. The mapper takes what is older than an hour as an hour old, when its address may have
/// been another pod's; the difference is for what happened before it was offered, and for the way.
pub const MAX_HELD_FOR: Duration = Duration::from_mins(55);

/// Reports are sent together when they were offered within this time: what is together has one age.
pub(super) const JOIN_WITHIN: Duration = Duration::from_mins(1);

/// What a batch in memory takes beyond its bytes: its place in the queue, and what the allocator adds to both.
pub(super) const BATCH_OVERHEAD: usize = 96;

/// Bytes that are moved to one file of the spool folder at a time. As many are read back, beyond the bound of the memory.
pub(super) const FILE_BYTES: usize = 1 << 20;

/// Bytes of a file of the spool folder that is read: those that are moved to one, a last item of the largest, and room.
pub(super) const MAX_FILE_BYTES: usize = 4 << 20;

/// Files in the spool folder that are read at the start; the oldest ones beyond it are removed.
pub(super) const MAX_FILES: usize = 10_000;

/// Unreadable files that are left in the spool folder, for people to look at. The oldest ones beyond it are removed.
pub(super) const MAX_SET_ASIDE: usize = 8;

/// How long the spool folder is left alone after a failure.
pub(super) const FOLDER_AGAIN: Duration = Duration::from_secs(30);

/// How long one thing at the spool folder may take; a disk that takes longer for some megabytes hangs.
pub(super) const FOLDER_TIME: Duration = Duration::from_secs(10);

/// How long writing what is left to the spool folder may take at the end, beyond the time that was given for delivering.
pub(super) const LAST_WRITES: Duration = Duration::from_secs(1);

/// How long connecting may take, name lookup and TLS included: the mapper is in the same cluster.
pub(super) const CONNECT_TIME: Duration = Duration::from_secs(5);

/// Bytes of an answer: that to the question for known fields has about 2 000.
pub(super) const MAX_ANSWER: usize = 256 << 10;

/// Bytes of a text of the mapper in an error of ours.
pub(super) const MAX_TEXT: usize = 300;

/// Bytes of the name of a map: an instance and an epoch have about 60.
pub(super) const MAX_MAP_ID: usize = 256;

/// The first wait after a failure: what broke is often there again at once.
pub(super) const FIRST_WAIT: Duration = Duration::from_millis(100);

/// The longest wait of our own: a mapper that comes back is found within this time.
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// The longest wait that the mapper may ask for by `Retry-After`.
pub(super) const LONGEST_ASKED_WAIT: Duration = Duration::from_mins(1);

/// How long a token that was read is used before its file is looked at again. Kubelet replaces a token when a fifth of
/// its time is left (Kubernetes documentation, "Service Accounts"), which is two minutes at the least.
pub(super) const TOKEN_EVERY: Duration = Duration::from_secs(10);

/// Bytes of a token's file: the mapper takes no longer ones.
pub(super) const MAX_TOKEN: usize = 16 << 10;

/// Bytes of a file with certificates: hundreds of them.
pub(super) const MAX_CA_FILE: usize = 1 << 20;
