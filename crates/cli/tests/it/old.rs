//! The command line of the replaced tool, typed at the built program, with a mapper that answers what a test says.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::thread::JoinHandle;

use serde_json::{Value, json};

use crate::{Folder, Ran};

/// A mapper that answers requests, one connection each, with these statuses and bodies; what it was asked.
fn mapper(answers: &[(u16, Value)]) -> (String, JoinHandle<Vec<Value>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answers = answers.to_vec();
    let asked = std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut stream = BufReader::new(stream);
        let mut asked = Vec::new();
        for (status, answer) in answers {
            let mut length = 0;
            let mut line = String::new();
            while stream.read_line(&mut line).unwrap() > 2 {
                if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                line.clear();
            }
            let mut body = vec![0; length];
            stream.read_exact(&mut body).unwrap();
            asked.push(serde_json::from_slice(&body).unwrap_or(Value::Null));
            let answer = answer.to_string();
            write!(
                stream.get_mut(),
                "HTTP/1.1 {status} Whatever\r\ncontent-length: {}\r\n\r\n{answer}",
                answer.len()
            )
            .unwrap();
        }
        asked
    });
    (url, asked)
}

/// A home without files, and no variables but these.
fn run(program: &str, home: &Folder, variables: &[(&str, &str)], args: &[&str]) -> Ran {
    let mut command = if program == "portolan" {
        Command::new(env!("CARGO_BIN_EXE_portolan"))
    } else {
        let link = home.path(program);
        if !Path::new(&link).exists() {
            std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_portolan"), &link).unwrap();
        }
        Command::new(link)
    };
    command.env_clear().env("HOME", home.path(""));
    command.envs(variables.iter().copied());
    command.args(args).output().unwrap().into()
}

fn identity(name: &str, namespace: &str) -> Value {
    json!({ "name": name, "namespace": namespace, "labels": [], "kubernetesService": null,
        "podOwnerKind": { "group": "apps", "version": "v1", "kind": "Deployment" } })
}

fn tutorial() -> Value {
    let row = |client| {
        json!({ "client": identity(client, "tutorial"), "server": identity("server", "tutorial"),
            "type": null, "kafkaTopics": null, "httpResources": null })
    };
    json!({ "data": { "intents": [row("client"), row("client2")] } })
}

const LIST: &str = "\
client in namespace tutorial calls:
  - server in namespace tutorial
client2 in namespace tutorial calls:
  - server in namespace tutorial
";

#[test]
fn every_name_of_the_program_lists_the_same() {
    let home = Folder::new();
    for (program, group) in [
        ("otterize", "network-mapper"),
        ("otterize", "mapper"),
        ("portolan", "network-mapper"),
        ("portolan", "mapper"),
        ("kubectl-portolan", "network-mapper"),
    ] {
        let (url, asked) = mapper(&[(200, tutorial())]);
        let ran = run(program, &home, &[], &[group, "list", "--mapper-url", &url]).well();
        assert_eq!((ran.out.as_str(), ran.err.as_str()), (LIST, ""));
        let asked = asked.join().unwrap();
        assert_eq!(asked[0]["operationName"], "Intents");
        let none = json!({ "namespaces": null, "includedLabels": null,
            "excludeServiceWithLabels": null, "server": null });
        assert_eq!(asked[0]["variables"], none);
    }
}

