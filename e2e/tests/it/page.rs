//! The map as a page, in a real browser.

use std::process::Command;

use e2e::bed::built;
use e2e::browser::{Browser, key};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A map of these edges, each with the namespace and the name of its ends.
fn map(edges: &[[&str; 4]]) -> Value {
    let at = "2026-11-24T00:00:00Z";
    let seen = json!({ "first": at, "last": at, "minutes": "0", "hours": "0" });
    let end = |namespace: &str, name: &str| {
        let workload = json!({ "namespace": namespace, "name": name, "kind": "Deployment" });
        json!({ "workload": workload })
    };
    let edges = edges.iter().map(|[from, client, to, server]| {
        json!([
            { "client": end(from, client), "server": end(to, server) },
            { "seen": seen, "facets": [[{ "evidence": "tcp" }, seen]], "connections": [["", 1]] },
        ])
    });
    json!({ "version": 1, "floors": [], "workloads": [], "edges": edges.collect::<Vec<_>>() })
}

/// A page of `portolan` with these arguments, opened.
fn open(arguments: &[&str]) -> (Browser, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("page.html");
    let made = Command::new(built("portolan"))
        .args(arguments)
        .args(["-o", "html", "--output", page.to_str().unwrap()])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&made.stderr);
    assert!(made.status.success(), "{said}");
    let mut browser = Browser::start();
    browser.open(&format!("file://{}", page.display()));
    (browser, folder)
}

fn open_map(map: &Value) -> (Browser, TempDir) {
    let file = tempfile::NamedTempFile::new().unwrap();
    serde_json::to_writer(&file, map).unwrap();
    open(&["export", "--map", file.path().to_str().unwrap()])
}

/// What the page says it shows.
fn said(browser: &mut Browser) -> String {
    let text = browser.run("return document.getElementById('said').textContent");
    text.as_str().unwrap().to_owned()
}

/// The cells of one column of the table, from the top.
fn column(browser: &mut Browser, number: usize) -> Vec<String> {
    let script = format!(
        "return [...document.querySelectorAll('tbody tr')].map((row) => row.cells[{number}].textContent)"
    );
    serde_json::from_value(browser.run(&script)).unwrap()
}

/// The part of the drawing that is looked at: x, y, width and height.
fn looked_at(browser: &mut Browser) -> [i64; 4] {
    let script = "return document.querySelector('#view svg').getAttribute('viewBox').split(' ').map((part) => Math.round(part))";
    serde_json::from_value(browser.run(script)).unwrap()
}

/// The middle of a workload's box in the window.
fn middle_of(browser: &mut Browser, about: &str) -> (i32, i32) {
    let script = format!(
        "const node = document.querySelector('.n[aria-label^=\"{about}\"] rect').getBoundingClientRect();
         return [node.x + node.width / 2, node.y + node.height / 2].map(Math.round)"
    );
    serde_json::from_value(browser.run(&script)).unwrap()
}

#[test]
#[ignore = "needs Chromium: ./dev test --only e2e page"]
fn page_of_the_demo_is_searched_and_looked_around() {
    let (mut browser, _folder) = open(&["demo"]);
    assert_eq!(said(&mut browser), "17 of 17 edges");
    let all = column(&mut browser, 0);
    assert_eq!(all.len(), 17);
    let whole = looked_at(&mut browser);

    // A word finds workloads with what they call and what calls them; Enter goes there.
    browser.type_into("#search", "redis");
    assert_eq!(said(&mut browser), "1 picked, 1 of 17 edges");
    assert_eq!(
        column(&mut browser, 0),
        ["otterize-ecom-demo/cartservice (Deployment)"]
    );
    let bright = browser.run("return document.querySelectorAll('.n.on').length");
    assert_eq!(bright, 2, "redis-cart, and who calls it");
    browser.type_into("#search", key::ENTER);
    assert!(looked_at(&mut browser)[2] < whole[2], "nearer");
    browser.click("#clear");
    assert_eq!(said(&mut browser), "17 of 17 edges");
    assert_eq!(looked_at(&mut browser), whole);

    // A click picks a workload, another lets go of it.
    let at = middle_of(&mut browser, "emailservice");
    browser.drag(at, at);
    assert_eq!(said(&mut browser), "1 picked, 1 of 17 edges");
    browser.drag(at, at);
    assert_eq!(said(&mut browser), "17 of 17 edges");

    // A row shows both of its ends.
    browser.click("tbody tr");
    assert!(said(&mut browser).contains(" picked, "));
    browser.type_into("body", key::ESCAPE);
    assert_eq!(said(&mut browser), "17 of 17 edges");
    assert_eq!(looked_at(&mut browser), whole);

    // By keys alone.
    browser.type_into(".n[aria-label^=\"loadgenerator\"]", key::ENTER);
    assert_eq!(
        column(&mut browser, 1),
        ["otterize-ecom-demo/frontend (Deployment)"]
    );
    browser.type_into("body", key::ESCAPE);

    browser.wheel(at, -300);
    let near = looked_at(&mut browser);
    assert!(near[2] < whole[2], "the wheel goes nearer");
    let is_there = middle_of(&mut browser, "emailservice");
    assert!(
        (is_there.0 - at.0).abs() <= 2 && (is_there.1 - at.1).abs() <= 2,
        "and what is under the pointer stays there: {at:?} {is_there:?}"
    );
    browser.drag((400, 250), (500, 250));
    let moved = looked_at(&mut browser);
    assert!(
        moved[0] < near[0] && moved[2] == near[2],
        "the hand moves it"
    );
    browser.type_into("body", key::LEFT);
    assert!(looked_at(&mut browser)[0] < moved[0]);
    browser.click("#fit");
    assert_eq!(looked_at(&mut browser), whole);

    // The columns sort, both ways.
    browser.click("th:nth-child(2) button");
    let servers = column(&mut browser, 1);
    browser.click("th:nth-child(2) button");
    let mut other_way = column(&mut browser, 1);
    other_way.reverse();
    assert!(servers.is_sorted());
    assert_eq!(servers, other_way);

    assert_eq!(browser.complaints(), [""; 0]);
}

