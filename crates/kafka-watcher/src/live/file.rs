//! The broker's log as a file: a thread that looks at it.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use app::clock;
use app::shutdown::Stop;
use cluster::live::{Lines, TooLong};

use super::state::{Inner, Intake, State};
use super::tail::{Looked, Tail};
use crate::accesses::Broker;
use crate::limits::{LOOK_AT_FILE, MAX_LINE};

/// Everything that the thread has.
#[derive(Debug)]
pub(crate) struct LogFile {
    pub(crate) path: PathBuf,
    pub(crate) broker: Arc<Broker>,
    pub(crate) state: State,
}

impl LogFile {
    /// Looks again and again, until the stop, and then once more. A file has no stamps that could be read in every layout:
    /// lines are of the time at which they are read.
    pub(crate) fn run(self, stop: &Stop) {
        let mut tail = Tail::new(&self.path);
        let mut lines = Lines::new(MAX_LINE);
        let intake = Intake::new(Arc::clone(&self.broker));
        loop {
            let stopped = stop.is_cancelled();
            let mut take = |bytes: &[u8]| {
                lines.push(bytes);
                let mut inner = self.state.lock();
                pop(&mut lines, &mut inner, &intake);
            };
            let looked = tail.look(&mut take);
            self.judge(looked);
            if stopped {
                return;
            }
            stop.wait(LOOK_AT_FILE);
        }
    }

    fn judge(&self, looked: io::Result<Looked>) {
        let about = format!("the file {}", self.path.display());
        let mut inner = self.state.lock();
        let why = match looked {
            Ok(looked) => {
                inner.figures.rotations += looked.rotations;
                (!looked.is_there).then(|| "it is not there yet; it is looked for again".to_owned())
            }
            Err(error) => Some(error.to_string()),
        };
        let Some(why) = why else {
            if inner.troubles.remove(&about).is_some() {
                tracing::info!(about, "it is there");
            }
            return;
        };
        if inner.troubles.insert(about.clone(), why.clone()).as_ref() != Some(&why) {
            tracing::warn!(about, why, "the log cannot be read");
        }
    }
}

fn pop(lines: &mut Lines, inner: &mut Inner, intake: &Intake) {
    let now = clock::now();
    while let Some(line) = lines.pop() {
        match line {
            Ok(line) => intake.take(inner, line, now),
            Err(TooLong) => Intake::too_long(inner),
        }
    }
}
