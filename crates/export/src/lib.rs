//! Pure views of a map: functions from a map and options to text.

mod client_intents;
mod list;
mod words;
mod yaml;

pub use client_intents::{ClientIntents, client_intents, join};

use map::Map;

/// What a view shows.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Servers outside the cluster too.
    pub external: bool,
    /// Attempts too: connections that were refused or never answered. Never in ClientIntents, which allow what they
    /// list.
    pub attempts: bool,
    /// In ClientIntents, name the Kubernetes Service that was called, where one is known, instead of the workload.
    pub as_kubernetes_service: bool,
}

/// The forms of a map. One more is one line here and one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people: who calls whom.
    List,
    /// The whole map, to be read again.
    Json,
    /// ClientIntents of the Otterize intents operator, version `v2beta1`, as YAML.
    ClientIntents,
    /// The same as JSON.
    ClientIntentsJson,
    /// ClientIntents, version `v1alpha3`, as YAML.
    ClientIntentsV1,
}

impl Format {
    /// Every form, with its name.
    pub const ALL: [(&'static str, Self); 5] = [
        ("list", Self::List),
        ("json", Self::Json),
        ("clientintents", Self::ClientIntents),
        ("clientintents-json", Self::ClientIntentsJson),
        ("clientintents-v1", Self::ClientIntentsV1),
    ];

    /// The text. It ends with a line's end, unless it is empty.
    pub fn render(self, map: &Map, options: Options) -> String {
        let documents = || client_intents(map, options);
        let text = match self {
            Self::List => list::render(map, options),
            Self::Json => serde_json::to_string_pretty(map).unwrap_or_default(),
            Self::ClientIntents => join(documents().iter().map(ClientIntents::to_yaml)),
            Self::ClientIntentsJson => client_intents::to_json(&documents()),
            Self::ClientIntentsV1 => join(documents().iter().map(ClientIntents::to_yaml_v1alpha3)),
        };
        if text.is_empty() || text.ends_with('\n') {
            text
        } else {
            text + "\n"
        }
    }
}

impl std::str::FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.iter().find(|(name, _)| *name == text);
        found.map(|(_, format)| *format).ok_or_else(|| {
            let names: Vec<&str> = Self::ALL.iter().map(|(name, _)| *name).collect();
            format!("use one of {}", names.join(", "))
        })
    }
}
