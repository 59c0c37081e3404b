//! The picture as pixels: PNG and JPEG, in the light colours, with the font that it was measured with.

mod png;

use tiny_skia::{
    Color, FillRule, LineCap, Paint, PathBuilder, Pixmap, Stroke, StrokeDash, Transform,
};
use ttf_parser::{Face, OutlineBuilder};

use crate::drawing::{
    CORNER, Card, Drawing, Path, Point, Rect, SMALL_TEXT_SIZE, Segment, TEXT_SIZE,
};
use crate::font::{self, CAP_HEIGHT, UNITS_PER_EM, Weight};
use crate::graph::ArrowSort;
use crate::layout::SAMPLE_WIDTH;
use crate::text;
use crate::theme::{HEAD, LIGHT, stroke};

/// Pixels of a side at most: programs and wikis refuse larger pictures.
pub(crate) const MAX_SIDE: f64 = 16_000.0;
/// Pixels at most: 256 MB of memory while it is drawn.
const MAX_PIXELS: f64 = 64e6;
/// Up to this many pixels there are two for each pixel of the layout, for sharp text on fine screens.
const FINE_PIXELS: f64 = 16e6;
/// As the replaced tool had it.
const JPEG_QUALITY: u8 = 75;

const MEDIUM: &[u8] = include_bytes!("../../fonts/Inter-Medium.ttf");
const SEMI_BOLD: &[u8] = include_bytes!("../../fonts/Inter-SemiBold.ttf");

/// PNG. Empty only if there is no memory for the pixels.
pub(crate) fn png(drawing: &Drawing) -> Vec<u8> {
    let Some((width, height, pixels)) = rgb(drawing) else {
        return Vec::new();
    };
    png::encode(width, height, &pixels)
}

/// JPEG. Empty only if there is no memory for the pixels.
pub(crate) fn jpeg(drawing: &Drawing) -> Vec<u8> {
    let Some((width, height, pixels)) = rgb(drawing) else {
        return Vec::new();
    };
    let mut out = Vec::new();
    let encoder = jpeg_encoder::Encoder::new(&mut out, JPEG_QUALITY);
    let side = |n: u32| u16::try_from(n).unwrap_or(u16::MAX);
    let color = jpeg_encoder::ColorType::Rgb;
    if encoder
        .encode(&pixels, side(width), side(height), color)
        .is_err()
    {
        out.clear();
    }
    out
}

/// Pixels for a pixel of the layout.
pub(crate) fn scale(width: f64, height: f64) -> f64 {
    let area = width * height;
    (FINE_PIXELS / area)
        .sqrt()
        .clamp(1.0, 2.0)
        .min(MAX_SIDE / width)
        .min(MAX_SIDE / height)
        .min((MAX_PIXELS / area).sqrt())
}

/// Width, height, and three bytes a pixel.
fn rgb(drawing: &Drawing) -> Option<(u32, u32, Vec<u8>)> {
    let scale = scale(drawing.width, drawing.height);
    // Sides are between 1 and 16 000.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "see above"
    )]
    let side = |length: f64| (length * scale).round().clamp(1.0, MAX_SIDE) as u32;
    let (width, height) = (side(drawing.width), side(drawing.height));
    let mut canvas = Canvas {
        pixmap: Pixmap::new(width, height)?,
        transform: Transform::from_scale(narrow(scale), narrow(scale)),
        medium: Face::parse(MEDIUM, 0).ok()?,
        semi_bold: Face::parse(SEMI_BOLD, 0).ok()?,
    };
    canvas.pixmap.fill(colour(LIGHT.ground));
    canvas.draw(drawing);
    let pixels = canvas.pixmap.data().chunks_exact(4);
    let pixels = pixels
        .flat_map(|pixel| [pixel[0], pixel[1], pixel[2]])
        .collect();
    Some((width, height, pixels))
}

/// Pixels are counted in single precision.
#[allow(clippy::cast_possible_truncation, reason = "see above")]
const fn narrow(length: f64) -> f32 {
    length as f32
}

/// From `#rrggbb`.
fn colour(text: &str) -> Color {
    let part = |at: usize| {
        let digits = text.get(at..at + 2).unwrap_or_default();
        u8::from_str_radix(digits, 16).unwrap_or_default()
    };
    Color::from_rgba8(part(1), part(3), part(5), 255)
}

fn paint(text: &str) -> Paint<'static> {
    let mut paint = Paint::default();
    paint.set_color(colour(text));
    paint.anti_alias = true;
    paint
}

