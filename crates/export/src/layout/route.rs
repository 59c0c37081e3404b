//! Ways as lines: level through the columns, where nodes are, and curved between them.

use crate::drawing::{Point, Segment};

/// A part of a way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Stop {
    /// Level from the one side to the other, or back.
    Pass { left: f64, right: f64, y: f64 },
    /// To the right and back again, this far.
    Turn { reach: f64 },
}

impl Stop {
    pub(super) fn moved(self, by: Point) -> Self {
        match self {
            Self::Pass { left, right, y } => Self::Pass {
                left: left + by.x,
                right: right + by.x,
                y: y + by.y,
            },
            turn @ Self::Turn { .. } => turn,
        }
    }
}

/// The line of a way: where it starts, and how it goes on.
pub(super) fn route(stops: &[Stop]) -> (Point, Vec<Segment>) {
    let mut line = Line::default();
    let mut turn = None;
    let mut leftwards = false;
    for (i, stop) in stops.iter().enumerate() {
        let &Stop::Pass { left, right, y } = stop else {
            if let Stop::Turn { reach } = stop {
                turn = Some(*reach);
            }
            continue;
        };
        if let Some(reach) = turn.take() {
            leftwards = true;
            line.turn(Point { x: right, y }, reach);
            line.level(left);
            continue;
        }
        leftwards = match (line.at, stops.get(i + 1)) {
            (Some(at), _) if at.x <= left + 1e-6 => false,
            (Some(at), _) if at.x >= right - 1e-6 => true,
            (None, Some(Stop::Pass { left: next, .. })) => *next < left - 1e-6,
            _ => leftwards,
        };
        let (near, far) = if leftwards {
            (right, left)
        } else {
            (left, right)
        };
        line.bend(Point { x: near, y });
        line.level(far);
    }
    (line.start, line.segments)
}

#[derive(Default)]
struct Line {
    start: Point,
    at: Option<Point>,
    segments: Vec<Segment>,
}

impl Line {
    fn bend(&mut self, to: Point) {
        let Some(at) = self.at.replace(to) else {
            self.start = to;
            return;
        };
        let half = f64::midpoint(at.x, to.x);
        if (at.y - to.y).abs() < 0.05 {
            self.straight(at, to);
        } else {
            self.segments.push(Segment::Curve(
                Point { x: half, y: at.y },
                Point { x: half, y: to.y },
                to,
            ));
        }
    }

    fn turn(&mut self, to: Point, reach: f64) {
        let Some(at) = self.at.replace(to) else {
            self.start = to;
            return;
        };
        let x = at.x.max(to.x) + reach;
        self.segments.push(Segment::Curve(
            Point { x, y: at.y },
            Point { x, y: to.y },
            to,
        ));
    }

    fn level(&mut self, x: f64) {
        if let Some(at) = self.at {
            let to = Point { x, y: at.y };
            self.at = Some(to);
            self.straight(at, to);
        }
    }

    /// Joined to a straight line before it.
    fn straight(&mut self, from: Point, to: Point) {
        if (from.x - to.x).abs() < 1e-6 {
            return;
        }
        let to = Point { x: to.x, y: from.y };
        self.at = Some(to);
        match self.segments.last_mut() {
            Some(Segment::Line(end)) => *end = to,
            _ => self.segments.push(Segment::Line(to)),
        }
    }
}
