//! The map as one page: the picture, a search, and a table of edges. It loads nothing and sends nothing.
//!
//! Names in a cluster may be anybody's text. They are in the page as escaped text or as JSON, which the script puts
//! into the page as text only; and the policy of the page lets no script run but the one with the known hash.

use serde::Serialize;

use crate::graph::{Graph, GroupSort, when, words_of};
use crate::text::{json_in_html, xml};
use crate::{layout, svg};

const SCRIPT: &str = include_str!("page.js");
const STYLE: &str = include_str!("page.css");

/// SHA-256 of [`SCRIPT`] in base64 (Content Security Policy Level 3, 2.3.1 `hash-source`); a test keeps it right.
const SCRIPT_HASH: &str = "sha256-YyJdA6fNwqzIWjuXpvvPPVwTeRGJR6DxqM65Ie2MJ6c=";
/// The same of the page's style and that of the picture behind it.
const STYLE_HASH: &str = "sha256-Vs9slDdyqg23/9gpu9X2X9Ho/OJty3TSFQiZB+QEeJo=";

#[derive(Serialize)]
struct Data<'a> {
    nodes: Vec<Node<'a>>,
    /// Client and server of each line of the picture, in its order.
    arrows: Vec<(usize, usize)>,
    rows: Vec<Row>,
}

#[derive(Serialize)]
struct Node<'a> {
    group: usize,
    about: &'a str,
}

#[derive(Serialize)]
struct Row {
    arrow: usize,
    cells: [String; COLUMNS.len()],
}

const COLUMNS: [&str; 7] = [
    "Client",
    "Server",
    "Ports",
    "Known of it",
    "Evidence",
    "First seen",
    "Last seen",
];

pub(crate) fn render(graph: &Graph<'_>) -> String {
    let picture = svg::element(&layout::draw(graph));
    let json = json_in_html(&serde_json::to_string(&data(graph)).unwrap_or_default());
    let style = style();
    let namespaces = graph.groups.iter().enumerate();
    let namespaces: Vec<String> = namespaces
        .filter(|(_, group)| group.sort == GroupSort::Namespace && !group.title.is_empty())
        .map(|(g, group)| format!("<option value=\"{g}\">{}</option>", xml(&group.title)))
        .collect();
    let namespaces = namespaces.concat();
    let columns = COLUMNS
        .map(|column| format!("<th scope=\"col\"><button type=\"button\">{column}</button></th>"));
    let columns = columns.concat();
    format!(
        r#"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src '{SCRIPT_HASH}'; style-src '{STYLE_HASH}'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>Map of who calls whom</title>
<style>{style}</style>
</head>
<body>
<header>
<h1>Map</h1>
<input id="search" type="search" placeholder="Search workloads ( / )" aria-label="Search workloads" autocomplete="off" spellcheck="false">
<select id="namespace" aria-label="Namespace"><option value="">all namespaces</option>{namespaces}</select>
<button id="out" type="button" aria-label="Zoom out" title="Zoom out ( - )">−</button>
<button id="in" type="button" aria-label="Zoom in" title="Zoom in ( + )">+</button>
<button id="fit" type="button" title="Show all of it ( 0 )">Fit</button>
<button id="clear" type="button" title="Show everything again ( Esc )">Clear</button>
<span id="said" role="status"></span>
</header>
<div id="view">
{picture}</div>
<div id="edges" tabindex="0" aria-label="Edges">
<table><thead><tr>{columns}</tr></thead><tbody></tbody></table>
<button id="more" type="button" hidden></button>
<noscript>The table of edges needs this page's own script.</noscript>
</div>
<script type="application/json" id="data">{json}</script>
<script>{SCRIPT}</script>
</body>
</html>
"#
    )
}

fn style() -> String {
    format!("{STYLE}{}", svg::style())
}

fn data<'a>(graph: &'a Graph<'_>) -> Data<'a> {
    let nodes = graph.nodes.iter().map(|node| Node {
        group: node.group,
        about: &node.about,
    });
    let mut rows = Vec::new();
    for (arrow, drawn) in graph.arrows.iter().enumerate() {
        for (key, edge, is_attempt) in &drawn.edges {
            let words = words_of(edge, *is_attempt);
            rows.push(Row {
                arrow,
                cells: [
                    key.client.to_string(),
                    key.server.to_string(),
                    words.ports,
                    words.details.join("\n"),
                    words.evidence,
                    when(edge.seen.first()),
                    when(edge.seen.last()),
                ],
            });
        }
    }
    Data {
        nodes: nodes.collect(),
        arrows: graph
            .arrows
            .iter()
            .map(|arrow| (arrow.client, arrow.server))
            .collect(),
        rows,
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    fn hash(text: &str) -> String {
        let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
        format!("sha256-{}", STANDARD.encode(digest))
    }

    /// Else no browser would run the script: put in what this test prints.
    #[test]
    fn the_policy_names_the_script_and_the_style() {
        assert_eq!(SCRIPT_HASH, hash(SCRIPT));
        assert_eq!(STYLE_HASH, hash(&style()));
    }
}
