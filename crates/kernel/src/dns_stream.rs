//! DNS over TCP (RFC 7766 8): messages behind a length of two bytes, in the segments of one direction of a
//! connection.
//!
//! One message at a time, in order: enough for a resolver's answers, and bounded by the largest message (65 537
//! bytes with its length). A segment that is missing ends the stream, because where the next message begins cannot
//! be known.

/// One direction of a DNS-over-TCP connection. Between messages it holds no memory but its own.
#[derive(Clone, Debug)]
pub struct DnsStream {
    /// The sequence number of the next byte; `None` until the first segment when it was not known.
    next: Option<u32>,
    /// The beginning of a message, with its length.
    buffer: Vec<u8>,
    dead: bool,
}

impl DnsStream {
    /// A stream whose first byte has this sequence number (the SYN's plus one), or, when that is not known, will be
    /// the first byte that is pushed.
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

    /// Takes a segment and hands every message that it completes, without its length, to `each`. Bytes that were
    /// seen before are skipped, so that retransmissions and copies of a packet do no harm.
    pub fn push(&mut self, sequence: u32, payload: &[u8], mut each: impl FnMut(&[u8])) {
        if self.dead || payload.is_empty() {
            return;
        }
        let next = *self.next.get_or_insert(sequence);
        // Sequence numbers wrap: the shorter way round tells which comes first (RFC 9293 3.4).
        let seen = next.wrapping_sub(sequence);
        if seen > u32::MAX / 2 {
            self.dead = true;
            self.buffer = Vec::new();
            return;
        }
        let fresh = usize::try_from(seen).map_or(None, |seen| payload.get(seen..));
        let fresh = fresh.unwrap_or_default();
        // A segment is shorter than 64 KiB, which is what its IP header can say.
        let length = u32::try_from(fresh.len()).unwrap_or(u32::MAX);
        self.next = Some(next.wrapping_add(length));
        self.take(fresh, &mut each);
    }

    fn take(&mut self, mut fresh: &[u8], each: &mut impl FnMut(&[u8])) {
        while !fresh.is_empty() {
            // Most messages come whole: they need no buffer.
            if self.buffer.is_empty()
                && let Some((message, rest)) = split_message(fresh)
            {
                each(message);
                fresh = rest;
                continue;
            }
            let (part, rest) = fresh.split_at(missing(&self.buffer).min(fresh.len()));
            self.buffer.extend_from_slice(part);
            fresh = rest;
            if let Some((message, _)) = split_message(&self.buffer) {
                each(message);
                self.buffer = Vec::new();
            }
        }
    }
}

/// The whole message at the front, and what is behind it.
fn split_message(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<2>()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))
}

/// Bytes until the buffer holds a length or, once it does, the whole message. Never zero between two messages.
fn missing(buffer: &[u8]) -> usize {
    match buffer.split_first_chunk::<2>() {
        None => 2 - buffer.len(),
        Some((length, message)) => {
            usize::from(u16::from_be_bytes(*length)).saturating_sub(message.len())
        }
    }
}
