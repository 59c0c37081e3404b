//! Whether reports are lost.

use wire::client::{Reason, Reporter};

use crate::health::Condition;

/// Counts what was lost until it was looked last.
#[derive(Debug, Default)]
pub struct Losses {
    before: u64,
}

impl Losses {
    /// Looks: the condition fails while reports are lost, for want of room or because they are old.
    pub fn look(&mut self, client: &Reporter, condition: &Condition) {
        let stats = client.stats();
        let lost = stats.dropped(Reason::Full) + stats.dropped(Reason::Old);
        if lost > self.before {
            let why = stats.trouble.as_ref().map_or("", |failed| &failed.why);
            condition.fails(&format!(
                "the spool is full, and the oldest reports are lost: {why}"
            ));
        } else {
            condition.holds();
        }
        self.before = lost;
    }
}