#[test]
fn flags_variables_and_the_file_become_the_question() {
    let home = Folder::new();
    home.write(
        ".otterize/config",
        "exclude-labels: a=1 b\nserver: ignored\n",
    );
    let variables = [
        ("OTTERIZE_NAMESPACES", "x,y z"),
        ("OTTERIZE_EXCLUDE_SERVICES", "client2"),
        ("PORTOLAN_SERVER", ""),
    ];
    let (url, asked) = mapper(&[(200, tutorial())]);
    // The file's server is for another question.
    let args = [
        "mapper",
        "list",
        "--mapper-url",
        &url,
        "--distinct-by-label=env",
    ];
    let wrong = run("otterize", &home, &variables, &args);
    assert_eq!(wrong.code, Some(1));
    assert!(
        wrong
            .err
            .starts_with("Error: server filter cannot be used with namespaces filter\n"),
        "{}",
        wrong.err
    );
    home.write(".otterize/config", "exclude-labels: a=1 b\n");
    let ran = run("otterize", &home, &variables, &args).well();
    assert_eq!(
        ran.out,
        LIST.split_inclusive('\n').take(2).collect::<String>()
    );
    let asked = asked.join().unwrap();
    let wanted = json!({ "namespaces": ["x,y", "z"], "includedLabels": ["env"],
        "excludeServiceWithLabels": ["a=1", "b"], "server": null });
    assert_eq!(asked[0]["variables"], wanted);

    let (url, asked) = mapper(&[(200, tutorial())]);
    let args = [
        "--quiet",
        "mapper",
        "--mapper-url",
        &url,
        "export",
        "-n",
        "x,y",
        "-n",
        "z",
        "--exclude-labels",
        "c=d",
    ];
    run("otterize", &home, &variables, &args).well();
    let variables = asked.join().unwrap()[0]["variables"].clone();
    assert_eq!(variables["namespaces"], json!(["x", "y", "z"]));
    assert_eq!(variables["excludeServiceWithLabels"], json!(["c=d"]));

    let (url, asked) = mapper(&[(200, tutorial())]);
    let args = [
        "mapper",
        "export",
        "--mapper-url",
        &url,
        "--server",
        "server.tutorial",
    ];
    run("otterize", &home, &[], &args).well();
    let server = json!({ "name": "server", "namespace": "tutorial" });
    assert_eq!(asked.join().unwrap()[0]["variables"]["server"], server);
}

fn export(home: &Folder, answer: Value, args: &[&str]) -> Ran {
    let (url, asked) = mapper(&[(200, answer)]);
    let mut all = vec!["network-mapper", "export", "--mapper-url", &url];
    all.extend_from_slice(args);
    let ran = run("otterize", home, &[], &all).well();
    asked.join().unwrap();
    ran
}

/// Byte for byte, with and without the line's end that only standard output has.
#[test]
fn exports_go_where_they_are_wanted() {
    let home = Folder::new();
    let document = |name: &str| {
        format!(
            "apiVersion: k8s.otterize.com/v2beta1\nkind: ClientIntents\nmetadata:\n  name: {name}\n  \
             namespace: tutorial\nspec:\n  workload:\n    name: {name}\n    kind: Deployment\n  \
             targets:\n    - kubernetes:\n        name: server\n        kind: Deployment"
        )
    };
    let whole = format!("{}\n---\n{}", document("client"), document("client2"));
    assert_eq!(export(&home, tutorial(), &[]).out, format!("{whole}\n"));
    let file = home.path("intents.yaml");
    let ran = export(&home, tutorial(), &["-o", &file]);
    assert_eq!(ran.out, "");
    assert_eq!(ran.err, format!("Successfully wrote intents into {file}\n"));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), whole);
    let folder = home.path("deep/folder");
    export(
        &home,
        tutorial(),
        &["--output", &folder, "--output-type", "dir"],
    );
    let one = std::fs::read_to_string(format!("{folder}/client2.tutorial.yaml")).unwrap();
    assert_eq!(one, document("client2"));
    let mode =
        std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&folder).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o700);
    export(
        &home,
        tutorial(),
        &[
            "--output",
            &folder,
            "--output-type",
            "dir",
            "--format",
            "json",
        ],
    );
    let one = std::fs::read_to_string(format!("{folder}/client2.tutorial.yaml")).unwrap();
    let one: Value = serde_json::from_str(&one).unwrap();
    assert_eq!(one.as_array().unwrap().len(), 1);
    let old = export(&home, tutorial(), &["--output-version", "v1"]).out;
    assert!(
        old.starts_with("apiVersion: k8s.otterize.com/v1alpha3\n"),
        "{old}"
    );
}

#[test]
fn an_empty_map_is_no_error() {
    let home = Folder::new();
    let empty = || json!({ "data": { "intents": [] } });
    let ran = export(&home, empty(), &[]);
    assert_eq!(
        (ran.out.as_str(), ran.err.as_str()),
        ("\n", "No connections found.\n")
    );
    let ran = export(&home, empty(), &["--format", "json", "-q"]);
    assert_eq!((ran.out.as_str(), ran.err.as_str()), ("[]\n", ""));
    let (url, _) = mapper(&[(200, empty())]);
    let ran = run(
        "otterize",
        &home,
        &[],
        &["mapper", "list", "--mapper-url", &url],
    )
    .well();
    assert_eq!(
        (ran.out.as_str(), ran.err.as_str()),
        ("", "No connections found.\n")
    );
}

