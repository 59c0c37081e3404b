//! Which tokens are known, for how long, and when the API server is asked.
//!
//! ```text
//!            asked            REFRESH_AFTER                CONFIRMED_FOR
//!              │ known: passes     │ passes, asked again       │ waits for the answer
//!              ├───────────────────┼───────────────────────────┼──────────►
//! no answer ──►│ what is known passes until its own end; what is not known is not let in
//! ```
//!
//! Only hashes are kept (SHA-256): whoever reads this memory gets no token from it.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use crate::access::permit::Permit;
use crate::limits::{
    BAD_FOR, CONFIRMED_FOR, MAX_BAD_TOKENS, MAX_KNOWN_TOKENS, MAX_UNCONFIRMED, REFRESH_AFTER,
    REVIEW_AGAIN,
};

/// The SHA-256 of a token.
pub type Key = [u8; 32];

/// The hash of a token.
pub fn key(token: &str) -> Key {
    let digest = ring::digest::digest(&ring::digest::SHA256, token.as_bytes());
    let mut key = Key::default();
    // Both have 32 bytes.
    key.iter_mut()
        .zip(digest.as_ref())
        .for_each(|(to, from)| *to = *from);
    key
}

/// What is known of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// It passes.
    Pass(Permit),
    /// It passes, and the API server should be asked again meanwhile.
    Refresh(Permit),
    /// The API server said that it is not good, and why.
    Bad(String),
    /// The API server must be asked first.
    Ask {
        /// Whether it was good before: such a token does not wait behind unknown ones.
        known: bool,
    },
}

/// What the API server said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The token is good for this, and ends by itself at this time.
    Good(Permit, Option<Duration>),
    /// It is not.
    Bad(String),
    /// It said nothing.
    Silent,
}

/// The tokens that are known to be good, and those that were found not to be.
#[derive(Debug, Default)]
pub struct Tokens {
    known: HashMap<Key, Known>,
    bad: HashMap<Key, (Duration, String)>,
    /// The bad ones in the order in which they came, which is that of their ends.
    order: VecDeque<Key>,
}

#[derive(Debug)]
struct Known {
    permit: Permit,
    /// When the API server is asked again.
    ask: Duration,
    /// Until when it passes without an answer.
    pass: Duration,
    /// When it must not pass any more, whatever the API server does not say.
    end: Duration,
}

impl Tokens {
    /// What is known of this token now.
    pub fn look(&self, key: &Key, now: Duration) -> Look {
        if let Some(known) = self.known.get(key).filter(|known| now < known.end) {
            return match () {
                () if now < known.ask => Look::Pass(known.permit.clone()),
                () if now < known.pass => Look::Refresh(known.permit.clone()),
                () => Look::Ask { known: true },
            };
        }
        match self.bad.get(key) {
            Some((until, why)) if now < *until => Look::Bad(why.clone()),
            _ => Look::Ask { known: false },
        }
    }

    /// Takes note of what the API server said, and says what becomes of those who wait for it: nothing when neither it
    /// nor we know the token.
    pub fn learn(&mut self, key: Key, verdict: Verdict, now: Duration) -> Option<Look> {
        match verdict {
            Verdict::Good(permit, end) => {
                self.make_room(&key, now);
                let known = Known {
                    permit: permit.clone(),
                    ask: now + REFRESH_AFTER,
                    pass: now + CONFIRMED_FOR,
                    end: end.unwrap_or(now + MAX_UNCONFIRMED),
                };
                self.known.insert(key, known);
                Some(Look::Pass(permit))
            }
            Verdict::Bad(why) => {
                self.known.remove(&key);
                self.remember_bad(key, &why, now);
                Some(Look::Bad(why))
            }
            Verdict::Silent => {
                let known = self.known.get_mut(&key).filter(|known| now < known.end)?;
                known.ask = now + REVIEW_AGAIN;
                // Longer than until the next question has an answer, so that nobody waits.
                known.pass = known.ask + CONFIRMED_FOR;
                Some(Look::Pass(known.permit.clone()))
            }
        }
    }

    /// How many are known to be good.
    pub fn known(&self) -> usize {
        self.known.len()
    }

    /// How many were found not to be.
    pub fn bad(&self) -> usize {
        self.bad.len()
    }

    /// A full table loses those that nobody has shown for long, else the one that was confirmed the longest ago.
    fn make_room(&mut self, key: &Key, now: Duration) {
        if self.known.len() < MAX_KNOWN_TOKENS || self.known.contains_key(key) {
            return;
        }
        self.known
            .retain(|_, known| now < known.pass.min(known.end));
        if self.known.len() >= MAX_KNOWN_TOKENS {
            let oldest = self.known.iter().min_by_key(|(_, known)| known.pass);
            if let Some(oldest) = oldest.map(|(key, _)| *key) {
                self.known.remove(&oldest);
            }
        }
    }

