//! Pure views of a map: functions from a map and options to text, or to the bytes of a picture.

pub mod drawing;

mod client_intents;
mod dot;
mod font;
mod graph;
mod html;
mod layout;
mod list;
mod mermaid;
#[cfg(feature = "pictures")]
mod raster;
mod svg;
mod text;
mod theme;
mod words;
mod yaml;

pub use client_intents::{ClientIntents, client_intents, join, to_json};
pub use graph::ArrowSort;

use drawing::Drawing;
use graph::{Graph, Limits};

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
    /// A picture, for browsers and documents.
    Svg,
    /// A picture as pixels.
    #[cfg(feature = "pictures")]
    Png,
    /// The same, smaller and less sharp.
    #[cfg(feature = "pictures")]
    Jpg,
    /// A page with the picture, to search and to look at edges one by one.
    Html,
    /// For Graphviz.
    Dot,
    /// For Mermaid, in Markdown.
    Mermaid,
}

/// How many forms need the feature `pictures`.
const PICTURES: usize = if cfg!(feature = "pictures") { 2 } else { 0 };

impl Format {
    /// Every form, with its name.
    pub const ALL: [(&'static str, Self); 9 + PICTURES] = [
        ("list", Self::List),
        ("json", Self::Json),
        ("clientintents", Self::ClientIntents),
        ("clientintents-json", Self::ClientIntentsJson),
        ("clientintents-v1", Self::ClientIntentsV1),
        ("svg", Self::Svg),
        #[cfg(feature = "pictures")]
        ("png", Self::Png),
        #[cfg(feature = "pictures")]
        ("jpg", Self::Jpg),
        ("html", Self::Html),
        ("dot", Self::Dot),
        ("mermaid", Self::Mermaid),
    ];

    /// Whether it is bytes that no terminal should get.
    pub const fn is_binary(self) -> bool {
        match self {
            #[cfg(feature = "pictures")]
            Self::Png | Self::Jpg => true,
            _ => false,
        }
    }

    /// The bytes. Text is UTF-8 and ends with a line's end, unless it is empty.
    pub fn render(self, map: &Map, options: Options) -> Vec<u8> {
        let documents = || client_intents(map, options);
        let text = match self {
            Self::List => list::render(map, options),
            Self::Json => serde_json::to_string_pretty(map).unwrap_or_default(),
            Self::ClientIntents => join(documents().iter().map(ClientIntents::to_yaml)),
            Self::ClientIntentsJson => to_json(&documents()),
            Self::ClientIntentsV1 => join(documents().iter().map(ClientIntents::to_yaml_v1alpha3)),
            Self::Svg => svg::render(&draw(map, options)),
            #[cfg(feature = "pictures")]
            Self::Png => return raster::png(&draw(map, options)),
            #[cfg(feature = "pictures")]
            Self::Jpg => return raster::jpeg(&draw(map, options)),
            Self::Html => html::render(&Graph::new(map, options, layout::LIMITS)),
            Self::Dot => dot::render(&Graph::new(map, options, Limits::NONE)),
            Self::Mermaid => mermaid::render(&Graph::new(map, options, mermaid::LIMITS)),
        };
        let mut bytes = text.into_bytes();
        if bytes.last().is_some_and(|last| *last != b'\n') {
            bytes.push(b'\n');
        }
        bytes
    }
}

/// The picture of a map, laid out. Beyond 1 500 workloads or 5 000 edges, namespaces stand for their workloads.
pub fn draw(map: &Map, options: Options) -> Drawing {
    layout::draw(&Graph::new(map, options, layout::LIMITS))
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
