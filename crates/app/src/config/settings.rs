//! Where each setting came from.

use std::fmt;

use clap::ArgMatches;
use clap::parser::ValueSource;

use super::command::Key;
use super::environment::{Environment, is_service_link};
use super::values::HIDDEN;

/// A setting as it is in effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// In kebab case, such as `metrics-port`.
    pub key: String,
    /// As it was written; a secret, and a password in an address, is hidden.
    pub value: String,
    /// Who said so.
    pub origin: Origin,
}

/// Who said what a setting is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The command line.
    Flag,
    /// This environment variable.
    Variable(String),
    /// Nobody.
    Default,
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={:?} ", self.key, self.value)?;
        match &self.origin {
            Origin::Flag => write!(f, "(--{})", self.key),
            Origin::Variable(name) => write!(f, "({name})"),
            Origin::Default => f.write_str("(default)"),
        }
    }
}

/// A value from the environment that no flag overrides.
#[derive(Debug)]
pub(super) struct Found<'a> {
    pub(super) key: &'a Key,
    pub(super) variable: &'a str,
    pub(super) value: &'a str,
}

impl Found<'_> {
    /// As if it had been given on the command line.
    pub(super) fn as_flag(&self) -> String {
        format!("--{}={}", self.key.flag, self.value)
    }
}

/// What the environment says about keys that the command line does not give.
pub(super) fn from_environment<'a>(
    keys: &'a [Key],
    given: &[String],
    environment: &'a Environment,
) -> Vec<Found<'a>> {
    let open = keys.iter().filter(|key| !given.contains(&key.flag));
    let found = open.filter_map(|key| {
        let (variable, value) = key.variables.iter().find_map(|name| {
            let (name, value) = environment.first(std::slice::from_ref(name))?;
            (!is_service_link(name, value)).then_some((name, value))
        })?;
        Some(Found {
            key,
            variable,
            value,
        })
    });
    found.collect()
}

/// All settings in the order of their declaration.
pub(super) fn list(keys: &[Key], matches: &ArgMatches, found: &[Found<'_>]) -> Vec<Setting> {
    let setting = |key: &Key| {
        let raw = matches.get_raw(&key.id).into_iter().flatten();
        let value: Vec<_> = raw.map(|value| value.to_string_lossy()).collect();
        let origin = match found.iter().find(|found| found.key.flag == key.flag) {
            Some(found) => Origin::Variable(found.variable.to_owned()),
            None if matches.value_source(&key.id) == Some(ValueSource::CommandLine) => Origin::Flag,
            None => Origin::Default,
        };
        let value = if key.secret && !value.is_empty() {
            HIDDEN.to_owned()
        } else {
            without_password(&value.join(" "))
        };
        Setting {
            key: key.flag.clone(),
            value,
            origin,
        }
    };
    keys.iter().map(setting).collect()
}

/// Hides the user's part of an address such as `https://user:password@host/`.
fn without_password(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else {
        return text.to_owned();
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest[..end].rfind('@') {
        Some(at) => format!("{scheme}://{HIDDEN}{}", &rest[at..]),
        None => text.to_owned(),
    }
}
