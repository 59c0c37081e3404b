//! The picture for Mermaid, which GitHub, GitLab and many wikis draw.

use std::fmt::{self, Write};

use crate::graph::{ArrowSort, Graph, GroupSort, Limits, Node};
use crate::text::mermaid as quoted;
use crate::theme::LIGHT;

/// What Mermaid draws unless its page is configured otherwise: `maxEdges` is 500, `maxTextSize` 50 000 characters, of
/// which a node and an arrow take some 50 each. Neither can be changed from within a diagram.
pub(crate) const LIMITS: Limits = Limits {
    nodes: 300,
    arrows: 500,
};

pub(crate) fn render(graph: &Graph<'_>) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = document(&mut out, graph);
    out
}

fn document(out: &mut String, graph: &Graph<'_>) -> fmt::Result {
    writeln!(out, "flowchart LR")?;
    if !graph.note.is_empty() {
        let Limits { nodes, arrows } = LIMITS;
        writeln!(
            out,
            "  %% Mermaid draws up to {arrows} edges (maxEdges) and 50 000 characters (maxTextSize): more than {nodes} \
             workloads or {arrows} edges are shown by namespace."
        )?;
        writeln!(out, "  %% {}", graph.note)?;
    }
    let mut nodes = graph.nodes.iter().enumerate().peekable();
    for (g, group) in graph.groups.iter().enumerate() {
        let is_framed = !group.title.is_empty();
        let indent = if is_framed { "    " } else { "  " };
        if is_framed {
            writeln!(out, "  subgraph g{g}[{}]", quoted(&group.title))?;
        }
        while let Some((v, node)) = nodes.next_if(|(_, node)| node.group == g) {
            writeln!(out, "{indent}n{v}[{}]", quoted(&label(node)))?;
        }
        if is_framed {
            writeln!(out, "  end")?;
        }
    }
    for arrow in &graph.arrows {
        let line = match arrow.sort {
            ArrowSort::Attempt | ArrowSort::Assumed => "-.->",
            ArrowSort::Plain => "-->",
            ArrowSort::Http | ArrowSort::Kafka => "==>",
        };
        writeln!(out, "  n{} {line} n{}", arrow.client, arrow.server)?;
    }
    let attempts = graph.arrows.iter().enumerate();
    let attempts: Vec<String> = attempts
        .filter(|(_, arrow)| arrow.sort == ArrowSort::Attempt)
        .map(|(i, _)| i.to_string())
        .collect();
    if !attempts.is_empty() {
        writeln!(
            out,
            "  linkStyle {} stroke:{}",
            attempts.join(","),
            LIGHT.attempt
        )?;
    }
    for (g, group) in graph.groups.iter().enumerate() {
        if group.sort == GroupSort::Outside && !group.title.is_empty() {
            writeln!(out, "  style g{g} stroke-dasharray:5 4")?;
        }
    }
    Ok(())
}

fn label(node: &Node) -> String {
    if node.remark.is_empty() {
        node.name.clone()
    } else {
        format!("{} ({})", node.name, node.remark)
    }
}
