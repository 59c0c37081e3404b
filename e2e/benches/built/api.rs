//! As much of an API server as a mapper needs to know a cluster in which nothing happens. For clusters of a size that no
//! testbed holds.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use testkit::city::City;

/// The lists, by path, each object as its text.
type Lists = BTreeMap<&'static str, Vec<String>>;

/// What the mapper watches, by kind.
const PATHS: [(&str, &str); 10] = [
    ("Pod", "/api/v1/pods"),
    ("Node", "/api/v1/nodes"),
    ("Service", "/api/v1/services"),
    ("EndpointSlice", "/apis/discovery.k8s.io/v1/endpointslices"),
    ("ReplicaSet", "/apis/apps/v1/replicasets"),
    ("Deployment", "/apis/apps/v1/deployments"),
    ("StatefulSet", "/apis/apps/v1/statefulsets"),
    ("DaemonSet", "/apis/apps/v1/daemonsets"),
    ("Job", "/apis/batch/v1/jobs"),
    ("CronJob", "/apis/batch/v1/cronjobs"),
];

/// A server; it stays until the process ends.
#[derive(Debug)]
pub(crate) struct Api {
    /// The path of a kubeconfig.
    pub(crate) kubeconfig: String,
    /// Bytes of a pod's JSON, on average.
    pub(crate) pod_bytes: usize,
}

impl Api {
    /// One that has this city's objects.
    pub(crate) fn start(city: City) -> Self {
        let lists = Arc::new(lists(city));
        let pods = &lists["/api/v1/pods"];
        let pod_bytes = pods.iter().map(String::len).sum::<usize>() / pods.len().max(1);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let lists = Arc::clone(&lists);
                // A client that goes ends its thread.
                std::thread::spawn(move || stream.map(|stream| converse(&stream, &lists)));
            }
        });
        let named = |kind: &str, value: Value| json!([{"name": "city", kind: value}]);
        let kubeconfig = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "city",
            "clusters": named("cluster", json!({"server": format!("http://{address}")})),
            "users": named("user", json!({})),
            "contexts": named("context", json!({"cluster": "city", "user": "city"})),
        });
        let path = e2e::bed::log_folder().join(format!("city-{}.kubeconfig", address.port()));
        std::fs::write(&path, kubeconfig.to_string()).unwrap();
        Self {
            kubeconfig: path.display().to_string(),
            pod_bytes,
        }
    }
}

fn lists(city: City) -> Lists {
    let mut lists: Lists = PATHS.iter().map(|(_, path)| (*path, Vec::new())).collect();
    for object in city.objects() {
        let path = PATHS.iter().find(|(kind, _)| object["kind"] == *kind);
        let list = path.and_then(|(_, path)| lists.get_mut(path));
        list.expect("an object of no known kind")
            .push(object.to_string());
    }
    lists
}

/// Answers one request after the other.
fn converse(stream: &TcpStream, lists: &Lists) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut requests = BufReader::new(stream);
    loop {
        let mut first = String::new();
        if requests.read_line(&mut first)? == 0 {
            return Ok(());
        }
        let mut field = String::new();
        while requests.read_line(&mut field)? > 2 {
            field.clear();
        }
        let target = first.split(' ').nth(1).unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        match lists.get(path) {
            None => send(
                stream,
                404,
                r#"{"kind":"Status","code":404,"reason":"NotFound"}"#,
            )?,
            Some(_) if get(query, "watch").is_some() => watch(stream, query)?,
            Some(list) => send(stream, 200, &page(list, query))?,
        }
    }
}

fn get<'q>(query: &'q str, key: &str) -> Option<&'q str> {
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find(|(name, _)| *name == key).map(|(_, value)| value)
}

fn page(list: &[String], query: &str) -> String {
    let number = |key| get(query, key).and_then(|text| text.parse::<usize>().ok());
    let from = number("continue").unwrap_or(0).min(list.len());
    let most = number("limit").unwrap_or(usize::MAX);
    let to = from.saturating_add(most).min(list.len());
    let next = if to < list.len() {
        to.to_string()
    } else {
        String::new()
    };
    let items = list[from..to].join(",");
    format!(r#"{{"metadata":{{"resourceVersion":"1","continue":"{next}"}},"items":[{items}]}}"#)
}

/// Nothing happens, of which a bookmark tells.
fn watch(mut stream: &TcpStream, query: &str) -> std::io::Result<()> {
    let line = "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"1\"}}}\n";
    write!(
        stream,
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{line}\r\n",
        line.len()
    )?;
    let seconds = get(query, "timeoutSeconds").and_then(|text| text.parse().ok());
    std::thread::sleep(Duration::from_secs(seconds.unwrap_or(1)));
    stream.write_all(b"0\r\n\r\n")
}

fn send(mut stream: &TcpStream, status: u16, body: &str) -> std::io::Result<()> {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body.as_bytes())
}
