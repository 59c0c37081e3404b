//! A role's declaration, made to follow the rules for all roles.

use std::any::TypeId;

use clap::builder::StyledStr;
use clap::{Arg, ArgAction, Command};

use super::environment::names;
use super::values::Secret;
use super::{GoDuration, Ignored, Interval, parse_boolean};

/// One setting of the role.
#[derive(Clone, Debug)]
pub(super) struct Key {
    /// Its name in the parsed arguments.
    pub(super) id: String,
    /// Its long flag without the dashes.
    pub(super) flag: String,
    /// The variables that give it, the one that wins first.
    pub(super) variables: Vec<String>,
    /// Whether its value must not be shown.
    pub(super) secret: bool,
    /// Whether a number without a unit counts nanoseconds.
    pub(super) duration: bool,
    /// What is accepted, where the type's own error does not say it.
    pub(super) accepted: Option<&'static str>,
}

/// The role's command line with our rules: truth values as in Go, variables in the help, ignored keys accepted.
pub(super) fn complete(command: Command, ignored: &[&Ignored]) -> (Command, Vec<Key>) {
    let mut keys = Vec::new();
    let command = command.mut_args(|arg| match Key::of(&arg) {
        Some(key) => {
            let arg = in_help(truth_value(arg), &key);
            keys.push(key);
            arg
        }
        None => arg,
    });
    let hidden = |key: &'static str| Arg::new(key).long(key).hide(true).num_args(0..=1);
    let command = command
        .version(crate::VERSION)
        .max_term_width(120)
        .args(ignored.iter().map(|ignored| hidden(ignored.key)))
        .after_help("A flag wins over the environment, PORTOLAN_… over OTTERIZE_…; an empty variable is not set.");
    (command, keys)
}

impl Key {
    fn of(arg: &Arg) -> Option<Self> {
        let flag = arg.get_long()?;
        let kind = |candidates: &[TypeId]| {
            candidates
                .iter()
                .any(|id| arg.get_value_parser().type_id() == *id)
        };
        let mut variables = names(flag);
        variables.extend(
            arg.get_env()
                .map(|name| name.to_string_lossy().into_owned()),
        );
        Some(Self {
            id: arg.get_id().to_string(),
            flag: flag.to_owned(),
            variables,
            secret: kind(&[TypeId::of::<Secret>()]),
            duration: kind(&[TypeId::of::<GoDuration>(), TypeId::of::<Interval>()]),
            accepted: number(kind),
        })
    }
}

/// Standard types of numbers do not say in their errors what they are.
fn number(kind: impl Fn(&[TypeId]) -> bool) -> Option<&'static str> {
    let whole = [
        TypeId::of::<u8>(),
        TypeId::of::<u16>(),
        TypeId::of::<u32>(),
        TypeId::of::<u64>(),
        TypeId::of::<usize>(),
        TypeId::of::<i32>(),
        TypeId::of::<i64>(),
    ];
    if kind(&whole) {
        Some("expected a whole number")
    } else if kind(&[TypeId::of::<f64>()]) {
        Some("expected a number")
    } else {
        None
    }
}

/// A `bool` takes Go's spellings as its value; without one it is true, and absent it is false unless declared true.
fn truth_value(arg: Arg) -> Arg {
    if !matches!(arg.get_action(), ArgAction::SetTrue) {
        return arg;
    }
    let absent = arg.get_default_values().is_empty();
    let arg = arg
        .action(ArgAction::Set)
        .value_parser(parse_boolean)
        .value_name("BOOL")
        .num_args(0..=1)
        .default_missing_value("true");
    if absent {
        arg.default_value("false")
    } else {
        arg
    }
}

/// The variables are ours to read, from the argument that holds the environment, not clap's to read from the process.
fn in_help(arg: Arg, key: &Key) -> Arg {
    let variables = format!(" [env: {}]", key.variables.join(", "));
    let with = |help: &StyledStr| format!("{}{variables}", help.to_string().trim_end());
    let short = arg.get_help().map(with).unwrap_or_default();
    let long = arg.get_long_help().map(with);
    let arg = arg.env(None::<&str>).help(short);
    match long {
        Some(long) => arg.long_help(long),
        None => arg,
    }
}
