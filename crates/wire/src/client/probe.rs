//! One look at a mapper, step by step, as the reporter goes: to tell people what is wrong.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderValue;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use super::answer::{Verdict, said, to_report};
use super::body;
use super::connection::{Answer, Connection};
use super::failure::Failure;
use super::limits::CONNECT_TIME;
use super::settings::{Settings, SettingsError};
use super::tls::Trust;
use super::token::Token;
use crate::Known;
use crate::document::ReportKind;
use crate::response;

/// How far a look at a mapper came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// The settings do not fit together.
    Settings,
    /// The name of its host has no address.
    Name,
    /// No address takes a connection.
    Connect,
    /// TLS does not come about: another certificate, another authority, or no TLS at all.
    Tls,
    /// The token cannot be read.
    Token,
    /// It does not answer `health` with `true`.
    Health,
    /// It takes no reports of this sender.
    Report,
}

/// Where a look ended, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct ProbeError {
    /// The step that failed.
    pub step: Step,
    /// What failed, on what.
    pub why: String,
}

/// A mapper that takes reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probed {
    /// What its host's name stands for.
    pub addresses: Vec<SocketAddr>,
    /// Whether over TLS.
    pub is_tls: bool,
    /// Whether there is a token, and whether it was shown.
    pub token: Shown,
    /// The additions of ours that it has no place for.
    pub unknown: Vec<&'static str>,
    /// Whether it is the replaced mapper, which has a place for none of them.
    pub is_replaced: bool,
}

/// What became of the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// There is none.
    None,
    /// It was shown.
    Shown,
    /// It was not: the connection is not encrypted.
    Withheld,
}

/// Asks the mapper for `health`, for the fields that it knows, and whether it takes a report, by one that is empty. Each
/// step has 5 s, or the settings' time-out if that is less.
pub async fn probe(settings: &Settings) -> Result<Probed, ProbeError> {
    let url = &settings.mapper;
    let mut trust = match (&settings.ca_file, url.tls) {
        (Some(path), true) => {
            let trust = Trust::new(path.clone(), &url.host);
            Some(trust.map_err(|error| {
                let error = SettingsError::Tls(format!("{}: {error}", url.host));
                at(Step::Settings, error)
            })?)
        }
        (None, true) => return Err(at(Step::Settings, SettingsError::NoAuthority(url.clone()))),
        (_, false) => None,
    };
    let most = settings.timeout.min(CONNECT_TIME);
    let addresses = within(most, Step::Name, lookup_host((url.host.as_str(), url.port))).await?;
    let addresses: Vec<_> = addresses
        .map_err(|error| at(Step::Name, format!("{}: {error}", url.host)))?
        .collect();
    // By itself first: what fails with TLS then is not the way.
    let connected = TcpStream::connect((url.host.as_str(), url.port));
    let connected = within(most, Step::Connect, connected).await?;
    drop(connected.map_err(|error| at(Step::Connect, error))?);
    let opened = within(most, Step::Tls, Connection::open(url, trust.as_mut())).await?;
    let mut connection = opened.map_err(|error| at(Step::Tls, error))?;

    let token = settings.token_file.clone().filter(|_| url.tls);
    let shown = match (&settings.token_file, &token) {
        (None, _) => Shown::None,
        (Some(_), Some(_)) => Shown::Shown,
        (Some(_), None) => Shown::Withheld,
    };
    let token = match token {
        Some(path) => {
            let header = Token::new(path).header().await;
            Some(header.map_err(|error| at(Step::Token, error))?)
        }
        None => None,
    };
    let mut ask = async |step, body| {
        let answer = post(&mut connection, settings, token.clone(), body);
        let answer = within(most, step, answer).await?;
        answer.map_err(|error| at(step, error))
    };

    let answer = ask(Step::Health, body::health()).await?;
    if answer.status != 200 || response::boolean(&answer.body, "health").ok() != Some(true) {
        return Err(at(Step::Health, said(&answer)));
    }
    let answer = ask(Step::Health, body::known_fields()).await?;
    // What refuses the question is the replaced mapper, or refuses reports too, which is told then.
    let known = Known::read(&answer.body).unwrap_or_default();
    let kind = ReportKind::Captures;
    let answer = ask(Step::Report, body::report(kind, b"")).await?;
    match to_report(kind, &answer) {
        Verdict::Taken => {}
        Verdict::Again { why, .. } | Verdict::Refused { why, .. } | Verdict::Large { why } => {
            return Err(at(Step::Report, why));
        }
    }
    Ok(Probed {
        addresses,
        is_tls: url.tls,
        token: shown,
        unknown: known.missing(),
        is_replaced: known.is_replaced(),
    })
}

async fn post(
    connection: &mut Connection,
    settings: &Settings,
    token: Option<HeaderValue>,
    body: Bytes,
) -> Result<Answer, Failure> {
    connection.post(&settings.mapper, token, body).await
}

async fn within<T>(
    most: Duration,
    step: Step,
    work: impl Future<Output = T>,
) -> Result<T, ProbeError> {
    let late = |_| at(step, format!("it took more than {} s", most.as_secs_f64()));
    timeout(most, work).await.map_err(late)
}

fn at(step: Step, why: impl fmt::Display) -> ProbeError {
    ProbeError {
        step,
        why: why.to_string(),
    }
}
