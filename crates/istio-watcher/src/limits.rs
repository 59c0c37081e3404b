//! Every bound of the watcher's tables, each with its reason.

use std::time::Duration;

/// The longest line of statistics. Istio gives a series some 30 labels, of which one is the path: Envoy takes 60 KiB of header
/// fields (`max_request_headers_kb`), and escaping doubles what it escapes.
pub const MAX_LINE: usize = 128 << 10;

/// How often the mapper is told what this watcher sees. `portolan status` calls who is silent for three minutes so.
pub const COVERAGE: Duration = Duration::from_secs(30);

/// Bytes of one sidecar's answer: its bound of series, 700 bytes each, twice.
pub const MAX_ANSWER: u64 = 64 << 20;

/// Series remembered of one sidecar, 32 bytes each. Envoy itself needs a kilobyte for one: a sidecar with more is about to
/// be ended for its memory.
pub const MAX_SERIES: usize = 50_000;

/// Series remembered in all, in about 64 MB: a thousand in each of two thousand sidecars.
pub const MAX_ALL_SERIES: usize = 2_000_000;

/// Distinct paths of one pair of workloads; what is beyond is folded to `/prefix/*`. Nobody reads, and no policy holds, more.
pub const MAX_PATHS: usize = 100;

/// Pairs of workloads whose paths are remembered: ten for each of two thousand workloads. What is beyond is told as `/*`.
pub const MAX_PAIRS: usize = 20_000;

/// How long the paths of a pair are remembered that sends nothing; the mapper keeps what it was told.
pub const PAIR_IDLE: Duration = Duration::from_hours(1);

/// What was told and may have to be told again, in about 50 MB. What is beyond is told at once, and forgotten.
pub const MAX_ENTRIES: usize = 200_000;

/// How long it is remembered what was told, for a mapper that has lost its map.
pub const TOLD_FOR: Duration = Duration::from_hours(1);
