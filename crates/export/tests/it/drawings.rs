//! What holds for the layout of every map.

use export::drawing::{Drawing, Point, Rect, Segment};
use export::{Format, Options, draw};
use map::{AddressRange, DnsName, Map, Peer};
use proptest::prelude::*;

use crate::maps::{SEEN, key, record, sighting, workload};
use crate::town::town;

/// Lengths are compared up to this.
const NEAR: f64 = 0.2;

const WHOLE: Options = Options {
    external: true,
    attempts: true,
    as_kubernetes_service: false,
};

fn peer() -> impl Strategy<Value = Peer> {
    let name = prop_oneof![4 => "[a-h]", 1 => "\\PC{0,90}", 1 => Just("<&\"'%>".to_owned())];
    let namespace = prop::sample::select(vec![
        "shop",
        "data",
        "a",
        "",
        "<ns>",
        "a-namespace-of-many-words",
    ]);
    let kind = prop::sample::select(vec!["Deployment", "StatefulSet", "", "Rollout"]);
    prop_oneof![
        12 => (namespace, name, kind).prop_map(|(namespace, name, kind)| workload(namespace, &name, kind)),
        1 => "[a-c]\\.[xy]\\.(com|org)".prop_map(|name| Peer::Name(DnsName::new(&name))),
        1 => any::<[u8; 4]>().prop_map(|address| Peer::Address(AddressRange::single(address.into()))),
        1 => Just(Peer::Internet),
    ]
}

fn map() -> impl Strategy<Value = Map> {
    prop::collection::vec((peer(), peer(), any::<u8>()), 0..60).prop_map(|edges| {
        let mut map = Map::new();
        for (client, server, sort) in edges {
            if sort < 40 {
                map.record_attempt(&sighting(key(client, server), &[SEEN]));
            } else {
                record(&mut map, client, server, &[SEEN]);
            }
        }
        map
    })
}

/// Apart, or beside each other.
fn are_apart(a: &Rect, b: &Rect) -> bool {
    a.right() <= b.x + NEAR
        || b.right() <= a.x + NEAR
        || a.bottom() <= b.y + NEAR
        || b.bottom() <= a.y + NEAR
}

fn holds(outer: &Rect, inner: &Rect) -> bool {
    outer.x <= inner.x + NEAR
        && outer.y <= inner.y + NEAR
        && inner.right() <= outer.right() + NEAR
        && inner.bottom() <= outer.bottom() + NEAR
}

fn is_at_border(rect: &Rect, point: Point) -> bool {
    let across = rect.x - NEAR <= point.x && point.x <= rect.right() + NEAR;
    let down = rect.y - NEAR <= point.y && point.y <= rect.bottom() + NEAR;
    let at = |a: f64, b: f64| (a - b).abs() < NEAR;
    across
        && down
        && (at(point.x, rect.x)
            || at(point.x, rect.right())
            || at(point.y, rect.y)
            || at(point.y, rect.bottom()))
}

fn check(drawing: &Drawing) {
    let sheet = Rect {
        width: drawing.width,
        height: drawing.height,
        ..Rect::default()
    };
    for (i, node) in drawing.nodes.iter().enumerate() {
        assert!(holds(&sheet, &node.rect));
        for other in &drawing.nodes[..i] {
            assert!(are_apart(&node.rect, &other.rect), "{node:?} {other:?}");
        }
        for (g, group) in drawing.groups.iter().enumerate() {
            if g == node.group {
                assert!(holds(&group.rect, &node.rect), "{group:?} {node:?}");
            } else {
                assert!(are_apart(&group.rect, &node.rect), "{group:?} {node:?}");
            }
        }
    }
    for (i, group) in drawing.groups.iter().enumerate() {
        assert!(holds(&sheet, &group.rect));
        for other in &drawing.groups[..i] {
            assert!(are_apart(&group.rect, &other.rect), "{group:?} {other:?}");
        }
    }
    for arrow in &drawing.arrows {
        let (client, server) = (&drawing.nodes[arrow.client], &drawing.nodes[arrow.server]);
        assert!(
            is_at_border(&client.rect, arrow.start),
            "{arrow:?} {client:?}"
        );
        assert!(
            is_at_border(&server.rect, arrow.end()),
            "{arrow:?} {server:?}"
        );
        for node in &drawing.nodes {
            assert!(!passes(arrow, &node.rect), "{arrow:?} {node:?}");
        }
    }
}