struct Canvas {
    pixmap: Pixmap,
    transform: Transform,
    medium: Face<'static>,
    semi_bold: Face<'static>,
}

impl Canvas {
    fn draw(&mut self, drawing: &Drawing) {
        for group in drawing
            .groups
            .iter()
            .filter(|group| !group.title.is_empty())
        {
            let dashes: &[f32] = if group.is_outside { &[5.0, 4.0] } else { &[] };
            self.rectangle(
                group.rect,
                CORNER,
                LIGHT.frame,
                (LIGHT.frame_line, 1.0, dashes),
            );
            let at = Point {
                x: group.rect.x + 16.0,
                y: group.rect.y + 22.0,
            };
            let hue = LIGHT.hues[group.hue % LIGHT.hues.len()];
            self.text(&group.title, at, TEXT_SIZE, Weight::SemiBold, hue);
        }
        for arrow in &drawing.arrows {
            self.arrow(arrow);
        }
        for node in &drawing.nodes {
            let hue = drawing.groups.get(node.group).map_or(0, |group| group.hue);
            self.card(node, LIGHT.hues[hue % LIGHT.hues.len()]);
        }
        for (at, sort, words) in &drawing.legend {
            let y = at.y - SMALL_TEXT_SIZE * CAP_HEIGHT / 2.0;
            let colour = match sort {
                ArrowSort::Attempt => LIGHT.attempt,
                _ => LIGHT.hues[0],
            };
            let start = Point { x: at.x, y };
            let end = Point {
                x: at.x + SAMPLE_WIDTH,
                y,
            };
            self.line(start, &[Segment::Line(end)], start, *sort, colour);
            let at = Point {
                x: end.x + 8.0,
                y: at.y,
            };
            self.text(words, at, SMALL_TEXT_SIZE, Weight::Medium, LIGHT.remark);
        }
        for (at, note) in &drawing.notes {
            self.text(note, *at, SMALL_TEXT_SIZE, Weight::Medium, LIGHT.remark);
        }
    }

    fn card(&mut self, node: &Card, hue: &str) {
        let dashes: &[f32] = if node.is_only_tried { &[5.0, 4.0] } else { &[] };
        self.rectangle(node.rect, CORNER / 2.0, LIGHT.card, (hue, 1.3, dashes));
        let x = node.rect.x + Card::TEXT_X;
        let y = node.rect.middle() + TEXT_SIZE * CAP_HEIGHT / 2.0;
        self.text(
            &node.name,
            Point { x, y },
            TEXT_SIZE,
            Weight::Medium,
            LIGHT.text,
        );
        let x = x + font::width(&node.name, TEXT_SIZE, Weight::Medium) + Card::REMARK_GAP;
        self.text(
            &node.remark,
            Point { x, y },
            SMALL_TEXT_SIZE,
            Weight::Medium,
            LIGHT.remark,
        );
    }

    fn rectangle(
        &mut self,
        rect: Rect,
        corner: f64,
        fill: &str,
        (line, width, dashes): (&str, f32, &[f32]),
    ) {
        let Some(path) = rounded(rect, corner) else {
            return;
        };
        self.fill(&path, fill);
        self.pixmap.stroke_path(
            &path,
            &paint(line),
            &pen(width, dashes),
            self.transform,
            None,
        );
    }

    fn arrow(&mut self, arrow: &Path) {
        let colour = match arrow.sort {
            ArrowSort::Attempt => LIGHT.attempt,
            _ => LIGHT.hues[arrow.hue % LIGHT.hues.len()],
        };
        self.line(
            arrow.start,
            &arrow.segments,
            arrow.heading(),
            arrow.sort,
            colour,
        );
    }

    /// A line, and its head, which points away from `heading`.
    fn line(
        &mut self,
        start: Point,
        segments: &[Segment],
        heading: Point,
        sort: ArrowSort,
        colour: &str,
    ) {
        let mut builder = PathBuilder::new();
        builder.move_to(narrow(start.x), narrow(start.y));
        let mut end = start;
        for segment in segments {
            let [a, b, to] = match *segment {
                Segment::Line(to) => [end, to, to],
                Segment::Curve(a, b, to) => [a, b, to],
            };
            builder.cubic_to(
                narrow(a.x),
                narrow(a.y),
                narrow(b.x),
                narrow(b.y),
                narrow(to.x),
                narrow(to.y),
            );
            end = to;
        }
        let (width, dashes) = stroke(sort);
        if let Some(path) = builder.finish() {
            let pen = pen(width, dashes);
            self.pixmap
                .stroke_path(&path, &paint(colour), &pen, self.transform, None);
        }
        let (dx, dy) = (narrow(end.x - heading.x), narrow(end.y - heading.y));
        let length = dx.hypot(dy);
        if length <= 0.0 {
            return;
        }
        let (dx, dy) = (dx / length, dy / length);
        let (long, wide) = HEAD;
        let (x, y) = (narrow(end.x), narrow(end.y));
        let (back_x, back_y) = (x - dx * long, y - dy * long);
        let half = wide / 2.0;
        let mut builder = PathBuilder::new();
        builder.move_to(x, y);
        builder.line_to(back_x - dy * half, back_y + dx * half);
        builder.line_to(back_x + dy * half, back_y - dx * half);
        builder.close();
        if let Some(path) = builder.finish() {
            self.fill(&path, colour);
        }
    }

