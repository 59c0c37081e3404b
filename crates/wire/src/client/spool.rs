//! What is held, and what became of the rest: no clock, no file and no socket here.
//!
//! ```text
//! oldest                                                                             newest
//! flight ◄─ front ◄─ loaded (the oldest file, read back) ◄─ files ◄─ leaving ◄─ memory ◄─ offer
//! ```
//!
//! The front is what came back from the flight when younger ones had gone to a file meanwhile.
//!
//! Every item is in one of these places or counted as delivered or dropped, after each step.

use std::collections::VecDeque;

use map::Time;

use super::batch::{Batch, Encoded};
use super::limits::{FILE_BYTES, MAX_HELD_FOR};
use super::stats::{Reason, Stats};

/// Batches in a row, with their sums.
#[derive(Debug, Default)]
struct Queue {
    batches: VecDeque<Batch>,
    items: usize,
    cost: usize,
}

impl Queue {
    fn push_back(&mut self, batch: Batch) {
        self.items += batch.items;
        self.cost += batch.cost();
        self.batches.push_back(batch);
    }

    fn push_front(&mut self, batch: Batch) {
        self.items += batch.items;
        self.cost += batch.cost();
        self.batches.push_front(batch);
    }

    fn pop(&mut self) -> Option<Batch> {
        let batch = self.batches.pop_front()?;
        self.items -= batch.items;
        self.cost -= batch.cost();
        Some(batch)
    }

    /// Removes what stands in front as long as it is too old; how many items.
    fn expire(&mut self, before: Time) -> usize {
        let mut items = 0;
        while self.batches.front().is_some_and(|batch| batch.at < before) {
            items += self.pop().map_or(0, |batch| batch.items);
        }
        items
    }

    /// The first, and those behind it that may be sent with it.
    fn take(&mut self, most_bytes: usize) -> Option<Batch> {
        let first = self.pop()?;
        let (mut items, mut bytes) = (first.items, first.json.len());
        let mut taken = vec![first];
        while let (Some(first), Some(next)) = (taken.first(), self.batches.front())
            && first.joins((items, bytes), next, most_bytes)
        {
            items += next.items;
            bytes += next.json.len() + 1;
            taken.extend(self.pop());
        }
        Batch::join(taken)
    }
}

/// A file of the spool folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) name: String,
    pub(super) bytes: u64,
    pub(super) items: usize,
    /// When the last of it was offered.
    pub(super) newest: Time,
}

/// Where what is on its way came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum From {
    Memory,
    File,
}

/// The bounds of a spool, in bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) memory: usize,
    /// 0 where there is no folder.
    pub(super) folder: u64,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Spool {
    bounds: Bounds,
    front: Queue,
    memory: Queue,
    /// Being written to a file.
    leaving: Vec<Batch>,
    files: VecDeque<Kept>,
    /// Read back, or being read.
    loaded: Option<(Kept, Option<Queue>)>,
    flight: Option<(Batch, From)>,
    /// Files that are to be removed.
    pub(super) spent: Vec<String>,
    stats: Stats,
    has_ended: bool,
}

