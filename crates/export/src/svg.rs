//! The picture as SVG 1.1, for browsers, documents and editors: nothing is loaded from anywhere.
//!
//! Every node has `name.namespace` in its title, every arrow what is known of it. Colours are classes, so that a dark
//! screen gets dark colours; a reader that does not know about screens takes the light ones.

use std::fmt::{self, Write};

use crate::drawing::{
    CORNER, Card, Drawing, Frame, HUES, Path, Point, SMALL_TEXT_SIZE, Segment, TEXT_SIZE,
};
use crate::font::{self, CAP_HEIGHT, Weight};
use crate::graph::ArrowSort;
use crate::layout::SAMPLE_WIDTH;
use crate::text::xml;
use crate::theme::{DARK, HEAD, LIGHT, Theme, stroke};

/// Fonts that look alike, where the first is not installed.
const FONTS: &str = "Inter,\"Inter Variable\",system-ui,-apple-system,\"Segoe UI\",Roboto,\"DejaVu Sans\",sans-serif";

/// A document of its own.
pub(crate) fn render(drawing: &Drawing) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = document(&mut out, drawing, Some(&style()));
    out
}

/// An element of a page that has the [`style`].
pub(crate) fn element(drawing: &Drawing) -> String {
    let mut out = String::new();
    let _ = document(&mut out, drawing, None);
    out
}

/// The rules of the classes: always the same text.
pub(crate) fn style() -> String {
    let mut out = String::new();
    let _ = rules(&mut out);
    out
}

fn rules(out: &mut String) -> fmt::Result {
    write!(
        out,
        "svg text{{font-family:{FONTS};font-size:{TEXT_SIZE}px;font-weight:500}}"
    )?;
    write!(
        out,
        "svg .s{{font-size:{SMALL_TEXT_SIZE}px}}svg .b{{font-weight:600}}"
    )?;
    write!(
        out,
        ".a{{fill:none}}.g rect{{stroke-width:1}}.n rect{{stroke-width:1.3}}.o rect,.t rect{{stroke-dasharray:5 4}}"
    )?;
    write!(out, ".a:hover{{stroke-width:3.5}}")?;
    for (sort, _) in ArrowSort::ALL {
        let (width, dashes) = stroke(sort);
        write!(out, ".{}{{stroke-width:{width}", sort.as_str())?;
        if !dashes.is_empty() {
            let dashes: Vec<String> = dashes.iter().map(ToString::to_string).collect();
            write!(out, ";stroke-dasharray:{}", dashes.join(" "))?;
        }
        out.push('}');
    }
    colours(out, &LIGHT)?;
    out.push_str("@media (prefers-color-scheme:dark){");
    colours(out, &DARK)?;
    out.push('}');
    Ok(())
}

fn colours(out: &mut String, theme: &Theme) -> fmt::Result {
    let Theme {
        ground,
        frame,
        frame_line,
        card,
        text,
        remark,
        attempt,
        hues,
    } = theme;
    write!(
        out,
        ".ground{{fill:{ground}}}svg text{{fill:{text}}}svg .s{{fill:{remark}}}"
    )?;
    write!(
        out,
        ".g rect{{fill:{frame};stroke:{frame_line}}}.n rect{{fill:{card}}}"
    )?;
    for (i, hue) in hues.iter().enumerate() {
        write!(out, ".h{i}{{stroke:{hue}}}svg .f{i}{{fill:{hue}}}")?;
    }
    write!(
        out,
        ".a.attempt{{stroke:{attempt}}}svg .fa{{fill:{attempt}}}"
    )
}

fn document(out: &mut String, drawing: &Drawing, style: Option<&str>) -> fmt::Result {
    let (width, height) = (Short(drawing.width), Short(drawing.height));
    write!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"Map of who calls whom\">"
    )?;
    if let Some(style) = style {
        write!(out, "<style>{style}</style>")?;
    }
    heads(out)?;
    write!(
        out,
        "<rect class=\"ground\" width=\"{width}\" height=\"{height}\"/>"
    )?;
    for group in drawing
        .groups
        .iter()
        .filter(|group| !group.title.is_empty())
    {
        frame(out, group)?;
    }
    for arrow in &drawing.arrows {
        line(out, arrow)?;
    }
    for node in &drawing.nodes {
        let hue = drawing.groups.get(node.group).map_or(0, |group| group.hue);
        card(out, node, hue)?;
    }
    for (at, sort, words) in &drawing.legend {
        let head = if *sort == ArrowSort::Attempt {
            "a"
        } else {
            "0"
        };
        write!(
            out,
            "\n<path class=\"a h0 {}\" marker-end=\"url(#m{head})\" d=\"M{} {}h{SAMPLE_WIDTH}\"/>",
            sort.as_str(),
            Short(at.x),
            Short(at.y - SMALL_TEXT_SIZE * CAP_HEIGHT / 2.0),
        )?;
        let at = Point {
            x: at.x + SAMPLE_WIDTH + 8.0,
            y: at.y,
        };
        text(out, words, at, "s", SMALL_TEXT_SIZE, Weight::Medium)?;
    }
    for (at, note) in &drawing.notes {
        out.push('\n');
        text(out, note, *at, "s", SMALL_TEXT_SIZE, Weight::Medium)?;
    }
    out.push_str("\n</svg>\n");
    Ok(())
}