#[test]
fn pictures_are_files() {
    let home = Folder::new();
    for (format, word, begin) in [
        ("PNG", "png", &b"\x89PNG"[..]),
        ("jpeg", "jpg", &b"\xff\xd8"[..]),
        ("svg", "svg", &b"<svg"[..]),
    ] {
        let (url, asked) = mapper(&[(200, tutorial())]);
        let file = home.path("picture");
        let args = [
            "network-mapper",
            "visualize",
            "--format",
            format,
            "-o",
            &file,
            "--mapper-url",
            &url,
        ];
        let ran = run("otterize", &home, &[], &args).well();
        assert_eq!(
            ran.err,
            format!("Exported graph as {word} format to path {file}\n")
        );
        assert!(std::fs::read(&file).unwrap().starts_with(begin), "{format}");
        asked.join().unwrap();
    }
}

#[test]
fn a_reset_says_nothing() {
    let home = Folder::new();
    let (url, asked) = mapper(&[(200, json!({ "data": { "resetCapture": true } }))]);
    let ran = run(
        "otterize",
        &home,
        &[],
        &["mapper", "reset", "--mapper-url", &url],
    )
    .well();
    assert_eq!((ran.out.as_str(), ran.err.as_str()), ("", ""));
    assert_eq!(asked.join().unwrap()[0]["operationName"], "ResetCapture");
}

/// A mapper that does not know the question gets the older one.
#[test]
fn older_mappers_are_asked_as_they_understand() {
    let home = Folder::new();
    let old = json!({ "data": { "serviceIntents": [{
        "client": { "name": "client", "namespace": "a" },
        "intents": [{ "name": "server", "namespace": "b" }],
    }] } });
    let invalid = (
        422,
        json!({ "errors": [{ "message": "Cannot query field" }], "data": null }),
    );
    for (label, operation) in [
        (None, "ServiceIntentsUpToMapperV017"),
        (Some("--distinct-by-label=env"), "ServiceIntentsWithLabels"),
    ] {
        let (url, asked) = mapper(&[invalid.clone(), (200, old.clone())]);
        let mut args = vec!["mapper", "list", "--mapper-url", &url];
        args.extend(label);
        let ran = run("otterize", &home, &[], &args).well();
        assert_eq!(
            ran.out,
            "client in namespace a calls:\n  - server in namespace b\n"
        );
        assert!(ran.err.contains("the mapper is an old one"), "{}", ran.err);
        assert_eq!(asked.join().unwrap()[1]["operationName"], operation);
    }
}

/// What the replaced tool took for an empty map.
#[test]
fn a_mapper_that_fails_is_an_error() {
    let home = Folder::new();
    for (status, body, said) in [
        (
            200,
            json!({ "errors": [{ "message": "it broke" }], "data": null }),
            "it broke",
        ),
        (500, json!("no"), "answered 500"),
        (403, json!("no role"), "answered 403"),
    ] {
        let (url, _) = mapper(&[(status, body)]);
        let ran = run(
            "otterize",
            &home,
            &[],
            &["mapper", "list", "--mapper-url", &url],
        );
        assert_eq!((ran.code, ran.out.as_str()), (Some(1), ""));
        assert!(
            ran.err.starts_with("Error: ") && ran.err.contains(said),
            "{}",
            ran.err
        );
    }
}

#[test]
fn what_is_mistyped_is_said_in_the_words_of_the_old_tool() {
    let home = Folder::new();
    let said = |args: &[&str], words: &str| {
        let ran = run("otterize", &home, &[], args);
        assert_eq!(ran.code, Some(1), "{args:?} {}", ran.err);
        let line = ran.err.lines().next().unwrap();
        assert_eq!(line, format!("Error: {words}"), "{args:?}");
    };
    said(&["mapper", "list", "--nope"], "unknown flag: --nope");
    said(
        &["mapper", "list", "-z"],
        "unknown shorthand flag: 'z' in -z",
    );
    said(
        &["mapper", "list", "x"],
        "unknown command \"x\" for \"otterize network-mapper list\"",
    );
    said(&["intents"], "unknown command \"intents\" for \"otterize\"");
    said(
        &["mapper", "visualize"],
        "required flag(s) \"output-path\" not set",
    );
    said(
        &["mapper", "list", "--namespaces"],
        "flag needs an argument: --namespaces",
    );
    said(
        &["mapper", "list", "--format", "json"],
        "json output format is not supported in 'list' command. Try using 'export' instead",
    );
    said(
        &["mapper", "export", "--format", "xml"],
        "unexpected output format xml, use one of (json, yaml)",
    );
    said(
        &["mapper", "export", "-o", "x", "--output-type", "zip"],
        "unexpected output type zip, use one of (single-file, dir)",
    );
    said(
        &["mapper", "export", "--output-type", "dir"],
        "flag --output-type requires --output to specify output path",
    );
    said(
        &["mapper", "export", "--output-version", "v3"],
        "unexpected output version v3, use one of (v1, v2)",
    );
    said(
        &["mapper", "visualize", "-o", "x", "--format", "bmp"],
        "unsupported format: bmp",
    );
    said(
        &["mapper", "export", "--server", "a.b", "-n", "c"],
        "server filter cannot be used with namespaces filter",
    );
    said(
        &["mapper", "export", "--server", "a"],
        "invalid server filter. Expected format: <server-name>.<namespace>",
    );
}

