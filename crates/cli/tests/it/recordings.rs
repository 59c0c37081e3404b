//! The real recordings give exactly their true edges.

use crate::{Ran, portolan, recorded, replay};

/// Everything that was recorded.
pub(crate) fn whole(name: &str, more: &str) -> Ran {
    let file = |file: &str| recorded(name, file);
    replay(&format!(
        "--capture {} --cluster {} {} --pod-events {} --sockets {} {}{more}",
        file("capture.pcap.gz"),
        file("cluster-start.json.gz"),
        file("cluster-end.json.gz"),
        file("pod-events.json.gz"),
        file("proc-start.tar.gz"),
        file("proc-end.tar.gz"),
    ))
    .well()
}

#[test]
fn the_shop_is_drawn_exactly() {
    assert_eq!(whole("shop", "").out, include_str!("golden/shop.list"));
}

#[test]
fn the_awkward_cases_are_drawn_exactly() {
    assert_eq!(whole("harder", "").out, include_str!("golden/harder.list"));
}

#[test]
fn the_demo_is_the_shop() {
    let demo = portolan(&["demo"]).well();
    assert_eq!(demo.out, include_str!("golden/shop.list"));
}

/// What the README shows is what a person with a fresh clone reads. After a change: `./dev demo 2>&1`.
#[test]
fn the_readme_shows_what_the_demo_prints() {
    let demo = portolan(&["demo"]).well();
    let readme = include_str!("../../../../README.md");
    let (_, shown) = readme.split_once("<!-- demo: begin").unwrap();
    let (_, shown) = shown.split_once("```text\n").unwrap();
    let (shown, _) = shown.split_once("```\n<!-- demo: end -->").unwrap();
    assert_eq!(shown, demo.out + &demo.err);
}