/// Whether a straight part of an arrow runs through the inside of a rectangle. Curves lie between the columns.
fn passes(arrow: &export::drawing::Path, rect: &Rect) -> bool {
    let mut at = arrow.start;
    arrow.segments.iter().any(|segment| {
        let from = std::mem::replace(&mut at, segment.end());
        let Segment::Line(to) = segment else {
            return false;
        };
        let (left, right) = (from.x.min(to.x), from.x.max(to.x));
        left < rect.right() - NEAR
            && rect.x + NEAR < right
            && rect.y + NEAR < to.y
            && to.y < rect.bottom() - NEAR
    })
}

proptest! {
    #[test]
    fn nothing_overlaps_and_every_edge_arrives(map in map()) {
        let drawing = draw(&map, WHOLE);
        check(&drawing);
        prop_assert_eq!(&drawing, &draw(&map, WHOLE));
    }

    #[test]
    fn every_workload_is_drawn_once_and_found_by_name(map in map()) {
        let drawing = draw(&map, WHOLE);
        let mut expected: Vec<String> = map
            .edges()
            .chain(map.attempts())
            .flat_map(|(key, _)| [key.client.clone(), key.server.clone()])
            .collect::<std::collections::BTreeSet<_>>()
            .iter()
            .filter_map(Peer::workload)
            .map(|workload| format!("{}.{}\n{}", workload.name, workload.namespace, workload.kind))
            .map(|text| text.trim_end().to_owned())
            .collect();
        let drawn = drawing.nodes.iter().filter(|node| node.is_workload);
        let mut drawn: Vec<String> = drawn.map(|node| node.about.trim_end().to_owned()).collect();
        expected.sort();
        drawn.sort();
        prop_assert_eq!(drawn, expected);
    }

    /// Nothing that a browser or Graphviz would read as its own.
    #[test]
    fn names_stay_names(map in map()) {
        let svg = String::from_utf8(Format::Svg.render(&map, WHOLE)).unwrap();
        prop_assert_eq!(svg.matches("<svg").count(), 1);
        prop_assert!(!svg.contains("<ns>") && !svg.contains("<&"));
        let html = String::from_utf8(Format::Html.render(&map, WHOLE)).unwrap();
        prop_assert!(!html.contains("<ns>") && !html.contains("<&"));
        let opened = html.matches("<script").count();
        prop_assert_eq!((opened, html.matches("</script").count()), (2, 2));
    }
}

#[test]
fn a_town_of_300_workloads_is_drawn_one_by_one() {
    let map = town(20, 300, 800);
    let drawing = draw(&map, WHOLE);
    check(&drawing);
    // Two of the edges go to names of one domain.
    assert_eq!(drawing.arrows.len(), map.len() + map.attempts_len() - 1);
    assert!(drawing.notes.is_empty());
    assert_eq!(drawing, draw(&map, WHOLE));
}

#[test]
fn a_town_beyond_the_limits_is_folded_to_its_namespaces() {
    let map = town(150, 5_000, 9_000);
    let drawing = draw(&map, WHOLE);
    check(&drawing);
    assert!(drawing.nodes.len() <= 160, "{}", drawing.nodes.len());
    let edges: usize = drawing.arrows.iter().map(|arrow| arrow.edges).sum();
    assert_eq!(edges, map.len() + map.attempts_len());
    assert!(drawing.notes[0].1.contains("are too many for one picture"));
    let mermaid = Format::Mermaid.render(&town(20, 300, 800), Options::default());
    assert!(String::from_utf8(mermaid).unwrap().contains("(maxEdges)"));
}

#[test]
fn one_namespace_with_all_workloads_is_no_higher_than_it_must_be() {
    let mut map = Map::new();
    for i in 0..300 {
        let name = |i: usize| workload("all", &format!("w{i}"), "Deployment");
        record(&mut map, name(i), name(i * 7 % 300), &[SEEN]);
        record(&mut map, name(0), name(i), &[SEEN]);
    }
    let drawing = draw(&map, WHOLE);
    check(&drawing);
    // In one column they would take 13 000.
    assert!(drawing.height < 5_000.0, "{}", drawing.height);
}
