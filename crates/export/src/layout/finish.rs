//! From places to the drawing: everything at its place, the arrows as lines, legend and notes below.

use super::groups::Places;
use super::inside::{CARD_HEIGHT, Inside, LOOP_HEIGHT};
use super::route::{Stop, route};
use super::{Plan, Text, Way, number};
use crate::drawing::{Card, Drawing, Frame, HUES, Path, Point, Rect, SMALL_TEXT_SIZE, Segment};
use crate::font::{self, Weight};
use crate::graph::{ArrowSort, Graph, GroupSort};

/// Around the picture.
const MARGIN: f64 = 24.0;
/// A line of the legend or of a note.
const LINE: f64 = 18.0;
/// The line that a legend shows, and what is around it.
const SAMPLE: f64 = 44.0;
/// A picture is not narrower than this, so that there is room for notes.
const MIN_WIDTH: f64 = 240.0;

pub(super) fn drawing(
    graph: &Graph<'_>,
    plan: &Plan,
    insides: &[Inside],
    places: &Places,
    texts: &[Text],
) -> Drawing {
    let corners: Vec<Point> = places
        .corners
        .iter()
        .map(|corner| Point {
            x: corner.x + MARGIN,
            y: corner.y + MARGIN,
        })
        .collect();
    let hues = hues(plan);
    let groups = graph.groups.iter().enumerate().map(|(g, group)| Frame {
        rect: Rect {
            x: corners[g].x,
            y: corners[g].y,
            width: insides[g].width,
            height: insides[g].height,
        },
        title: plan.titles[g].clone(),
        about: group.title.clone(),
        hue: hues[g],
        is_outside: group.sort == GroupSort::Outside,
    });
    let nodes: Vec<Card> = graph
        .nodes
        .iter()
        .enumerate()
        .map(|(v, node)| Card {
            rect: moved(
                insides[node.group].cards[plan.local[v]],
                corners[node.group],
            ),
            group: node.group,
            name: texts[v].name.clone(),
            remark: texts[v].remark.clone(),
            about: node.about.clone(),
            is_workload: node.is_workload,
            is_only_tried: node.is_only_tried,
        })
        .collect();
    let arrows = graph.arrows.iter().zip(&plan.ways).map(|(arrow, way)| {
        let group = graph.nodes[arrow.client].group;
        let (start, segments) = match *way {
            Way::Itself => itself(nodes[arrow.client].rect),
            Way::Inside(i) => {
                let stops = insides[group].arrows[i].iter();
                route(
                    &stops
                        .map(|stop| stop.moved(corners[group]))
                        .collect::<Vec<_>>(),
                )
            }
            Way::Crossing(i) => route(&crossing(plan, insides, places, &corners, i)),
        };
        let first = |v: usize| graph.nodes[v].about.lines().next().unwrap_or_default();
        Path {
            client: arrow.client,
            server: arrow.server,
            sort: arrow.sort,
            hue: hues[group],
            start,
            segments,
            edges: arrow.edges.len(),
            about: arrow.about(first(arrow.client), first(arrow.server)),
        }
    });
    let mut drawing = Drawing {
        width: places.width + 2.0 * MARGIN,
        height: places.height + 2.0 * MARGIN,
        groups: groups.collect(),
        arrows: arrows.collect(),
        nodes,
        legend: Vec::new(),
        notes: Vec::new(),
    };
    drawing.width = drawing.width.max(MIN_WIDTH);
    explain(&mut drawing, graph);
    drawing.width = drawing.width.ceil();
    drawing.height = drawing.height.ceil();
    drawing
}

fn moved(rect: Rect, by: Point) -> Rect {
    Rect {
        x: rect.x + by.x,
        y: rect.y + by.y,
        ..rect
    }
}

/// Neighbours in a column differ in hue.
fn hues(plan: &Plan) -> Vec<usize> {
    let mut hues = vec![0; plan.tasks.len()];
    for (nth, &g) in plan.columns.iter().flatten().enumerate() {
        hues[g] = nth % HUES;
    }
    hues
}

/// Out of the group by its lane, across, and into the other by its lane.
fn crossing(
    plan: &Plan,
    insides: &[Inside],
    places: &Places,
    corners: &[Point],
    i: usize,
) -> Vec<Stop> {
    let crossing = plan.crossings[i];
    let margin = Point {
        x: MARGIN,
        y: MARGIN,
    };
    let lane = |g: usize, lane: usize| {
        let stops = insides[g].lanes[lane].iter();
        stops.map(|stop| stop.moved(corners[g])).collect::<Vec<_>>()
    };
    let mut stops = lane(crossing.from, crossing.leaves_by);
    stops.extend(places.ways[i].iter().map(|stop| stop.moved(margin)));
    stops.extend(lane(crossing.to, crossing.enters_by).into_iter().rev());
    stops
}

/// A loop over the right corner of a node.
fn itself(rect: Rect) -> (Point, Vec<Segment>) {
    let at = |right: f64, up: f64| Point {
        x: rect.right() - right,
        y: rect.bottom() - CARD_HEIGHT - up,
    };
    let up = LOOP_HEIGHT + 2.0;
    let loop_ = Segment::Curve(at(40.0, up), at(14.0, up), at(14.0, 0.0));
    (at(40.0, 0.0), vec![loop_])
}

/// The legend, if there is more than one sort of arrows or one that needs words; and the notes.
fn explain(drawing: &mut Drawing, graph: &Graph<'_>) {
    let occurs = |sort: ArrowSort| drawing.arrows.iter().any(|arrow| arrow.sort == sort);
    let sorts: Vec<_> = ArrowSort::ALL
        .into_iter()
        .filter(|(sort, _)| occurs(*sort))
        .collect();
    let mut y = drawing.height - MARGIN;
    if sorts.iter().any(|(sort, _)| *sort != ArrowSort::Plain) {
        let mut x = MARGIN;
        y += LINE + 6.0;
        for (sort, words) in sorts {
            let width = SAMPLE + font::width(words, SMALL_TEXT_SIZE, Weight::Medium) + 22.0;
            if x > MARGIN && x + width > drawing.width - MARGIN {
                x = MARGIN;
                y += LINE;
            }
            drawing.legend.push((Point { x, y }, sort, words));
            x += width;
            drawing.width = drawing.width.max(x + MARGIN - 22.0);
        }
    }
    let room = drawing.width - 2.0 * MARGIN;
    for line in broken(&graph.note, room) {
        y += LINE;
        drawing.notes.push((Point { x: MARGIN, y }, line));
    }
    if graph.nodes.is_empty() {
        let words = "No connections.".to_owned();
        drawing.notes.push((
            Point {
                x: MARGIN,
                y: y + LINE / 2.0,
            },
            words,
        ));
        y += LINE;
    }
    drawing.height = y + MARGIN;
}

/// A text in lines that are not wider than this.
fn broken(text: &str, room: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line)
                if font::width(line, SMALL_TEXT_SIZE, Weight::Medium)
                    + font::width(word, SMALL_TEXT_SIZE, Weight::Medium)
                    + number(4)
                    < room =>
            {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Where a legend's line ends.
pub(crate) const SAMPLE_WIDTH: f64 = SAMPLE - 10.0;
