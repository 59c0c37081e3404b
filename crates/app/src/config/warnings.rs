//! What is accepted, and should be known to the operator.

use std::collections::BTreeMap;

use super::Ignored;
use super::command::Key;
use super::duration::{GoDuration, is_bare};
use super::environment::{Environment, OURS, is_service_link, names, upper};
use super::settings::{Origin, Setting};

/// One warning for all keys that do nothing any more, grouped by the reason.
pub(super) fn ignored(
    ignored: &[&Ignored],
    given: &[String],
    environment: &Environment,
) -> Option<String> {
    let mut reasons: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for Ignored { key, why } in ignored {
        let variables = names(key);
        let variable = environment
            .first(&variables)
            .map(|(name, _)| name.to_owned());
        let flag = given
            .iter()
            .any(|flag| flag == key)
            .then(|| format!("--{key}"));
        if let Some(name) = flag.or(variable) {
            reasons.entry(why).or_default().push(name);
        }
    }
    let groups: Vec<_> = reasons
        .iter()
        .map(|(why, names)| format!("{} ({why})", names.join(", ")))
        .collect();
    (!groups.is_empty()).then(|| format!("accepted without effect: {}", groups.join("; ")))
}

/// Keys whose variable holds what Kubernetes says about a Service of that name.
pub(super) fn links(keys: &[Key], environment: &Environment) -> Vec<String> {
    let variables = keys.iter().flat_map(|key| &key.variables);
    let links = variables.filter_map(|name| {
        let (name, value) = environment.first(std::slice::from_ref(name))?;
        let text = || format!("{name} is not read: Kubernetes set it for a Service of that name (enableServiceLinks)");
        is_service_link(name, value).then(text)
    });
    links.collect()
}

/// Variables with our prefix that are no key of this role, most likely typing mistakes. With the old prefix they are
/// passed over as they always were: one manifest served all processes.
pub(super) fn unknown(
    keys: &[Key],
    ignored: &[&Ignored],
    environment: &Environment,
) -> Vec<String> {
    let known = |name: &str| {
        keys.iter()
            .any(|key| key.variables.iter().any(|variable| variable == name))
            || ignored
                .iter()
                .any(|ignored| name.strip_prefix(OURS) == Some(&upper(ignored.key)))
    };
    let strange = environment
        .ours()
        .filter(|(name, value)| !known(name) && !is_service_link(name, value));
    strange
        .map(|(name, _)| format!("{name} is no setting of this process (see --help)"))
        .collect()
}

/// Durations without a unit, which count nanoseconds.
pub(super) fn bare_durations(keys: &[Key], settings: &[Setting]) -> Vec<String> {
    let durations = keys
        .iter()
        .zip(settings)
        .filter(|(key, setting)| key.duration && is_bare(&setting.value));
    let warning = |(_, setting): (&Key, &Setting)| {
        let name = match &setting.origin {
            Origin::Variable(name) => name.clone(),
            Origin::Flag | Origin::Default => format!("--{}", setting.key),
        };
        let value = &setting.value;
        let duration: GoDuration = value.parse().ok()?;
        Some(format!(
            "{name}: {value:?} has no unit and counts nanoseconds: {duration}"
        ))
    };
    durations.filter_map(warning).collect()
}
