//! Pure views of a map: functions from a map and options to text.

mod list;

use map::Map;

/// What a view shows.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Servers outside the cluster too.
    pub external: bool,
    /// Attempts too: connections that were refused or never answered.
    pub attempts: bool,
}

/// The forms of a map. One more is one line here and one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people: who calls whom.
    List,
    /// The whole map, to be read again.
    Json,
}

impl Format {
    /// Every form, with its name.
    pub const ALL: [(&'static str, Self); 2] = [("list", Self::List), ("json", Self::Json)];

    /// The text.
    pub fn render(self, map: &Map, options: Options) -> String {
        match self {
            Self::List => list::render(map, options),
            Self::Json => serde_json::to_string_pretty(map)
                .map(|text| text + "\n")
                .unwrap_or_default(),
        }
    }
}

impl std::str::FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.iter().find(|(name, _)| *name == text);
        found
            .map(|(_, format)| *format)
            .ok_or_else(|| "use list or json".to_owned())
    }
}
