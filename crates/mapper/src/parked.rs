//! Facts that wait for what the index does not know yet.
//!
//! A map only grows, so a wrong early answer would stay: what is in doubt waits until the index knows, or gives up at
//! its deadline with the reason that it was given.

use std::collections::{BTreeMap, BTreeSet};

use cluster::{Need, Touched};
use map::Time;

use crate::fact::Fact;
use crate::fate::Refusal;
use crate::limits::{MAX_PARKED, PATIENCE};
use crate::resolve::Wait;
use crate::unsaved::Ticket;

/// A fact that waits.
#[derive(Debug)]
pub(crate) struct Parked {
    pub(crate) fact: Fact,
    /// Its reason, should it wait in vain.
    pub(crate) refusal: Refusal,
    need: Need,
    settled: Option<Time>,
    pub(crate) deadline: Time,
    /// Where the store has it.
    pub(crate) ticket: Option<Ticket>,
}

/// By deadline; the number tells equal ones apart.
type Place = (Time, u64);

/// All that wait: at most [`MAX_PARKED`], at most for [`PATIENCE`].
#[derive(Debug, Default)]
pub(crate) struct Parking {
    parked: BTreeMap<Place, Parked>,
    by_need: BTreeSet<(Need, Place)>,
    by_time: BTreeSet<(Time, Place)>,
    next: u64,
}

impl Parking {
    /// How many wait.
    pub(crate) fn len(&self) -> usize {
        self.parked.len()
    }

    /// When one that comes now gives up.
    pub(crate) fn deadline(now: Time) -> Time {
        now.plus(PATIENCE)
    }

    /// Whether there is room for one more.
    pub(crate) fn has_room(&self) -> bool {
        self.parked.len() < MAX_PARKED
    }

    /// Takes one in, where there is room.
    pub(crate) fn park(&mut self, fact: Fact, wait: Wait, deadline: Time, ticket: Option<Ticket>) {
        let Wait {
            need,
            settled,
            refusal,
        } = wait;
        self.insert(Parked {
            fact,
            refusal,
            need,
            settled,
            deadline,
            ticket,
        });
    }

    /// The clock was set back: nobody waits for longer than until this deadline.
    pub(crate) fn hasten(&mut self, deadline: Time) {
        self.by_need.clear();
        self.by_time.clear();
        for mut parked in std::mem::take(&mut self.parked).into_values() {
            parked.deadline = parked.deadline.min(deadline);
            self.insert(parked);
        }
    }

    fn insert(&mut self, parked: Parked) {
        let place = (parked.deadline, self.next);
        self.next += 1;
        self.by_need.insert((parked.need.clone(), place));
        let settled = parked.settled.map(|settled| (settled, place));
        self.by_time.extend(settled);
        self.parked.insert(place, parked);
    }

    /// Those for which something is known now that was not: the index changed, or knows all up to `current`.
    pub(crate) fn wake(&mut self, touched: &Touched, current: Time) -> Vec<Parked> {
        let mut woken = Vec::new();
        if touched.all {
            self.by_need.clear();
            self.by_time.clear();
            woken.extend(std::mem::take(&mut self.parked).into_values());
            return woken;
        }
        if self.parked.is_empty() {
            return woken;
        }
        for need in &touched.needs {
            let first = (need.clone(), (Time::MIN, 0));
            let waiting = self.by_need.range(first..);
            let places: Vec<Place> = waiting
                .take_while(|(other, _)| other == need)
                .map(|(_, place)| *place)
                .collect();
            woken.extend(places.into_iter().filter_map(|place| self.take(place)));
        }
        while let Some((settled, place)) = self.by_time.first().copied()
            && settled <= current
        {
            woken.extend(self.take(place));
        }
        woken
    }

    /// One that has waited until its deadline.
    pub(crate) fn expired(&mut self, now: Time) -> Option<Parked> {
        let (place, _) = self.parked.first_key_value()?;
        let place = *place;
        if place.0 > now {
            return None;
        }
        self.take(place)
    }

    fn take(&mut self, place: Place) -> Option<Parked> {
        let parked = self.parked.remove(&place)?;
        self.by_need.remove(&(parked.need.clone(), place));
        if let Some(settled) = parked.settled {
            self.by_time.remove(&(settled, place));
        }
        Some(parked)
    }
}
