//! Whose token is this? The API server says, by `TokenReview` (Kubernetes API reference, authentication.k8s.io/v1).
//!
//! The service account needs `create` on `tokenreviews`, as `system:auth-delegator` gives it.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use compact_str::CompactString;
use map::Time;
use serde::Deserialize;
use serde_json::json;

use super::counters::Verb;
use super::request::{Api, RequestError, short};
use crate::TokenUser;

const PATH: &str = "/apis/authentication.k8s.io/v1/tokenreviews";

/// How long a review may take: somebody waits for it, and the next attempt may find another API server.
const WITHIN: Duration = Duration::from_secs(5);

/// The node of the pod that a token is bound to (Kubernetes documentation, "Managing Service Accounts", additional
/// metadata in pod bound tokens).
const NODE: &str = "authentication.kubernetes.io/node-name";

/// Groups of one user that are looked at; a service account has three, and identity providers send some hundreds.
const MAX_GROUPS: usize = 1_000;

/// Asks the API server about tokens.
#[derive(Clone)]
pub struct TokenReviewer(Api);

impl fmt::Debug for TokenReviewer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenReviewer")
    }
}

/// What the API server says of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Review {
    /// It is good, and for our audience.
    Good(TokenUser),
    /// It is not; the text says why, for people. The token is not in it.
    Bad(String),
}

impl TokenReviewer {
    pub(crate) const fn new(api: Api) -> Self {
        Self(api)
    }

    /// Asks whose token this is, and whether it is for this audience.
    ///
    /// An error says nothing of the token: the API server was not reached, or does not let us ask.
    pub async fn review(&self, token: &str, audience: &str) -> Result<Review, RequestError> {
        let ask = json!({
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenReview",
            "spec": { "token": token, "audiences": [audience] },
        });
        let body = ask.to_string().into_bytes();
        let answer = self.0.create(Verb::Token, PATH, body, WITHIN).await?;
        read(&answer, token, audience)
    }
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    status: Status,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Status {
    authenticated: bool,
    user: User,
    audiences: Vec<CompactString>,
    error: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct User {
    username: CompactString,
    groups: Vec<CompactString>,
    extra: BTreeMap<CompactString, Vec<CompactString>>,
}

fn read(answer: &[u8], token: &str, audience: &str) -> Result<Review, RequestError> {
    let answer: Answer = serde_json::from_slice(answer)
        .map_err(|error| RequestError::Unreadable(short(&error.to_string())))?;
    let status = answer.status;
    if !status.authenticated {
        let why = if status.error.is_empty() {
            "the API server does not know it".to_owned()
        } else {
            short(&status.error.replace(token, "…"))
        };
        return Ok(Review::Bad(why));
    }
    // An authenticator that knows no audiences leaves them empty: then the token is for the API server, and whoever
    // shows it to us shows us more than we should see.
    if !status.audiences.iter().any(|known| known == audience) {
        return Ok(Review::Bad(format!(
            "it is not for the audience {audience}"
        )));
    }
    let mut user = status.user;
    if user.username.is_empty() {
        return Ok(Review::Bad("it has no user".to_owned()));
    }
    user.groups.truncate(MAX_GROUPS);
    let node = user.extra.remove(NODE);
    Ok(Review::Good(TokenUser {
        name: user.username,
        groups: user.groups,
        node: node.and_then(|names| names.into_iter().next()),
        expires: expires(token),
    }))
}

/// The claim `exp` of a JSON Web Token (RFC 7519, 4.1.4). Only of a token that the API server found good: nothing is
/// checked here.
fn expires(token: &str) -> Option<Time> {
    #[derive(Deserialize)]
    struct Claims {
        exp: f64,
    }

    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let Claims { exp } = serde_json::from_slice(&payload).ok()?;
    // What is beyond the times that can be written down is as good as their end.
    #[allow(clippy::cast_possible_truncation, reason = "it saturates")]
    Some(Time::from_secs(exp as i64))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "aGVhZA.eyJleHAiOjE3OTU1MDAwMDAsImlhdCI6MX0.c2ln";

    fn review(status: &serde_json::Value) -> Review {
        let answer = json!({ "kind": "TokenReview", "status": status });
        read(answer.to_string().as_bytes(), TOKEN, "portolan").unwrap()
    }

    #[test]
    fn a_good_token_has_a_user_a_node_and_an_end() {
        let user = json!({
            "username": "system:serviceaccount:portolan:sniffer", "uid": "1",
            "groups": ["system:serviceaccounts", "system:authenticated"],
            "extra": { NODE: ["node-1"], "authentication.kubernetes.io/pod-name": ["sniffer-x"] },
        });
        let found =
            review(&json!({ "authenticated": true, "user": user, "audiences": ["portolan"] }));
        let Review::Good(user) = found else {
            panic!("{found:?}")
        };
        assert_eq!(user.name, "system:serviceaccount:portolan:sniffer");
        assert_eq!(user.groups.len(), 2);
        assert_eq!(user.node.as_deref(), Some("node-1"));
        assert_eq!(user.expires, Some(Time::from_secs(1_795_500_000)));
    }

    #[test]
    fn what_is_not_said_to_be_good_for_us_is_bad() {
        let user = json!({ "username": "jane" });
        for status in [
            json!({}),
            json!({ "error": "[invalid bearer token]" }),
            json!({ "user": user, "audiences": ["portolan"] }),
            json!({ "authenticated": true, "user": user }),
            json!({ "authenticated": true, "user": user, "audiences": ["https://kubernetes.default.svc"] }),
            json!({ "authenticated": true, "audiences": ["portolan"] }),
        ] {
            assert!(matches!(review(&status), Review::Bad(_)), "{status}");
        }
        assert!(read(b"<html>", TOKEN, "portolan").is_err());
    }

    #[test]
    fn the_token_is_not_in_what_is_said_of_it() {
        let status = json!({ "error": format!("cannot parse {TOKEN}") });
        assert_eq!(review(&status), Review::Bad("cannot parse …".to_owned()));
    }

    #[test]
    fn a_token_without_a_readable_end_has_none() {
        for token in [
            "",
            "opaque",
            "a.b.c",
            "a.!!.c",
            "a.e30.c",
            "a.eyJleHAiOiJ4In0.c",
        ] {
            assert_eq!(expires(token), None, "{token}");
        }
        // {"exp":1e300}
        assert!(expires("a.eyJleHAiOjFlMzAwfQ.c").is_some_and(|at| at > Time::from_secs(0)));
    }
}