#[test]
#[ignore = "needs Chromium: ./dev test --only e2e page"]
fn page_shows_names_as_text_whatever_they_are() {
    const NAMES: [&str; 4] = [
        "<img src=x onerror=document.title='mine'>",
        "</script><script>document.title='mine'</script>",
        "\"><svg onload=document.title='mine'>",
        "<!--<script>",
    ];
    let edges = NAMES.map(|name| [name, name, "shop", name]);
    let (mut browser, _folder) = open_map(&map(&edges));
    assert_eq!(said(&mut browser), "4 of 4 edges");
    let mut clients = column(&mut browser, 0);
    clients.sort();
    let mut names = NAMES.map(|name| format!("{name}/{name} (Deployment)"));
    names.sort();
    assert_eq!(clients, names);
    let title = browser.run("return document.title");
    assert_eq!(title, "Map of who calls whom");
    let foreign =
        browser.run("return document.querySelectorAll('img, svg svg, body script').length");
    assert_eq!(foreign, 2, "the page's data and its script");
    assert_eq!(browser.complaints(), [""; 0], "nothing had to be refused");
}

#[test]
#[ignore = "needs Chromium: ./dev test --only e2e page"]
fn page_loads_nothing_and_runs_no_script_of_others() {
    let (mut browser, folder) = open(&["demo"]);
    let loaded = browser.run("return performance.getEntriesByType('resource').length");
    assert_eq!(loaded, 0);

    // Whoever gets something into the file, as this test does, gets it no further.
    let page = folder.path().join("page.html");
    let text = std::fs::read_to_string(&page).unwrap();
    let foreign = "<script>document.title='mine'</script><img src=\"http://127.0.0.1:9/\"></body>";
    std::fs::write(&page, text.replace("</body>", foreign)).unwrap();
    browser.open(&format!("file://{}", page.display()));
    assert_eq!(said(&mut browser), "17 of 17 edges");
    assert_eq!(
        browser.run("return document.title"),
        "Map of who calls whom"
    );
    let refused = browser.complaints();
    let policies = refused
        .iter()
        .filter(|line| line.contains("Content Security Policy"));
    assert_eq!(policies.count(), 2, "{refused:?}");
    assert_eq!(refused.len(), 2, "{refused:?}");
}

#[test]
#[ignore = "needs Chromium: ./dev test --only e2e page"]
fn page_of_many_edges_shows_them_in_parts() {
    let names: Vec<String> = (0..700).map(|n| format!("client-{n:03}")).collect();
    let namespaces = ["north", "south"];
    let edges: Vec<_> = (0..700)
        .map(|n| [namespaces[n % 2], names[n].as_str(), "shop", "server"])
        .collect();
    let (mut browser, _folder) = open_map(&map(&edges));
    assert_eq!(said(&mut browser), "700 of 700 edges");
    assert_eq!(column(&mut browser, 0).len(), 300);
    browser.click("#more");
    assert_eq!(column(&mut browser, 0).len(), 600);
    browser.click("#more");
    assert_eq!(column(&mut browser, 0).len(), 700);
    let is_hidden = browser.run("return document.getElementById('more').hidden");
    assert_eq!(is_hidden, true);

    browser.run(
        "const list = document.getElementById('namespace');
         list.value = [...list.options].find((one) => one.text === 'north').value;
         list.dispatchEvent(new Event('change'))",
    );
    assert_eq!(said(&mut browser), "350 picked, 350 of 700 edges");
    browser.type_into("#search", "client-04");
    assert_eq!(said(&mut browser), "5 picked, 5 of 700 edges");
    assert_eq!(browser.complaints(), [""; 0]);
}

#[test]
#[ignore = "needs Chromium: ./dev test --only e2e page"]
fn page_of_nothing_says_so() {
    let (mut browser, _folder) = open_map(&map(&[]));
    assert_eq!(said(&mut browser), "0 of 0 edges");
    assert_eq!(browser.complaints(), [""; 0]);
}
