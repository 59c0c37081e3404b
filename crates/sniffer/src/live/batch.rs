//! What the threads hand to the reporting.

use std::hash::BuildHasher;

use map::Observation;
use tokio::sync::mpsc::Sender;
use tokio::sync::mpsc::error::TrySendError;

use crate::Aggregate;

/// Batches between the threads and the reporting. Two threads send some 25 a second each; more than a second of them means
/// that it is behind, and then the threads' own tables are the better place.
pub(crate) const BATCHES: usize = 64;

/// Observations of one thread, of a few milliseconds.
pub(crate) type Batch = Vec<Observation>;

/// Hands over what the table holds, if there is room; otherwise it stays. Whether the reporting is still there.
pub(crate) fn hand_over<S: BuildHasher + Clone>(
    aggregate: &mut Aggregate<S>,
    batches: &Sender<Batch>,
) -> bool {
    if aggregate.is_empty() {
        return !batches.is_closed();
    }
    match batches.try_reserve() {
        Ok(room) => {
            room.send(aggregate.drain());
            true
        }
        Err(TrySendError::Full(())) => true,
        Err(TrySendError::Closed(())) => false,
    }
}
