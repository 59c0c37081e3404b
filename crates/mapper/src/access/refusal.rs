//! Why something is refused: what is counted, and what the one who is refused gets to read.

use std::borrow::Cow;
use std::time::Duration;

/// Why a connection or a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// A web page of somebody else asks.
    Origin,
    /// Over loopback, for a name that is not this machine's.
    Host,
    /// Over loopback, for somebody else.
    Forwarded,
    /// Plain HTTP from elsewhere.
    Plain,
    /// No token.
    NoToken,
    /// What stands in `Authorization` is no bearer token.
    NotBearer,
    /// The API server says that the token is not good.
    BadToken,
    /// The API server does not say anything, and the token is not known.
    Unconfirmed,
    /// Too many tokens wait for the API server.
    Busy,
    /// The subject lacks a role.
    Role,
    /// A token of one node reports for another.
    Node,
    /// Too many requests from one sender.
    Rate,
    /// Too many bytes from one sender.
    Bytes,
    /// Too many bytes from all senders together.
    Room,
    /// Too many connections from one sender.
    Connections,
    /// Too many new connections from one sender.
    NewConnections,
    /// Nothing came, or not enough, in time.
    Slow,
    /// TLS, but there is no certificate.
    NoCertificate,
    /// TLS could not be agreed on.
    Handshake,
}

impl Reason {
    /// All of them, in the order of their declaration.
    pub const ALL: [Self; 19] = [
        Self::Origin,
        Self::Host,
        Self::Forwarded,
        Self::Plain,
        Self::NoToken,
        Self::NotBearer,
        Self::BadToken,
        Self::Unconfirmed,
        Self::Busy,
        Self::Role,
        Self::Node,
        Self::Rate,
        Self::Bytes,
        Self::Room,
        Self::Connections,
        Self::NewConnections,
        Self::Slow,
        Self::NoCertificate,
        Self::Handshake,
    ];

    /// As metrics name it.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Origin => "foreign_origin",
            Self::Host => "foreign_host",
            Self::Forwarded => "forwarded",
            Self::Plain => "plain_http",
            Self::NoToken => "no_token",
            Self::NotBearer => "no_bearer_token",
            Self::BadToken => "bad_token",
            Self::Unconfirmed => "token_not_confirmed",
            Self::Busy => "too_many_unknown_tokens",
            Self::Role => "role",
            Self::Node => "other_node",
            Self::Rate => "rate",
            Self::Bytes => "bytes",
            Self::Room => "room",
            Self::Connections => "connections",
            Self::NewConnections => "new_connections",
            Self::Slow => "slow",
            Self::NoCertificate => "no_certificate",
            Self::Handshake => "handshake",
        }
    }

    /// The status of the answer (RFC 9110, 15; 429: RFC 6585, 4). Connections that are refused have none.
    pub const fn status(self) -> u16 {
        match self {
            Self::NoToken | Self::NotBearer | Self::BadToken => 401,
            Self::Rate | Self::Bytes | Self::Connections | Self::NewConnections => 429,
            Self::Unconfirmed | Self::Busy | Self::Room => 503,
            Self::Slow => 408,
            _ => 403,
        }
    }

    /// What it means, and what to do.
    const fn text(self) -> &'static str {
        match self {
            Self::Origin => {
                "web pages of other origins may not ask the mapper; ask it from a command line, or from a page on localhost"
            }
            Self::Host => {
                "over loopback the Host must be localhost, 127.0.0.1 or [::1], so that no web page gets here by DNS; use one of these, or TLS with a token"
            }
            Self::Forwarded => {
                "a proxy asks here for somebody else, which the mapper cannot check; switch mesh injection off for the mapper, and ask over TLS with a token for audience portolan"
            }
            Self::Plain => {
                "plain HTTP from other addresses is for /healthz, /readyz and the query { health } only; use kubectl port-forward, or TLS with a token for audience portolan. Old sniffers need --access=open on the mapper. A token that was sent without TLS may have been seen: replace it"
            }
            Self::NoToken => {
                "a token is needed: Authorization: Bearer with a service account token for audience portolan, such as a projected one or that of kubectl create token NAME --audience portolan"
            }
            Self::NotBearer => {
                "one header Authorization: Bearer TOKEN is expected, with a service account token for audience portolan"
            }
            Self::BadToken => {
                "the token is not good for audience portolan; get a new one, such as by kubectl create token NAME --audience portolan"
            }
            Self::Unconfirmed => {
                "the API server does not say whose token this is, and it was not seen before; try again later, and see to the mapper's log and its right to create tokenreviews"
            }
            Self::Busy => "too many unknown tokens wait for the API server; try again later",
            Self::Role => "the subject of the token lacks a role",
            Self::Node => "a token of one node may report for that node only",
            Self::Rate => "too many requests from this address; send fewer, with more in each",
            Self::Bytes => "too many bytes from this address; send less",
            Self::Room => "too many bodies are being read at this time; try again later",
            Self::Connections => "too many connections from this address; use them again",
            Self::NewConnections => "too many new connections from this address; use them again",
            Self::Slow => "nothing came in time",
            Self::NoCertificate => {
                "there is no certificate; give the mapper --tls-cert-file and --tls-key-file"
            }
            Self::Handshake => "TLS could not be agreed on",
        }
    }
}

/// A refusal, as it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Why.
    pub reason: Reason,
    /// For the one who is refused: why, and what to do.
    pub text: Cow<'static, str>,
    /// When to try again; after a second if it says nothing else.
    pub again: Option<Duration>,
}

impl Refusal {
    /// The usual one for this reason.
    pub const fn of(reason: Reason) -> Self {
        Self {
            reason,
            text: Cow::Borrowed(reason.text()),
            again: None,
        }
    }

    /// The usual one, with more at its end.
    pub fn because(reason: Reason, more: &str) -> Self {
        let text = format!("{}: {more}", reason.text());
        Self {
            text: Cow::Owned(text),
            ..Self::of(reason)
        }
    }

    /// The same, worth another try after this time.
    #[must_use]
    pub const fn again_after(mut self, time: Duration) -> Self {
        self.again = Some(time);
        self
    }

    /// `Retry-After` in whole seconds (RFC 9110, 10.2.3), where trying again makes sense.
    pub fn retry_after(&self) -> Option<u64> {
        let helps = matches!(self.reason.status(), 429 | 503);
        let time = self.again.unwrap_or(Duration::from_secs(1));
        let seconds = time.as_secs() + u64::from(time.subsec_nanos() > 0);
        helps.then_some(seconds.max(1))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_reason_has_a_place_a_label_and_a_text_of_its_own() {
        let labels: BTreeSet<_> = Reason::ALL.iter().map(|reason| reason.label()).collect();
        let texts: BTreeSet<_> = Reason::ALL.iter().map(|reason| reason.text()).collect();
        assert_eq!(
            (labels.len(), texts.len()),
            (Reason::ALL.len(), Reason::ALL.len())
        );
        for (place, reason) in Reason::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, place);
        }
    }

    #[test]
    fn trying_again_is_told_in_whole_seconds() {
        let rate = Refusal::of(Reason::Rate);
        assert_eq!(rate.retry_after(), Some(1));
        assert_eq!(
            rate.again_after(Duration::from_millis(2001)).retry_after(),
            Some(3)
        );
        assert_eq!(Refusal::of(Reason::Role).retry_after(), None);
    }
}
