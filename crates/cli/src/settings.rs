//! Values of flags that were not typed: from the environment, as `PORTOLAN_<FLAG>` or `OTTERIZE_<FLAG>`, then from a YAML
//! file. An empty variable counts as none.

use std::collections::BTreeMap;
use std::path::Path;

use clap::{Arg, ArgAction, Command};
use serde_json::Value;

use crate::failure::Failure;

/// The prefixes of variables; the first counts.
const PREFIXES: [&str; 2] = ["PORTOLAN_", "OTTERIZE_"];

/// What the environment and the file say.
#[derive(Debug, Default)]
pub(crate) struct Settings {
    environment: BTreeMap<String, String>,
    file: BTreeMap<String, Value>,
}

impl Settings {
    /// From the variables of this process.
    pub(crate) fn of_process() -> Self {
        let all = std::env::vars_os();
        Self::new(
            all.filter_map(|(key, value)| {
                Some((key.into_string().ok()?, value.into_string().ok()?))
            }),
        )
    }

    /// From these variables, and nothing else.
    pub(crate) fn new(environment: impl Iterator<Item = (String, String)>) -> Self {
        let ours = environment.filter(|(key, value)| {
            !value.is_empty() && PREFIXES.iter().any(|prefix| key.starts_with(prefix))
        });
        Self {
            environment: ours.collect(),
            file: BTreeMap::new(),
        }
    }

    /// From the file too; `text` is what it holds.
    pub(crate) fn with_file(mut self, path: &Path, text: &str) -> Result<Self, Failure> {
        let unusable = |why: String| {
            Failure::input(path, why).with_remedy("lines like `mapper-namespace: my-namespace`")
        };
        if text.trim().is_empty() {
            return Ok(self);
        }
        let all: Value = serde_saphyr::from_str(text)
            .map_err(|error| unusable(format!("is no YAML: {error}")))?;
        match all {
            Value::Null => {}
            Value::Object(all) => {
                let lower = all.into_iter();
                self.file = lower
                    .map(|(key, value)| (key.to_lowercase(), value))
                    .collect();
            }
            _ => return Err(unusable("holds no keys".to_owned())),
        }
        Ok(self)
    }

    /// A single value.
    pub(crate) fn value(&self, flag: &str) -> Option<String> {
        self.variable(flag).or_else(|| match self.file.get(flag)? {
            Value::Null | Value::Object(_) | Value::Array(_) => None,
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        })
    }

    /// A list: in the environment, and in a text of the file, split at white space.
    pub(crate) fn list(&self, flag: &str) -> Vec<String> {
        let split = |text: &str| text.split_whitespace().map(str::to_owned).collect();
        if let Some(text) = self.variable(flag) {
            return split(&text);
        }
        match self.file.get(flag) {
            Some(Value::String(text)) => split(text),
            Some(Value::Array(items)) => {
                let texts = items.iter().map(|item| match item {
                    Value::String(text) => text.clone(),
                    other => other.to_string(),
                });
                texts.collect()
            }
            _ => Vec::new(),
        }
    }

    /// The items that were typed, split at commas, else those that are set.
    pub(crate) fn typed_or_set(&self, flag: &str, typed: &[String]) -> Vec<String> {
        if typed.is_empty() {
            return self.list(flag);
        }
        let items = typed.iter().flat_map(|text| text.split(','));
        items
            .filter(|item| !item.is_empty())
            .map(str::to_owned)
            .collect()
    }

    fn variable(&self, flag: &str) -> Option<String> {
        let key = flag.replace('-', "_").to_uppercase();
        PREFIXES
            .iter()
            .find_map(|prefix| self.environment.get(&format!("{prefix}{key}")).cloned())
    }

    /// The same command, where flags that are `wanted` have what is set as their default. Lists are asked for by
    /// [`typed_or_set`](Self::typed_or_set), and what must be typed stays so.
    pub(crate) fn fill(&self, command: Command, wanted: &dyn Fn(&str) -> bool) -> Command {
        let names: Vec<String> = { command.get_subcommands() }
            .map(|inner| inner.get_name().to_owned())
            .collect();
        let filled = command.mut_args(|arg| self.fill_one(arg, wanted));
        names.into_iter().fold(filled, |command, name| {
            command.mut_subcommand(name, |inner| self.fill(inner, wanted))
        })
    }

    fn fill_one(&self, arg: Arg, wanted: &dyn Fn(&str) -> bool) -> Arg {
        let takes_one = matches!(arg.get_action(), ArgAction::Set) && !arg.is_required_set();
        let set = { arg.get_long() }
            .filter(|flag| takes_one && wanted(flag))
            .and_then(|flag| self.value(flag));
        match set {
            // For as long as the process: the parser keeps defaults without owning them.
            Some(value) => arg.default_value(&*value.leak()),
            None => arg,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(variables: &[(&str, &str)], file: &str) -> Settings {
        let variables = variables.iter();
        Settings::new(variables.map(|(key, value)| ((*key).to_owned(), (*value).to_owned())))
            .with_file(Path::new("config"), file)
            .unwrap()
    }

    #[test]
    fn ours_before_old_before_file() {
        let file = "Mapper-Namespace: c\nmapper-service-port: 9091\n";
        let both = [
            ("PORTOLAN_MAPPER_NAMESPACE", "a"),
            ("OTTERIZE_MAPPER_NAMESPACE", "b"),
        ];
        let value =
            |variables: &[(&str, &str)]| settings(variables, file).value("mapper-namespace");
        assert_eq!(value(&both).as_deref(), Some("a"));
        assert_eq!(value(&both[1..]).as_deref(), Some("b"));
        assert_eq!(
            value(&[("PORTOLAN_MAPPER_NAMESPACE", "")]).as_deref(),
            Some("c")
        );
        let port = settings(&[], file).value("mapper-service-port");
        assert_eq!(port.as_deref(), Some("9091"));
    }

    #[test]
    fn lists_split_at_commas_when_typed_and_at_white_space_when_set() {
        let set = settings(&[("OTTERIZE_NAMESPACES", "a,b c")], "");
        assert_eq!(set.typed_or_set("namespaces", &[]), ["a,b", "c"]);
        let typed = ["x,y".to_owned(), "z".to_owned()];
        assert_eq!(set.typed_or_set("namespaces", &typed), ["x", "y", "z"]);
        let file = settings(&[], "namespaces: [a, 'b c', 3]");
        assert_eq!(file.list("namespaces"), ["a", "b c", "3"]);
    }

    #[test]
    fn a_file_that_is_none_is_named() {
        for text in ["- a\n", "a: [", "3"] {
            let failure = Settings::default().with_file(Path::new("my-config"), text);
            let failure = failure.unwrap_err().to_string();
            assert!(failure.starts_with("my-config: "), "{failure}");
        }
    }
}
