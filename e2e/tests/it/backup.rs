//! A map leaves a mapper as a file, and comes into another: `portolan export`, `portolan merge`, `--import-maps`.

use std::process::{Command, Output};

use e2e::bed::built;
use e2e::kube::Proxy;
use e2e::mapper::{self, Mapper};
use e2e::scene::{EDGE, Scene, all, play, set_up};
use serde_json::json;

/// The command that was built with the mapper.
fn portolan(arguments: &[&str]) -> Output {
    Command::new(built("portolan"))
        .args(arguments)
        .output()
        .unwrap()
}

fn well(arguments: &[&str]) -> String {
    let ran = portolan(arguments);
    let error = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{arguments:?}: {error}");
    String::from_utf8(ran.stdout).unwrap()
}

#[test]
#[ignore = "needs the testbed: ./dev test --only e2e"]
fn a_backup_of_one_mapper_is_the_map_of_another() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let first = Mapper::ready("backup", &[]);
    let mut scene = Scene::new(190, "backup");
    let client = scene.pod("client");
    let server = scene.deployment("server");
    scene.tcp(&client.ip, &server.ip, 8080);
    scene.edges(&["client/Pod -> server/Deployment :8080/tcp [tcp]"]);
    let mut scenes = [scene];
    set_up(&Proxy::start(), &first, &mut scenes);
    play(&first, &scenes);

    let url = format!("http://localhost:{}", first.address.port());
    let file = path("map.json");
    well(&[
        "export",
        "--mapper-url",
        &url,
        "-o",
        "json",
        "--output",
        &file,
    ]);
    let list = well(&["export", "--mapper-url", &url]);
    assert!(list.contains("client in namespace backup"), "{list}");
    assert_eq!(well(&["export", "--map", &file]), list);

    // It comes into another mapper whole, and once.
    let imports = format!("{file} {file}");
    let folder_of_second = path("data");
    std::fs::create_dir(&folder_of_second).unwrap();
    let arguments = ["--import-maps", &imports, "--data-dir", &folder_of_second];
    let second = Mapper::ready("import", &arguments);
    assert_eq!(all(&second, "edges"), all(&first, "edges"));

    // Of several clusters each keeps its name.
    let fleet = path("fleet.json");
    let (north, south) = (format!("north={file}"), format!("south={file}"));
    well(&["merge", &north, &south, "--output", &fleet]);
    let third = Mapper::ready("fleet", &["--import-maps", &fleet]);
    let document = format!("{{ edges(external: true) {{ {EDGE} }} }}");
    let rows = third.query(&document, &json!({}))["edges"].take();
    let mut clusters: Vec<String> = rows
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["cluster"].as_str().unwrap().to_owned())
        .collect();
    clusters.dedup();
    assert_eq!(clusters, ["north", "south"]);
}

#[test]
#[ignore = "needs the testbed: ./dev test --only e2e"]
fn a_file_that_is_no_map_ends_the_start_with_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("no.json");
    std::fs::write(&file, "{}{}").unwrap();
    let file = file.to_str().unwrap();
    let kubeconfig = e2e::bed::variable("KUBECONFIG");
    let mut mapper = Mapper::spawn(
        mapper::command(),
        "no-map",
        &kubeconfig,
        &["--import-maps", file],
    );
    let (status, _) = mapper.wait_end(std::time::Duration::from_secs(20)).unwrap();
    assert!(!status.success());
    let log = mapper.log();
    assert!(
        log.contains(file) && log.contains("portolan export"),
        "{log}"
    );
}