/// The heads of arrows: one of each colour.
fn heads(out: &mut String) -> fmt::Result {
    let (long, wide) = HEAD;
    let names = (0..HUES).map(|hue| hue.to_string()).chain(["a".to_owned()]);
    out.push_str("<defs>");
    for name in names {
        write!(
            out,
            "<marker id=\"m{name}\" markerUnits=\"userSpaceOnUse\" markerWidth=\"{long}\" markerHeight=\"{wide}\" \
             refX=\"{long}\" refY=\"{half}\" orient=\"auto\"><path class=\"f{name}\" d=\"M0 0L{long} {half} 0 {wide}z\"/>\
             </marker>",
            half = wide / 2.0,
        )?;
    }
    out.push_str("</defs>");
    Ok(())
}

fn frame(out: &mut String, group: &Frame) -> fmt::Result {
    let rect = group.rect;
    let outside = if group.is_outside { " o" } else { "" };
    write!(
        out,
        "\n<g class=\"g{outside}\"><title>{}</title>",
        xml(&group.about)
    )?;
    rectangle(out, &rect, CORNER, None)?;
    let at = Point {
        x: rect.x + 16.0,
        y: rect.y + 22.0,
    };
    let class = format!("b f{}", group.hue);
    text(out, &group.title, at, &class, TEXT_SIZE, Weight::SemiBold)?;
    out.push_str("</g>");
    Ok(())
}

fn rectangle(
    out: &mut String,
    rect: &crate::drawing::Rect,
    corner: f64,
    hue: Option<usize>,
) -> fmt::Result {
    let class = hue
        .map(|hue| format!(" class=\"h{hue}\""))
        .unwrap_or_default();
    write!(
        out,
        "<rect{class} x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"{corner}\"/>",
        Short(rect.x),
        Short(rect.y),
        Short(rect.width),
        Short(rect.height),
    )
}

fn card(out: &mut String, node: &Card, hue: usize) -> fmt::Result {
    let tried = if node.is_only_tried { " t" } else { "" };
    write!(
        out,
        "\n<g class=\"n{tried}\"><title>{}</title>",
        xml(&node.about)
    )?;
    rectangle(out, &node.rect, CORNER / 2.0, Some(hue))?;
    let x = node.rect.x + Card::TEXT_X;
    let baseline = |size: f64| node.rect.middle() + size * CAP_HEIGHT / 2.0;
    let y = baseline(TEXT_SIZE);
    text(
        out,
        &node.name,
        Point { x, y },
        "",
        TEXT_SIZE,
        Weight::Medium,
    )?;
    if !node.remark.is_empty() {
        let x = x + font::width(&node.name, TEXT_SIZE, Weight::Medium) + Card::REMARK_GAP;
        text(
            out,
            &node.remark,
            Point { x, y },
            "s",
            SMALL_TEXT_SIZE,
            Weight::Medium,
        )?;
    }
    out.push_str("</g>");
    Ok(())
}

/// A text that is as wide as it was measured, whatever font the reader has.
fn text(
    out: &mut String,
    words: &str,
    at: Point,
    class: &str,
    size: f64,
    weight: Weight,
) -> fmt::Result {
    let class = match class {
        "" => String::new(),
        class => format!(" class=\"{class}\""),
    };
    write!(
        out,
        "<text{class} x=\"{}\" y=\"{}\" textLength=\"{}\" lengthAdjust=\"spacingAndGlyphs\">{}</text>",
        Short(at.x),
        Short(at.y),
        Short(font::width(words, size, weight)),
        xml(words),
    )
}

fn line(out: &mut String, arrow: &Path) -> fmt::Result {
    let sort = arrow.sort.as_str();
    let head = match arrow.sort {
        ArrowSort::Attempt => "a".to_owned(),
        _ => arrow.hue.to_string(),
    };
    write!(
        out,
        "\n<path class=\"a h{} {sort}\" marker-end=\"url(#m{head})\" d=\"M{} {}",
        arrow.hue,
        Short(arrow.start.x),
        Short(arrow.start.y),
    )?;
    for segment in &arrow.segments {
        match segment {
            Segment::Line(to) => write!(out, "L{} {}", Short(to.x), Short(to.y))?,
            Segment::Curve(a, b, to) => write!(
                out,
                "C{} {} {} {} {} {}",
                Short(a.x),
                Short(a.y),
                Short(b.x),
                Short(b.y),
                Short(to.x),
                Short(to.y)
            )?,
        }
    }
    write!(out, "\"><title>{}</title></path>", xml(&arrow.about))
}

/// A length with one decimal, and none where it is zero.
struct Short(f64);

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths = (self.0 * 10.0).round();
        // `-0` is zero.
        write!(f, "{}", tenths / 10.0 + 0.0)
    }
}
