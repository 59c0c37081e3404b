//! Colours, and how lines look. Hues are told apart by people who see few colours, on paper and on dark screens; what an
//! arrow means is told by its stroke too.

use crate::drawing::HUES;
use crate::graph::ArrowSort;

/// The colours of a picture, as `#rrggbb`.
pub(crate) struct Theme {
    pub(crate) ground: &'static str,
    pub(crate) frame: &'static str,
    pub(crate) frame_line: &'static str,
    pub(crate) card: &'static str,
    pub(crate) text: &'static str,
    pub(crate) remark: &'static str,
    pub(crate) attempt: &'static str,
    pub(crate) hues: [&'static str; HUES],
}

pub(crate) const LIGHT: Theme = Theme {
    ground: "#ffffff",
    frame: "#f5f7fa",
    frame_line: "#d3dae4",
    card: "#ffffff",
    text: "#18212d",
    remark: "#66727f",
    attempt: "#c8470c",
    hues: ["#1f6fb4", "#007d68", "#946200", "#a0478a", "#566171"],
};

pub(crate) const DARK: Theme = Theme {
    ground: "#11161e",
    frame: "#19202a",
    frame_line: "#323d4d",
    card: "#222b37",
    text: "#e8edf3",
    remark: "#9ba7b5",
    attempt: "#ff8a5c",
    hues: ["#64aeea", "#40c4a6", "#dca63c", "#dc8fc4", "#a7b2bf"],
};

/// How a sort of arrow is drawn: the width of the line, and the lengths of dashes and gaps.
pub(crate) const fn stroke(sort: ArrowSort) -> (f32, &'static [f32]) {
    match sort {
        ArrowSort::Plain => (1.3, &[]),
        ArrowSort::Http => (2.2, &[]),
        ArrowSort::Kafka => (2.0, &[9.0, 3.0]),
        ArrowSort::Assumed => (1.3, &[1.5, 3.5]),
        ArrowSort::Attempt => (1.3, &[5.0, 4.0]),
    }
}

/// The length and the width of an arrow's head.
pub(crate) const HEAD: (f32, f32) = (8.5, 7.5);
