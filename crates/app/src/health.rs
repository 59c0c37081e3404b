//! Named conditions that together say whether the process is alive and ready.
//!
//! A part of the process takes a [`Condition`] and keeps it true. What only hinders work, such as a cluster that is not
//! synced yet, must not get the process killed: each condition says which of the two it is about.

use std::sync::Arc;

use parking_lot::Mutex;

/// The most conditions: they are named in the code, one for each part that can fail.
pub const MAX_CONDITIONS: usize = 32;

/// The longest reason, in bytes; what is longer is cut. It is read in `kubectl describe`.
pub const MAX_REASON: usize = 512;

/// What a failing condition means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Affects {
    /// A restart may help: fails `/healthz` and `/readyz`.
    Life,
    /// It passes by itself: fails `/readyz` only.
    Readiness,
}

/// The health of the process; a cheap handle.
#[derive(Clone, Debug, Default)]
pub struct Health(Arc<Mutex<Vec<State>>>);

#[derive(Debug)]
struct State {
    name: &'static str,
    affects: Affects,
    failing: Option<String>,
}

/// One condition; a cheap handle.
#[derive(Clone, Debug)]
pub struct Condition {
    health: Health,
    at: usize,
}

/// A condition could not be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HealthError {
    /// Two parts of the process use one name.
    #[error("the condition {0} was added twice")]
    Twice(&'static str),
    /// There are [`MAX_CONDITIONS`] already.
    #[error("no room for the condition {0}: there are {MAX_CONDITIONS}")]
    Full(&'static str),
}

/// The answer to a probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Whether every condition that was asked about holds.
    pub ok: bool,
    /// A line for the whole, and one for each condition.
    pub text: String,
}

impl Health {
    /// No conditions: alive and ready.
    pub fn new() -> Self {
        Self::default()
    }

    /// A new condition, which fails for this reason until it is said to hold.
    pub fn add(
        &self,
        name: &'static str,
        affects: Affects,
        reason: &str,
    ) -> Result<Condition, HealthError> {
        let mut states = self.0.lock();
        if states.iter().any(|state| state.name == name) {
            return Err(HealthError::Twice(name));
        }
        if states.len() >= MAX_CONDITIONS {
            return Err(HealthError::Full(name));
        }
        states.push(State {
            name,
            affects,
            failing: Some(one_line(reason)),
        });
        Ok(Condition {
            health: self.clone(),
            at: states.len() - 1,
        })
    }

    /// The answer to `/healthz`.
    pub fn alive(&self) -> Answer {
        self.answer(|state| state.affects == Affects::Life)
    }

    /// The answer to `/readyz`.
    pub fn ready(&self) -> Answer {
        self.answer(|_| true)
    }

    fn answer(&self, about: impl Fn(&State) -> bool) -> Answer {
        let states = self.0.lock();
        let mut ok = true;
        let mut lines = String::new();
        for state in states.iter().filter(|state| about(state)) {
            ok &= state.failing.is_none();
            let what = state
                .failing
                .as_ref()
                .map_or_else(|| "ok".to_owned(), |why| format!("failing: {why}"));
            lines.extend([state.name, ": ", &what, "\n"]);
        }
        let whole = if ok { "ok" } else { "failing" };
        Answer {
            ok,
            text: format!("{whole}\n{lines}"),
        }
    }
}

impl Condition {
    /// It holds.
    pub fn holds(&self) {
        self.set(None);
    }

    /// It does not hold, and why.
    pub fn fails(&self, reason: &str) {
        self.set(Some(one_line(reason)));
    }

    fn set(&self, failing: Option<String>) {
        if let Some(state) = self.health.0.lock().get_mut(self.at) {
            state.failing = failing;
        }
    }
}

/// A reason must not look like another condition.
fn one_line(reason: &str) -> String {
    let cut = &reason[..reason.floor_char_boundary(MAX_REASON)];
    cut.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}
