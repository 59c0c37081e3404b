//! What a live watch can be told, and its bounds.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use map::Time;

/// The most bytes of one line of a watch. etcd takes no object above 1.5 MiB (etcd documentation, "System limits"), in
/// protobuf; as JSON that is a few times more.
pub const MAX_LINE_BYTES: usize = 8 << 20;

/// The most bytes of one page of a list, which should have a megabyte. A page above it is asked for with half as many
/// objects.
pub const MAX_PAGE_BYTES: usize = 64 << 20;

/// The most bytes of other answers: errors, one object's metadata, the resources of one API version.
pub const MAX_ANSWER_BYTES: usize = 8 << 20;

/// The most objects of one kind; Kubernetes is built for up to 150 000 pods (Kubernetes documentation, "Considerations
/// for large clusters").
pub const MAX_OBJECTS: usize = 2_000_000;

/// Where the time comes from: the wall clock, in a live process.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Time + Send + Sync>);

impl Clock {
    /// This one.
    pub fn new(now: impl Fn() -> Time + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// What it shows.
    pub fn now(&self) -> Time {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

/// How to watch.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Our clock, for the times in [`Update`](crate::Update)s. It may step: waits are measured by tokio's.
    pub clock: Clock,
    /// What spreads waits at random.
    pub seed: u64,
    /// The most objects in a page of a list. 500 is what `kubectl` and client-go ask for; of long ones, such as pods, a
    /// page has fewer, see `list.rs`.
    pub page_size: u32,
    /// How often the API server is asked how far it is, beside once before each watch of pods.
    pub progress_interval: Duration,
    /// How long one watch of pods lasts, in whole seconds. The API server sends a bookmark 2 s before the end of a
    /// watch (kube-apiserver, `cacheWatcher.nextBookmarkTime`), and none when less is left: 3 s is the shortest that
    /// has one, and it has one at about 1 s.
    pub pod_watch: Duration,
    /// How long one watch of another kind lasts at most, in whole seconds; at least four fifths of it.
    pub watch: Duration,
    /// How long an API server may take to begin an answer. Its own limit for requests is 60 s, but one that answers
    /// nothing for 15 s is as good as away.
    pub answer: Duration,
    /// How long a list may stall, or take to begin: listing is the API server's most expensive work.
    pub list: Duration,
    /// How long a watch may stay silent beyond its own end before its connection counts as dead.
    pub silence: Duration,
    /// How long the watch of pods may lag behind before the API server counts as one that does not tell its progress.
    pub progress_patience: Duration,
    /// How often it is looked for ClientIntents where there are none, or they may not be read.
    pub look_again: Duration,
}

impl Settings {
    /// The usual ones, with a seed from the system's randomness.
    pub fn new(clock: Clock) -> Self {
        Self {
            clock,
            seed: RandomState::new().hash_one("cluster::live"),
            page_size: 500,
            progress_interval: Duration::from_secs(1),
            pod_watch: Duration::from_secs(3),
            watch: Duration::from_mins(5),
            answer: Duration::from_secs(15),
            list: Duration::from_mins(1),
            silence: Duration::from_secs(10),
            progress_patience: Duration::from_secs(30),
            look_again: Duration::from_mins(1),
        }
    }
}