impl Spool {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            front: Queue::default(),
            memory: Queue::default(),
            leaving: Vec::new(),
            files: VecDeque::new(),
            loaded: None,
            flight: None,
            spent: Vec::new(),
            stats: Stats::default(),
            has_ended: false,
        }
    }

    // --- What comes in.

    /// Takes a report, and makes room for it; how many items were dropped for that.
    pub(super) fn offer(&mut self, encoded: Encoded) -> u64 {
        let before = self.stats.dropped_in_all();
        let items: usize = encoded.batches.iter().map(|batch| batch.items).sum();
        self.stats.offered += (items + encoded.unsendable) as u64;
        self.stats.drop_items(Reason::Large, encoded.unsendable);
        if self.has_ended {
            self.stats.drop_items(Reason::Ended, items);
        } else {
            let batches = encoded.batches.into_iter();
            for batch in batches {
                self.memory.push_back(batch);
            }
            self.make_room();
        }
        self.stats.dropped_in_all() - before
    }

    /// Takes files of an earlier run, the oldest first. They are removed where there is no room for them.
    pub(super) fn recover(&mut self, files: Vec<Kept>, set_aside: u64) {
        self.stats.set_aside += set_aside;
        for file in files {
            self.stats.offered += file.items as u64;
            self.stats.recovered += file.items as u64;
            self.files.push_back(file);
        }
        self.make_room_for_file(0);
    }

    fn make_room(&mut self) {
        while self.memory_used() > self.bounds.memory
            && let Some(oldest) = self.front.pop().or_else(|| self.memory.pop())
        {
            self.stats.drop_items(Reason::Full, oldest.items);
        }
    }

    /// What counts against the bound: that of the file that was read back has its own.
    fn memory_used(&self) -> usize {
        let flight = self
            .flight
            .as_ref()
            .filter(|(_, from)| *from == From::Memory);
        let flight = flight.map_or(0, |(batch, _)| batch.cost());
        let leaving: usize = self.leaving.iter().map(Batch::cost).sum();
        self.front.cost + self.memory.cost + leaving + flight
    }

    // --- What goes out.

    /// Drops what was held for too long.
    pub(super) fn expire(&mut self, now: Time) {
        let before = now.minus(MAX_HELD_FOR);
        let mut items = self.front.expire(before) + self.memory.expire(before);
        if let Some((_, Some(queue))) = &mut self.loaded {
            items += queue.expire(before);
        }
        while self.files.front().is_some_and(|file| file.newest < before)
            && let Some(file) = self.files.pop_front()
        {
            items += file.items;
            self.spent.push(file.name);
        }
        self.stats.drop_items(Reason::Old, items);
    }

    /// The oldest, in one request of so many bytes, to be sent: until its fate is told it is in flight. None if there is
    /// nothing, or a file has to be read first.
    pub(super) fn take(&mut self, most_bytes: usize) -> Option<Batch> {
        // One at a time.
        self.again(false);
        // What is on its way makes no room for others.
        let most_bytes = most_bytes.min(self.bounds.memory / 4);
        let (batch, from) = if let Some(batch) = self.front.take(most_bytes) {
            (batch, From::Memory)
        } else if let Some((_, queue)) = &mut self.loaded {
            (queue.as_mut()?.take(most_bytes)?, From::File)
        } else if self.files.is_empty() && self.leaving.is_empty() {
            (self.memory.take(most_bytes)?, From::Memory)
        } else {
            return None;
        };
        self.flight = Some((batch.clone(), from));
        Some(batch)
    }

    /// The mapper took what is in flight, but so many items of it for which it has no place.
    pub(super) fn delivered(&mut self, unknown: usize, now: Time) {
        if let Some((batch, _)) = self.flight.take() {
            let unknown = unknown.min(batch.items);
            self.stats.delivered += (batch.items - unknown) as u64;
            self.stats.drop_items(Reason::Unknown, unknown);
        }
        self.stats.last_success = Some(now);
    }

    /// What is in flight is to be sent again, and may be what the mapper cannot take.
    pub(super) fn again(&mut self, is_suspect: bool) {
        if let Some((mut batch, from)) = self.flight.take() {
            batch.is_suspect |= is_suspect;
            self.put_back(batch, from);
        }
        self.make_room();
    }

    /// What is in flight is to be sent in two halves; whether it has halves.
    pub(super) fn halve(&mut self) -> bool {
        let Some((batch, from)) = &self.flight else {
            return true;
        };
        let Some([first, second]) = batch.halves() else {
            return false;
        };
        let from = *from;
        self.flight = None;
        self.put_back(second, from);
        self.put_back(first, from);
        self.make_room();
        true
    }

    /// What is in flight is not sent again.
    pub(super) fn give_up(&mut self, reason: Reason) {
        if let Some((batch, _)) = self.flight.take() {
            self.stats.drop_items(reason, batch.items);
        }
    }

    fn put_back(&mut self, batch: Batch, from: From) {
        let is_alone = self.loaded.is_none() && self.files.is_empty() && self.leaving.is_empty();
        match (&mut self.loaded, from) {
            (Some((_, Some(queue))), From::File) => queue.push_front(batch),
            (_, From::Memory) if is_alone && self.front.batches.is_empty() => {
                self.memory.push_front(batch);
            }
            // Or its file has made room for others meanwhile.
            _ => self.front.push_front(batch),
        }
    }

    // --- The folder.

    /// What should be written to a file now: the oldest of the memory, once it is half full.
    pub(super) fn leave(&mut self) -> Option<Vec<Batch>> {
        if !self.wants_folder() {
            return None;
        }
        self.leave_now()
    }

    /// The oldest of the memory, to be written to a file; none if there is nothing or no folder.
    pub(super) fn leave_now(&mut self) -> Option<Vec<Batch>> {
        self.stay();
        self.leave_some(false)
    }

    /// The same at the end, when it is all that can still be done, with what is in front. That may come last then.
    pub(super) fn leave_at_end(&mut self) -> Option<Vec<Batch>> {
        self.again(false);
        self.stay();
        self.leave_some(true)
    }

    fn leave_some(&mut self, with_front: bool) -> Option<Vec<Batch>> {
        if self.bounds.folder == 0 {
            return None;
        }
        let most =
            usize::try_from(self.bounds.folder / 4).map_or(FILE_BYTES, |n| n.min(FILE_BYTES));
        let mut bytes = 0;
        while bytes < most
            && let Some(batch) = self.next_to_leave(with_front)
        {
            bytes += batch.cost();
            self.leaving.push(batch);
        }
        (!self.leaving.is_empty()).then(|| self.leaving.clone())
    }

    fn next_to_leave(&mut self, with_front: bool) -> Option<Batch> {
        let front = with_front.then(|| self.front.pop()).flatten();
        front.or_else(|| self.memory.pop())
    }

    /// What was leaving is in a file.
    pub(super) fn left(&mut self, file: Kept) {
        if self.leaving.is_empty() {
            self.spent.push(file.name);
            return;
        }
        self.leaving.clear();
        self.make_room_for_file(file.bytes);
        self.files.push_back(file);
        // One that is larger than all the room.
        self.make_room_for_file(0);
    }

    /// What was leaving could not be written.
    pub(super) fn stay(&mut self) {
        while let Some(batch) = self.leaving.pop() {
            self.memory.push_front(batch);
        }
        self.make_room();
    }

    fn make_room_for_file(&mut self, bytes: u64) {
        while self.folder_used() + bytes > self.bounds.folder {
            if let Some((file, queue)) = self.loaded.take() {
                let items = queue.map_or(file.items, |queue| queue.items);
                self.stats.drop_items(Reason::Full, items);
                self.spent.push(file.name);
            } else if let Some(file) = self.files.pop_front() {
                self.stats.drop_items(Reason::Full, file.items);
                self.spent.push(file.name);
            } else {
                return;
            }
        }
    }

    fn folder_used(&self) -> u64 {
        let loaded = self.loaded.as_ref().map_or(0, |(file, _)| file.bytes);
        self.files.iter().map(|file| file.bytes).sum::<u64>() + loaded
    }

    /// Whether there is a file to be read, or to be removed.
    pub(super) fn has_file_to_do(&self) -> bool {
        match &self.loaded {
            Some((_, queue)) => queue.as_ref().is_none_or(|queue| queue.batches.is_empty()),
            None => !self.files.is_empty(),
        }
    }

    /// A file of which all is delivered is to be removed.
    pub(super) fn close_file(&mut self) {
        let is_done = |(_, queue): &(Kept, Option<Queue>)| {
            queue.as_ref().is_some_and(|queue| queue.batches.is_empty())
        };
        if self.loaded.as_ref().is_some_and(is_done) && self.flight.is_none() {
            self.spent
                .extend(self.loaded.take().map(|(file, _)| file.name));
        }
    }

    /// The file that is to be read next, if one is.
    pub(super) fn next_file(&mut self) -> Option<String> {
        self.close_file();
        if self.loaded.is_none() {
            self.loaded = self.files.pop_front().map(|file| (file, None));
        }
        let (file, queue) = self.loaded.as_ref()?;
        queue.is_none().then(|| file.name.clone())
    }

    /// The file was read.
    pub(super) fn loaded(&mut self, name: &str, batches: Vec<Batch>) {
        // It may have made room for others meanwhile.
        let Some((file, queue @ None)) = &mut self.loaded else {
            return;
        };
        if file.name != name {
            return;
        }
        let mut read = Queue::default();
        for batch in batches {
            read.push_back(batch);
        }
        // Somebody has written to it: what is not there is lost, and what was not there does not count.
        if read.items == file.items {
            *queue = Some(read);
        } else {
            self.damaged(name);
        }
    }

    /// The file could not be read.
    pub(super) fn damaged(&mut self, name: &str) {
        if let Some((file, None)) = &self.loaded
            && file.name == name
        {
            self.stats.drop_items(Reason::Damaged, file.items);
            self.stats.set_aside += 1;
            self.loaded = None;
        }
    }

    // --- The end.

    /// Nothing comes in any more, and what is in memory is dropped. What came from a file stays in it.
    pub(super) fn end(&mut self) {
        self.has_ended = true;
        self.again(false);
        self.stay();
        for queue in [&mut self.front, &mut self.memory] {
            self.stats.drop_items(Reason::Ended, queue.items);
            *queue = Queue::default();
        }
    }

    // --- What can be known.

    pub(super) fn stats(&self) -> Stats {
        let loaded = self.loaded.as_ref().map_or(0, |(file, queue)| {
            queue.as_ref().map_or(file.items, |queue| queue.items)
        });
        let files: usize = self.files.iter().map(|file| file.items).sum();
        let leaving: usize = self.leaving.iter().map(|batch| batch.items).sum();
        let flight = self.flight.as_ref().map_or(0, |(batch, _)| batch.items);
        Stats {
            held: (self.front.items + self.memory.items + leaving + flight + loaded + files) as u64,
            held_in_folder: (loaded + files) as u64,
            memory: self.memory_used(),
            folder: self.folder_used(),
            ..self.stats.clone()
        }
    }

    pub(super) const fn stats_mut(&mut self) -> &mut Stats {
        &mut self.stats
    }

    /// Whether nothing is held.
    pub(super) fn is_empty(&self) -> bool {
        self.front.batches.is_empty()
            && self.memory.batches.is_empty()
            && self.leaving.is_empty()
            && self.files.is_empty()
            && self.flight.is_none()
            && self.loaded.is_none()
    }

    /// Whether the memory is full enough to write some of it to the folder.
    pub(super) fn wants_folder(&self) -> bool {
        self.bounds.folder > 0 && self.memory.cost > self.bounds.memory / 2
    }
}

#[cfg(test)]
mod tests;
