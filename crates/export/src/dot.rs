//! The picture for Graphviz: `dot -Tsvg`. Namespaces are clusters, names are quoted (the DOT language, "ID").

use std::fmt::{self, Write};

use crate::graph::{ArrowSort, Graph, GroupSort, Node};
use crate::text::dot as quoted;
use crate::theme::LIGHT;

pub(crate) fn render(graph: &Graph<'_>) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = document(&mut out, graph);
    out
}

fn document(out: &mut String, graph: &Graph<'_>) -> fmt::Result {
    let (frame, line, card) = (LIGHT.frame, LIGHT.frame_line, LIGHT.card);
    writeln!(out, "digraph map {{")?;
    writeln!(out, "  rankdir=LR;")?;
    writeln!(
        out,
        "  graph [fontname=\"Inter,Helvetica,Arial,sans-serif\", fontsize=13, nodesep=0.18, ranksep=0.9];"
    )?;
    writeln!(
        out,
        "  node [shape=box, style=\"rounded,filled\", fillcolor=\"{card}\", fontname=\"Inter,Helvetica,Arial,sans-serif\", \
         fontsize=12, height=0.36, margin=\"0.16,0.06\"];"
    )?;
    writeln!(out, "  edge [arrowsize=0.7];")?;
    let mut nodes = graph.nodes.iter().enumerate().peekable();
    for (g, group) in graph.groups.iter().enumerate() {
        let is_framed = !group.title.is_empty();
        let indent = if is_framed { "    " } else { "  " };
        if is_framed {
            let style = match group.sort {
                GroupSort::Outside => "rounded,dashed",
                _ => "rounded,filled",
            };
            writeln!(out, "  subgraph cluster_{g} {{")?;
            writeln!(
                out,
                "    label={}; labeljust=l; style=\"{style}\"; color=\"{line}\"; fillcolor=\"{frame}\"; fontcolor=\"{}\";",
                quoted(&group.title, true),
                hue(g),
            )?;
        }
        while let Some((v, node)) = nodes.next_if(|(_, node)| node.group == g) {
            writeln!(
                out,
                "{indent}{} [label={}, tooltip={}, color=\"{}\"{}];",
                id(graph, v),
                quoted(&label(node), true),
                quoted(&node.about, true),
                hue(g),
                if node.is_only_tried {
                    ", style=\"rounded,dashed\""
                } else {
                    ""
                },
            )?;
        }
        if is_framed {
            writeln!(out, "  }}")?;
        }
    }
    for arrow in &graph.arrows {
        let about = |v: usize| graph.nodes[v].about.lines().next().unwrap_or_default();
        let about = arrow.about(about(arrow.client), about(arrow.server));
        let (style, colour) = match arrow.sort {
            ArrowSort::Attempt => ("dashed", LIGHT.attempt),
            ArrowSort::Assumed => ("dotted", hue(graph.nodes[arrow.client].group)),
            ArrowSort::Plain => ("solid", hue(graph.nodes[arrow.client].group)),
            ArrowSort::Http | ArrowSort::Kafka => ("bold", hue(graph.nodes[arrow.client].group)),
        };
        writeln!(
            out,
            "  {} -> {} [style={style}, color=\"{colour}\", edgetooltip={}];",
            id(graph, arrow.client),
            id(graph, arrow.server),
            quoted(&about, true),
        )?;
    }
    writeln!(out, "}}")
}

fn hue(group: usize) -> &'static str {
    LIGHT.hues[group % LIGHT.hues.len()]
}

fn label(node: &Node) -> String {
    if node.remark.is_empty() {
        node.name.clone()
    } else {
        format!("{} ({})", node.name, node.remark)
    }
}

/// `name.namespace`, and a number where another node has that too.
fn id(graph: &Graph<'_>, v: usize) -> String {
    let node = &graph.nodes[v];
    let name = node.about.lines().next().unwrap_or_default();
    let twins = |w: &usize| graph.nodes[*w].about.lines().next() == Some(name);
    // Twins stand beside each other: nodes are sorted by group and name.
    let earlier = (0..v).rev().take_while(twins).count();
    if earlier == 0 && !(v + 1..graph.nodes.len()).take(1).any(|w| twins(&w)) {
        quoted(name, false)
    } else {
        quoted(&format!("{name} {}", node.remark), false)
    }
}