    fn remember_bad(&mut self, key: Key, why: &str, now: Duration) {
        let is_over = |tokens: &Self| {
            let first = tokens.order.front().and_then(|key| tokens.bad.get(key));
            first.is_some_and(|(until, _)| *until <= now) || tokens.order.len() >= MAX_BAD_TOKENS
        };
        while is_over(self) {
            if let Some(first) = self.order.pop_front() {
                self.bad.remove(&first);
            }
        }
        let until = now + BAD_FOR;
        if self.bad.insert(key, (until, why.to_owned())).is_none() {
            self.order.push_back(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::access::Roles;

    const SECOND: Duration = Duration::from_secs(1);

    fn permit(name: &str) -> Permit {
        Permit::of(name.into(), None, Roles::KNOWN)
    }

    fn good(name: &str) -> Verdict {
        Verdict::Good(permit(name), None)
    }

    #[test]
    fn the_hash_is_sha_256() {
        // FIPS 180-2, B.1.
        assert_eq!(&key("abc")[..4], [0xba, 0x78, 0x16, 0xbf]);
    }

    #[test]
    fn a_token_is_asked_about_once_in_a_while_and_never_passes_for_longer_than_a_minute() {
        let (mut tokens, key, at) = (Tokens::default(), key("a"), 100 * SECOND);
        assert_eq!(tokens.look(&key, at), Look::Ask { known: false });
        assert_eq!(
            tokens.learn(key, good("a"), at),
            Some(Look::Pass(permit("a")))
        );
        assert_eq!(tokens.look(&key, at), Look::Pass(permit("a")));
        assert_eq!(
            tokens.look(&key, at + REFRESH_AFTER),
            Look::Refresh(permit("a"))
        );
        assert_eq!(
            tokens.look(&key, at + CONFIRMED_FOR),
            Look::Ask { known: true }
        );
        assert!(CONFIRMED_FOR <= 60 * SECOND);
    }

    #[test]
    fn without_an_api_server_known_tokens_pass_until_their_end_and_others_do_not() {
        let (mut tokens, a, b) = (Tokens::default(), key("a"), key("b"));
        let end = 3_600 * SECOND;
        tokens.learn(a, Verdict::Good(permit("a"), Some(end)), SECOND);
        let mut now = SECOND;
        while now < end {
            assert!(
                matches!(tokens.look(&a, now), Look::Pass(_) | Look::Refresh(_)),
                "{now:?}"
            );
            if matches!(tokens.look(&a, now), Look::Refresh(_)) {
                assert_eq!(
                    tokens.learn(a, Verdict::Silent, now),
                    Some(Look::Pass(permit("a")))
                );
            }
            now += SECOND;
        }
        assert_eq!(tokens.look(&a, end), Look::Ask { known: false });
        assert_eq!(tokens.learn(a, Verdict::Silent, end), None);
        assert_eq!(tokens.learn(b, Verdict::Silent, SECOND), None);
    }

    #[test]
    fn a_token_that_was_good_is_bad_as_soon_as_the_api_server_says_so() {
        let (mut tokens, key) = (Tokens::default(), key("a"));
        tokens.learn(key, good("a"), SECOND);
        let gone = || "deleted".to_owned();
        assert_eq!(
            tokens.learn(key, Verdict::Bad(gone()), 2 * SECOND),
            Some(Look::Bad(gone()))
        );
        assert_eq!(tokens.look(&key, 2 * SECOND), Look::Bad(gone()));
        assert_eq!(
            tokens.look(&key, 2 * SECOND + BAD_FOR),
            Look::Ask { known: false }
        );
        // It may be made anew.
        tokens.learn(key, good("a"), 3 * SECOND);
        assert_eq!(tokens.look(&key, 3 * SECOND), Look::Pass(permit("a")));
    }

    #[test]
    fn tables_are_bounded_and_a_flood_of_bad_tokens_displaces_no_good_one() {
        let mut tokens = Tokens::default();
        let ours = key("ours");
        tokens.learn(ours, good("ours"), SECOND);
        for number in 0..3 * MAX_BAD_TOKENS {
            let key = key(&number.to_string());
            tokens.learn(key, Verdict::Bad(String::new()), SECOND);
        }
        assert_eq!(tokens.bad(), MAX_BAD_TOKENS);
        assert_eq!(tokens.order.len(), MAX_BAD_TOKENS);
        assert_eq!(tokens.look(&ours, SECOND), Look::Pass(permit("ours")));
    }

    #[test]
    fn a_full_table_loses_the_one_that_was_confirmed_the_longest_ago() {
        let mut tokens = Tokens::default();
        for number in 0..=MAX_KNOWN_TOKENS {
            let key = key(&number.to_string());
            let now = SECOND + Duration::from_micros(number as u64);
            tokens.learn(key, good(""), now);
        }
        assert_eq!(tokens.known(), MAX_KNOWN_TOKENS);
        let now = 2 * SECOND;
        assert_eq!(tokens.look(&key("0"), now), Look::Ask { known: false });
        assert_eq!(tokens.look(&key("1"), now), Look::Pass(permit("")));
    }

    proptest! {
        /// Whatever happens in whatever order: a token passes only if the API server called it good, less than a minute
        /// ago or silence since, and bad ones never do.
        #[test]
        fn only_what_was_called_good_last_passes(steps in prop::collection::vec((0..4_u8, 0..3_u8, 0..40_u64), 1..200)) {
            let mut tokens = Tokens::default();
            let mut last: HashMap<Key, (bool, Duration, bool)> = HashMap::new();
            let mut now = SECOND;
            for (token, said, pause) in steps {
                now += Duration::from_secs(pause);
                let key = key(&token.to_string());
                let verdict = match said {
                    0 => good("x"),
                    1 => Verdict::Bad(String::new()),
                    _ => Verdict::Silent,
                };
                match verdict {
                    Verdict::Good(..) => { last.insert(key, (true, now, false)); }
                    Verdict::Bad(_) => { last.insert(key, (false, now, false)); }
                    Verdict::Silent => {
                        if let Some(state) = last.get_mut(&key) {
                            state.2 = true;
                        }
                    }
                }
                tokens.learn(key, verdict, now);
                for (key, (is_good, since, silence)) in &last {
                    let passes = matches!(tokens.look(key, now), Look::Pass(_) | Look::Refresh(_));
                    let may = *is_good && (*silence || now.saturating_sub(*since) < CONFIRMED_FOR);
                    prop_assert!(!passes || may);
                }
            }
        }
    }
}