    fn fill(&mut self, path: &tiny_skia::Path, colour: &str) {
        self.pixmap.fill_path(
            path,
            &paint(colour),
            FillRule::Winding,
            self.transform,
            None,
        );
    }

    fn text(&mut self, words: &str, at: Point, size: f64, weight: Weight, colour: &str) {
        let face = match weight {
            Weight::Medium => &self.medium,
            Weight::SemiBold => &self.semi_bold,
        };
        let unit = size / f64::from(UNITS_PER_EM);
        let mut outline = Outline {
            builder: PathBuilder::new(),
            x: at.x,
            y: at.y,
            unit,
            stretch: 1.0,
        };
        for c in words.chars() {
            let c = if text::is_hidden(c) {
                text::REPLACEMENT
            } else {
                c
            };
            let advance = font::advance(c, weight);
            // What the font lacks is its empty box, as wide as was reckoned.
            let glyph = face.glyph_index(c).unwrap_or_default();
            let own = face.glyph_hor_advance(glyph).unwrap_or(advance).max(1);
            outline.stretch = (f64::from(advance) / f64::from(own)).min(1.0);
            face.outline_glyph(glyph, &mut outline);
            outline.x += f64::from(advance) * unit;
        }
        if let Some(path) = outline.builder.finish() {
            self.fill(&path, colour);
        }
    }
}

fn pen(width: f32, dashes: &[f32]) -> Stroke {
    Stroke {
        width,
        line_cap: LineCap::Butt,
        dash: StrokeDash::new(dashes.to_vec(), 0.0),
        ..Stroke::default()
    }
}

fn rounded(rect: Rect, corner: f64) -> Option<tiny_skia::Path> {
    /// The control points of a quarter of a circle, from its corner.
    const ROUND: f64 = 1.0 - 0.552_284_749_8;
    let corner = corner.min(rect.width / 2.0).min(rect.height / 2.0);
    let (left, top) = (narrow(rect.x), narrow(rect.y));
    let (right, bottom) = (narrow(rect.right()), narrow(rect.bottom()));
    let (c, k) = (narrow(corner), narrow(corner * ROUND));
    let mut path = PathBuilder::new();
    path.move_to(left + c, top);
    path.line_to(right - c, top);
    path.cubic_to(right - k, top, right, top + k, right, top + c);
    path.line_to(right, bottom - c);
    path.cubic_to(right, bottom - k, right - k, bottom, right - c, bottom);
    path.line_to(left + c, bottom);
    path.cubic_to(left + k, bottom, left, bottom - k, left, bottom - c);
    path.line_to(left, top + c);
    path.cubic_to(left, top + k, left + k, top, left + c, top);
    path.close();
    path.finish()
}

/// Glyphs of a line of text, one after the other, as one path.
struct Outline {
    builder: PathBuilder,
    x: f64,
    y: f64,
    unit: f64,
    stretch: f64,
}

impl Outline {
    fn at(&self, x: f32, y: f32) -> (f32, f32) {
        (
            narrow(self.x + f64::from(x) * self.unit * self.stretch),
            narrow(self.y - f64::from(y) * self.unit),
        )
    }
}

impl OutlineBuilder for Outline {
    fn move_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.at(x, y);
        self.builder.move_to(x, y);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.at(x, y);
        self.builder.line_to(x, y);
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        let ((x1, y1), (x, y)) = (self.at(x1, y1), self.at(x, y));
        self.builder.quad_to(x1, y1, x, y);
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        let ((x1, y1), (x2, y2), (x, y)) = (self.at(x1, y1), self.at(x2, y2), self.at(x, y));
        self.builder.cubic_to(x1, y1, x2, y2, x, y);
    }

    fn close(&mut self) {
        self.builder.close();
    }
}
