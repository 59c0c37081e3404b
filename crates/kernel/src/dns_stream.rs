//! DNS over TCP (RFC 7766 8): messages behind a two-byte length, in the segments of one direction of a connection.
//!
//! In-order reassembly of one message at a time: enough for the answers of a resolver, bounded by one message. A
//! gap ends it, because the next message boundary cannot be known.

/// The largest message that a two-byte length can name, with the length itself.
const MAX_BUFFER: usize = 2 + 65_535;

/// One direction of a DNS-over-TCP connection.
#[derive(Clone, Debug)]
pub struct DnsStream {
    /// The sequence number of the next byte; `None` until the first segment when it was not known.
    next: Option<u32>,
    buffer: Vec<u8>,
    dead: bool,
}

impl DnsStream {
    /// A stream whose first byte has this number (the SYN's plus one), or will be the first that is seen.
    pub const fn new(first: Option<u32>) -> Self {
        Self {
            next: first,
            buffer: Vec::new(),
            dead: false,
        }
    }

    /// Whether a segment is missing, so that nothing more can be read.
    pub const fn is_dead(&self) -> bool {
        self.dead
    }

    /// Takes a segment and hands every message that it completes to `each`. Bytes that were seen before are
    /// skipped, so that retransmissions and copies of a packet do no harm.
    pub fn push(&mut self, sequence: u32, payload: &[u8], mut each: impl FnMut(&[u8])) {
        if self.dead || payload.is_empty() {
            return;
        }
        let next = *self.next.get_or_insert(sequence);
        let ahead = sequence.wrapping_sub(next);
        let seen = next.wrapping_sub(sequence);
        // Sequence numbers wrap: the smaller distance tells the direction.
        let fresh = if ahead == 0 {
            payload
        } else if ahead < 1 << 31 {
            self.dead = true;
            self.buffer = Vec::new();
            return;
        } else {
            match usize::try_from(seen)
                .ok()
                .and_then(|seen| payload.get(seen..))
            {
                Some(fresh) if !fresh.is_empty() => fresh,
                _ => return,
            }
        };
        let length = u32::try_from(fresh.len()).unwrap_or(u32::MAX);
        self.next = Some(next.wrapping_add(length));
        self.take(fresh, &mut each);
    }

    /// Cuts messages out of the buffer and the fresh bytes behind it.
    fn take(&mut self, mut fresh: &[u8], each: &mut impl FnMut(&[u8])) {
        while !fresh.is_empty() {
            let missing = missing(&self.buffer);
            let (part, rest) = fresh.split_at(missing.min(fresh.len()));
            self.buffer.extend_from_slice(part);
            fresh = rest;
            if let Some((_, message)) = self.buffer.split_first_chunk::<2>()
                && self::missing(&self.buffer) == 0
            {
                each(message);
                self.buffer.clear();
            }
        }
        debug_assert!(
            self.buffer.len() <= MAX_BUFFER,
            "a message is bounded by its two-byte length"
        );
    }
}

/// Bytes until the buffer holds its length, or, once it does, the whole message.
fn missing(buffer: &[u8]) -> usize {
    match buffer.split_first_chunk::<2>() {
        None => 2 - buffer.len(),
        Some((length, message)) => {
            usize::from(u16::from_be_bytes(*length)).saturating_sub(message.len())
        }
    }
}