/// A variable does not stand in for what must be typed.
#[test]
fn the_path_of_a_picture_must_be_typed() {
    let home = Folder::new();
    let ran = run(
        "otterize",
        &home,
        &[("OTTERIZE_OUTPUT_PATH", "x")],
        &["mapper", "visualize"],
    );
    assert!(
        ran.err.contains("required flag(s) \"output-path\" not set"),
        "{}",
        ran.err
    );
}

/// The reference's table of flags: command, flag, short form, default.
const FLAGS: &[(&str, &str, &str, &str)] = &[
    (
        "list export reset visualize",
        "--mapper-service-name",
        "",
        "otterize-network-mapper",
    ),
    (
        "list export reset visualize",
        "--mapper-namespace",
        "",
        "otterize-system",
    ),
    (
        "list export reset visualize",
        "--mapper-service-port",
        "",
        "9090",
    ),
    ("list export reset visualize", "--exclude-services", "", ""),
    ("list export reset visualize", "--exclude-labels", "", ""),
    ("list export visualize", "--namespaces", "-n", ""),
    ("list export visualize", "--distinct-by-label", "", ""),
    ("list export visualize", "--as-kubernetes-service", "", ""),
    ("export", "--output", "-o", ""),
    ("export", "--output-type", "", "single-file"),
    ("export", "--format", "", "yaml"),
    ("export", "--server", "", ""),
    ("export", "--output-version", "", "v2"),
    ("visualize", "--format", "", "png"),
    ("visualize", "--output-path", "-o", ""),
    ("list reset", "--format", "", "text"),
    (
        "list export reset visualize",
        "--config",
        "",
        "~/.otterize/config",
    ),
    ("list export reset visualize", "--quiet", "-q", ""),
    ("list export reset visualize", "--debug", "", ""),
    ("list export reset visualize", "--no-headers", "", ""),
    (
        "list export reset visualize",
        "--telemetry-enabled",
        "",
        "true",
    ),
    (
        "list export reset visualize",
        "--telemetry-usage-enabled",
        "",
        "true",
    ),
    (
        "list export reset visualize",
        "--telemetry-errors-enabled",
        "",
        "true",
    ),
    (
        "list export reset visualize",
        "--telemetry-errors-address",
        "",
        "https://app.otterize.com/api/errors",
    ),
    (
        "list export reset visualize",
        "--telemetry-errors-stage",
        "",
        "production",
    ),
];

#[test]
fn help_has_every_flag_of_the_old_tool() {
    let home = Folder::new();
    for (commands, flag, short, default) in FLAGS {
        for command in commands.split(' ') {
            let help = run("otterize", &home, &[], &["network-mapper", command, "-h"])
                .well()
                .out;
            let line = help.lines().find(|line| {
                let mut words = line.split_whitespace().take(2);
                words.any(|word| word == *flag || word.split(['[', '=']).next() == Some(flag))
            });
            let line = line.unwrap_or_else(|| panic!("{command} has no {flag}:\n{help}"));
            assert_eq!(
                line.trim_start().starts_with("--"),
                short.is_empty(),
                "{line}"
            );
            assert!(line.contains(short), "{line}");
            let after = help.split_once(line).unwrap().1;
            let end = after
                .find("\n  -")
                .or(after.find("\n      --"))
                .unwrap_or(after.len());
            let whole = format!("{line}{}", &after[..end])
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" ");
            if !default.is_empty() {
                assert!(whole.contains(&format!("[default: {default}]")), "{whole}");
            }
        }
    }
}
