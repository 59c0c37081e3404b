//! Bytes of a watch or a log become lines.

use memchr::memchr;

/// What a buffer keeps once it is empty: events are of some 10 KB.
const KEPT: usize = 256 << 10;

/// A line was longer than allowed. Its bytes are left out; the next line is whole again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong;

/// Bytes that came, until their line is whole. What the connection cuts off never is one.
#[derive(Debug)]
pub struct Lines {
    bytes: Vec<u8>,
    /// Where the next line begins.
    start: usize,
    /// From here on nobody looked for the end of a line.
    searched: usize,
    most: usize,
    /// Whether the line that comes was already found to be too long.
    skips: bool,
}

impl Lines {
    /// None yet; none longer than this.
    pub const fn new(most: usize) -> Self {
        Self {
            bytes: Vec::new(),
            start: 0,
            searched: 0,
            most,
            skips: false,
        }
    }

    /// More bytes came. Lines are taken before the next ones come, so that no more is held than one line and these.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.start);
        self.searched -= self.start;
        self.start = 0;
        if self.bytes.is_empty() && self.bytes.capacity() > KEPT {
            self.bytes = Vec::new();
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// The next whole line, without its end; empty ones are left out.
    pub fn pop(&mut self) -> Option<Result<&[u8], TooLong>> {
        loop {
            let rest = self.bytes.get(self.searched..).unwrap_or_default();
            let Some(end) = memchr(b'\n', rest).map(|place| self.searched + place) else {
                self.searched = self.bytes.len();
                return self.unfinished();
            };
            let start = std::mem::replace(&mut self.start, end + 1);
            self.searched = end + 1;
            if std::mem::take(&mut self.skips) {
                continue;
            }
            if end - start > self.most {
                return Some(Err(TooLong));
            }
            let line = start..end;
            if !self.bytes.get(line.clone()).is_some_and(<[u8]>::is_empty) {
                return self.bytes.get(line).map(Ok);
            }
        }
    }

    /// No line is whole: what is there may be too long already.
    fn unfinished(&mut self) -> Option<Result<&[u8], TooLong>> {
        let too_long = self.bytes.len() - self.start > self.most;
        if self.skips || too_long {
            self.start = self.bytes.len();
        }
        let first = too_long && !self.skips;
        self.skips |= too_long;
        first.then_some(Err(TooLong))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(lines: &mut Lines) -> Vec<Result<String, TooLong>> {
        let mut all = Vec::new();
        while let Some(line) = lines.pop() {
            all.push(line.map(|bytes| String::from_utf8_lossy(bytes).into_owned()));
        }
        all
    }

    #[test]
    fn lines_are_whole_however_they_are_cut_and_the_last_half_is_none() {
        let mut lines = Lines::new(100);
        let mut found = Vec::new();
        for chunk in ["{\"a\":", "1}\n\n{\"b\"", ":2}", "\n{\"c\":3}\n{\"half"] {
            lines.push(chunk.as_bytes());
            found.extend(all(&mut lines));
        }
        let whole = ["{\"a\":1}", "{\"b\":2}", "{\"c\":3}"];
        assert_eq!(found, whole.map(|line| Ok(line.to_owned())));
    }

    #[test]
    fn a_line_that_is_too_long_is_told_once_and_the_next_is_whole() {
        let mut lines = Lines::new(4);
        let mut found = Vec::new();
        for chunk in ["ok\n12", "345", "678901234", "56\nfine\n12345\nend\n"] {
            lines.push(chunk.as_bytes());
            found.extend(all(&mut lines));
            assert!(
                lines.bytes.len() - lines.start <= 4,
                "more is held than a line"
            );
        }
        let text = |line: &str| Ok(line.to_owned());
        let expected = [
            text("ok"),
            Err(TooLong),
            text("fine"),
            Err(TooLong),
            text("end"),
        ];
        assert_eq!(found, expected);
    }

    proptest! {
        #[test]
        fn cuts_change_nothing(bytes in proptest::collection::vec(prop_oneof![Just(b'\n'), any::<u8>()], 0..200),
                               cut in 1_usize..40, most in 1_usize..30) {
            let mut whole = Lines::new(most);
            whole.push(&bytes);
            let expected = all(&mut whole);
            let mut lines = Lines::new(most);
            let mut found = Vec::new();
            for chunk in bytes.chunks(cut) {
                lines.push(chunk);
                found.extend(all(&mut lines));
            }
            prop_assert_eq!(found, expected);
        }
    }
}
