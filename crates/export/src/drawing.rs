//! A picture, laid out: where everything is, in pixels from the upper left corner. What draws it adds colours only.

use crate::graph::ArrowSort;

/// The size of names and of titles.
pub const TEXT_SIZE: f64 = 13.0;
/// The size of remarks, of the legend and of notes.
pub const SMALL_TEXT_SIZE: f64 = 10.5;
/// The radius of the corners of groups; those of nodes have half of it.
pub const CORNER: f64 = 12.0;
/// How many hues groups have in turn.
pub const HUES: usize = 5;

/// A picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawing {
    /// Its size.
    pub width: f64,
    /// Its size.
    pub height: f64,
    /// Namespaces, and what is outside.
    pub groups: Vec<Frame>,
    /// Workloads and peers; an arrow names them by index.
    pub nodes: Vec<Card>,
    /// Who calls whom.
    pub arrows: Vec<Path>,
    /// The sorts of arrows that occur, each with the start of its line and its words.
    pub legend: Vec<(Point, ArrowSort, &'static str)>,
    /// What is not shown, and where that is written, line by line.
    pub notes: Vec<(Point, String)>,
}

/// A point.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Point {
    /// To the right.
    pub x: f64,
    /// Down.
    pub y: f64,
}

/// A rectangle.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rect {
    /// The left side.
    pub x: f64,
    /// The upper side.
    pub y: f64,
    /// Its width.
    pub width: f64,
    /// Its height.
    pub height: f64,
}

impl Rect {
    /// The right side.
    pub fn right(&self) -> f64 {
        self.x + self.width
    }

    /// The lower side.
    pub fn bottom(&self) -> f64 {
        self.y + self.height
    }

    /// Half its height down.
    pub fn middle(&self) -> f64 {
        self.y + self.height / 2.0
    }
}

/// The frame around a group.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    /// Where it is.
    pub rect: Rect,
    /// Written into its upper left corner. Empty where the group has no frame.
    pub title: String,
    /// The whole title.
    pub about: String,
    /// Which of the [`HUES`].
    pub hue: usize,
    /// Whether it holds what is outside the cluster.
    pub is_outside: bool,
}

/// A node: a workload, or another peer.
#[derive(Clone, Debug, PartialEq)]
pub struct Card {
    /// Where it is.
    pub rect: Rect,
    /// Index of its group.
    pub group: usize,
    /// Written in it, from [`Card::TEXT_X`].
    pub name: String,
    /// Behind the name.
    pub remark: String,
    /// The tooltip, whose first line is `name.namespace` of a workload.
    pub about: String,
    /// Not so for what is outside.
    pub is_workload: bool,
    /// Nothing but attempts leads to it or from it.
    pub is_only_tried: bool,
}

impl Card {
    /// From the left side to the name.
    pub const TEXT_X: f64 = 12.0;
    /// Between name and remark.
    pub const REMARK_GAP: f64 = 7.0;
}

/// An arrow.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    /// Index of the node where it begins.
    pub client: usize,
    /// Index of the node where it ends.
    pub server: usize,
    /// What is known of it.
    pub sort: ArrowSort,
    /// Which of the [`HUES`]: that of the client's group.
    pub hue: usize,
    /// Where it begins: at the border of the client.
    pub start: Point,
    /// How it goes on.
    pub segments: Vec<Segment>,
    /// How many edges it stands for.
    pub edges: usize,
    /// The tooltip.
    pub about: String,
}

/// A piece of a path.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Segment {
    /// A straight line to a point.
    Line(Point),
    /// A cubic Bézier curve: two control points, and where it ends.
    Curve(Point, Point, Point),
}

impl Segment {
    /// Where it ends.
    pub const fn end(&self) -> Point {
        match self {
            Self::Line(end) | Self::Curve(_, _, end) => *end,
        }
    }
}

impl Path {
    /// Where it ends: at the border of the server.
    pub fn end(&self) -> Point {
        self.segments.last().map_or(self.start, Segment::end)
    }

    /// Where the last segment comes from.
    #[cfg(feature = "pictures")]
    pub(crate) fn heading(&self) -> Point {
        match self.segments.last() {
            Some(Segment::Curve(_, control, _)) => *control,
            _ => self
                .segments
                .iter()
                .rev()
                .nth(1)
                .map_or(self.start, Segment::end),
        }
    }
}
