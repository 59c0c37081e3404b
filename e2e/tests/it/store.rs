//! The map on disk, with the built mapper: killed at random moments under load, started twice, without room.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use e2e::kube::Proxy;
use e2e::mapper::{self, Mapper};
use e2e::scene::{Scene, set_up};
use e2e::time::{from_now, wait};
use serde_json::{Value, json};

/// Pods, each of which calls all others, on so many ports.
const PODS: usize = 16;
const PORTS: u64 = 16;

/// Reporters, each with a connection of its own.
const REPORTERS: usize = 4;

/// A pod as reports name it.
struct Pod {
    name: String,
    ip: String,
    uid: String,
}

/// A call: client, server and port.
type Call = (usize, usize, u64);

/// Moments in the order in which they came.
#[derive(Default)]
struct Moments(AtomicU64);

impl Moments {
    fn next(&self) -> u64 {
        self.0.fetch_add(1, SeqCst)
    }
}

/// Numbers that look random, and are the same on every run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % most
    }

    fn index(&mut self, most: usize) -> usize {
        usize::try_from(self.below(most as u64)).unwrap()
    }
}

/// A reporter, which outlives the mapper.
struct Reporter {
    name: String,
    chance: Chance,
    counted: BTreeMap<(usize, usize), u64>,
    /// When a call was last told, answered or not.
    sent: BTreeMap<Call, u64>,
    /// What was answered with `true`, by when it was told.
    kept: BTreeMap<Call, u64>,
    answers: [u64; 2],
}

impl Reporter {
    fn new(number: usize) -> Self {
        Self {
            name: format!("node-{number}/1"),
            chance: Chance(0x9e37_79b9_7f4a_7c15 ^ (number as u64 + 1)),
            counted: BTreeMap::new(),
            sent: BTreeMap::new(),
            kept: BTreeMap::new(),
            answers: [0; 2],
        }
    }

    /// One report after the other, until the mapper is gone.
    fn report(&mut self, mapper: &Address, pods: &[Pod], moments: &Moments, ended: &AtomicBool) {
        let mut client = mapper.client();
        while !ended.load(SeqCst) {
            let calls = self.calls();
            let body = self.body(pods, &calls);
            let begun = moments.next();
            let fields = [("content-type", "application/json")];
            let answer = client.send("POST", "/query", &fields, body.to_string().as_bytes());
            let moment = moments.next();
            self.sent.extend(calls.iter().map(|call| (*call, moment)));
            let Ok(answer) = answer else { return };
            let kept = answer.json()["data"]["reportTCPCaptureResults"] == true;
            self.answers[usize::from(kept)] += 1;
            if kept {
                self.kept.extend(calls.iter().map(|call| (*call, begun)));
            }
        }
    }

    /// A few calls of one client.
    fn calls(&mut self) -> Vec<Call> {
        let from = self.chance.index(PODS);
        let count = 1 + self.chance.index(5);
        let calls = (0..count).map(|_| {
            let to = (from + 1 + self.chance.index(PODS - 1)) % PODS;
            (from, to, 8000 + self.chance.below(PORTS))
        });
        calls.collect()
    }

    fn body(&mut self, pods: &[Pod], calls: &[Call]) -> Value {
        let source = &pods[calls[0].0];
        let now = from_now(0);
        let destinations = calls.iter().map(|(from, to, port)| {
            let counted = self.counted.entry((*from, *to)).or_default();
            *counted += 1;
            json!({
                "destination": pods[*to].ip, "destinationIP": pods[*to].ip, "destinationPort": port,
                "destinationPodUid": pods[*to].uid, "lastSeen": now, "srcPorts": [40_001],
                "connections": *counted,
            })
        });
        let source = json!({
            "srcIp": source.ip, "srcHostname": "", "srcPodUid": source.uid, "reporterId": self.name,
            "destinations": destinations.collect::<Vec<_>>(),
        });
        json!({
            "query": wire::document::REPORT_TCP_CAPTURE_RESULTS,
            "variables": {"results": {"results": [source]}},
        })
    }
}

/// Where a mapper is, for threads that outlive it.
struct Address(std::net::SocketAddr);

impl Address {
    const fn client(&self) -> e2e::http::Client {
        e2e::http::Client::new(self.0)
    }
}

/// What resets were asked for.
#[derive(Default)]
struct Resets {
    count: u64,
    /// When the last one that was answered with `true` was asked for, and answered.
    last: Option<(u64, u64)>,
    /// One was asked for and not answered: it may have been done.
    open: bool,
}

impl Resets {
    fn ask(&mut self, mapper: &Address, moments: &Moments) {
        let body = json!({"query": "mutation ResetCapture { resetCapture }"}).to_string();
        let fields = [("content-type", "application/json")];
        let begun = moments.next();
        let answer = mapper
            .client()
            .send("POST", "/query", &fields, body.as_bytes());
        if answer.is_ok_and(|answer| answer.json()["data"]["resetCapture"] == true) {
            self.last = Some((begun, moments.next()));
            self.count += 1;
        } else {
            self.open = true;
        }
    }

    /// Calls last told before this moment must not be there.
    fn begun(&self) -> u64 {
        self.last.map_or(0, |(begun, _)| begun)
    }

    /// Calls told after this moment, and answered with `true`, must be there.
    fn ended(&self) -> u64 {
        self.last.map_or(0, |(_, ended)| ended)
    }
}

/// How many connections each edge of the map has, and its ports.
fn edges(mapper: &Mapper) -> BTreeMap<(String, String), (u64, BTreeSet<u64>)> {
    let document =
        "{ edges(external: true) { client { name } server { name } connections ports { port } } }";
    let edges = mapper.query(document, &json!({}));
    let name = |peer: &Value| peer["name"].as_str().unwrap().to_owned();
    let mut found = BTreeMap::new();
    for edge in edges["edges"].as_array().unwrap() {
        let ports = edge["ports"].as_array().unwrap();
        let ports = ports.iter().map(|port| port["port"].as_u64().unwrap());
        let what = (edge["connections"].as_u64().unwrap(), ports.collect());
        let before = found.insert((name(&edge["client"]), name(&edge["server"])), what);
        assert!(before.is_none(), "an edge is listed twice: {edge}");
    }
    found
}

/// What is wrong with the map, if anything: lost, come back, doubled.
fn wrong(mapper: &Mapper, pods: &[Pod], reporters: &[Reporter], resets: &Resets) -> Option<String> {
    let found = edges(mapper);
    let names = |from: usize, to: usize| (pods[from].name.clone(), pods[to].name.clone());
    let has = |(from, to, port): &Call| {
        let edge = found.get(&names(*from, *to));
        edge.is_some_and(|(_, ports)| ports.contains(port))
    };
    for reporter in reporters {
        let must = reporter
            .kept
            .iter()
            .filter(|(_, begun)| **begun > resets.ended());
        if let Some((call, _)) = must.into_iter().find(|(call, _)| !has(call)) {
            return Some(format!("{call:?} was answered with true, and is lost"));
        }
    }
    for from in 0..PODS {
        for to in 0..PODS {
            let Some((connections, ports)) = found.get(&names(from, to)) else {
                continue;
            };
            for port in ports {
                let sent = reporters
                    .iter()
                    .filter_map(|reporter| reporter.sent.get(&(from, to, *port)));
                if sent.max().is_none_or(|sent| *sent < resets.begun()) {
                    return Some(format!("{:?} came back after a reset", (from, to, port)));
                }
            }
            let counted = reporters
                .iter()
                .filter_map(|reporter| reporter.counted.get(&(from, to)));
            let counted: u64 = counted.sum();
            if *connections > counted {
                return Some(format!(
                    "{:?} has {connections} connections; {counted} were counted",
                    (from, to)
                ));
            }
        }
    }
    None
}

fn pods(proxy: &Proxy, number: u16, name: &str) -> Vec<Pod> {
    let mapper = Mapper::ready("pods", &[]);
    let mut scene = [Scene::new(number, name)];
    let made: Vec<_> = (0..PODS)
        .map(|pod| scene[0].pod(&format!("pod-{pod}")))
        .collect();
    set_up(proxy, &mapper, &mut scene);
    let pods = made.into_iter().map(|pod| Pod {
        uid: scene[0].uid(&pod.name).to_owned(),
        name: pod.name,
        ip: pod.ip,
    });
    pods.collect()
}

/// As often as CI can afford; `./dev soak` says how often.
fn kills() -> u64 {
    let told = std::env::var("PORTOLAN_KILLS").ok();
    told.map_or(50, |told| told.parse().unwrap())
}

#[test]
#[ignore = "needs the testbed: ./dev test --only e2e"]
fn store_survives_kills_at_random_moments_under_load() {
    let pods = pods(&Proxy::start(), 236, "kills");
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["--data-dir", folder.path().to_str().unwrap()];
    let moments = Moments::default();
    let mut chance = Chance(0x2545_f491_4f6c_dd1d);
    let mut reporters: Vec<Reporter> = (0..REPORTERS).map(Reporter::new).collect();
    let mut resets = Resets::default();
    let mut mapper = Mapper::ready("kills", &arguments);
    for kill in 1..=kills() {
        let address = Address(mapper.address);
        let ended = AtomicBool::new(false);
        let (until_reset, asks) = (chance.below(200), chance.below(4) == 0);
        let until_kill = 20 + chance.below(400);
        std::thread::scope(|scope| {
            for reporter in &mut reporters {
                let (address, pods, moments, ended) = (&address, &pods, &moments, &ended);
                scope.spawn(move || reporter.report(address, pods, moments, ended));
            }
            if asks {
                let (address, moments, resets) = (&address, &moments, &mut resets);
                scope.spawn(move || {
                    std::thread::sleep(Duration::from_millis(until_reset));
                    resets.ask(address, moments);
                });
            }
            std::thread::sleep(Duration::from_millis(until_kill));
            mapper.signal("KILL");
            mapper.wait_end(Duration::from_secs(10)).unwrap();
            ended.store(true, SeqCst);
        });
        if std::mem::take(&mut resets.open) {
            // Nobody can tell any more what has to be there.
            for reporter in &mut reporters {
                reporter.kept.clear();
            }
        }
        mapper = Mapper::start("kills", &e2e::bed::variable("KUBECONFIG"), &arguments);
        // Some go on before the mapper knows the cluster.
        if kill % 3 == 0 {
            continue;
        }
        mapper.wait_ready();
        let mut last = None;
        let right = wait(Duration::from_secs(20), || {
            last = wrong(&mapper, &pods, &reporters, &resets);
            last.is_none().then_some(())
        });
        assert!(right.is_some(), "after {kill} kills: {last:?}");
    }
    let answers = |which: usize| -> u64 {
        reporters
            .iter()
            .map(|reporter| reporter.answers[which])
            .sum()
    };
    println!(
        "\n@kills {} {} {} {}",
        kills(),
        answers(1),
        answers(0),
        resets.count
    );
    assert!(answers(1) > kills(), "there was no load");
}

#[test]
#[ignore = "needs the testbed: ./dev test --only e2e"]
fn store_is_for_one_process() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["--data-dir", folder.path().to_str().unwrap()];
    let mut first = Mapper::ready("first", &arguments);
    let kubeconfig = e2e::bed::variable("KUBECONFIG");
    let mut second = Mapper::spawn(mapper::command(), "second", &kubeconfig, &arguments);
    let (status, _) = second.wait_end(Duration::from_secs(20)).unwrap();
    assert!(!status.success());
    let log = second.log();
    assert!(log.contains("in use by another mapper"), "{log}");
    assert!(first.is_alive());
}

/// A file that may not grow is what a full disk looks like to a process, without the rights to make one.
#[test]
#[ignore = "needs the testbed: ./dev test --only e2e"]
fn store_without_room_refuses_and_goes_on_by_itself() {
    let pods = pods(&Proxy::start(), 237, "room");
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["--data-dir", folder.path().to_str().unwrap()];
    let mut shell = Command::new("sh");
    let binary = mapper::command().get_program().to_owned();
    shell
        .args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""])
        .arg(binary);
    let kubeconfig = e2e::bed::variable("KUBECONFIG");
    let mapper = Mapper::spawn(shell, "room", &kubeconfig, &arguments);
    mapper.wait_listens();
    mapper.wait_ready();
    let mut reporter = Reporter::new(0);
    let mut tell = |mapper: &Mapper| {
        let calls = reporter.calls();
        let body = reporter.body(&pods, &calls);
        let answer = mapper.post(body.to_string().as_bytes());
        (
            calls,
            answer.json()["data"]["reportTCPCaptureResults"] == true,
        )
    };
    let mut kept: BTreeSet<Call> = BTreeSet::new();
    let (calls, is_kept) = tell(&mapper);
    assert!(is_kept);
    kept.extend(calls);

    let file = folder.path().join("map.redb");
    limit(
        &mapper,
        &std::fs::metadata(&file).unwrap().len().to_string(),
    );
    let mut refused = 0;
    wait(Duration::from_mins(1), || {
        for _ in 0..50 {
            let (calls, is_kept) = tell(&mapper);
            if is_kept {
                kept.extend(calls);
            } else {
                refused += 1;
            }
        }
        (refused > 0).then_some(())
    });
    assert!(refused > 0, "it takes all, without room");
    assert_eq!(mapper.metrics().get("portolan_mapper_store_failing"), 1);
    // Reads go on.
    let has = |mapper: &Mapper, kept: &BTreeSet<Call>| {
        let found = edges(mapper);
        kept.iter().all(|(from, to, port)| {
            let names = (pods[*from].name.clone(), pods[*to].name.clone());
            found
                .get(&names)
                .is_some_and(|(_, ports)| ports.contains(port))
        })
    };
    assert!(has(&mapper, &kept));

    limit(&mapper, "unlimited");
    let again = wait(Duration::from_secs(30), || {
        let (calls, is_kept) = tell(&mapper);
        is_kept.then(|| kept.extend(calls))
    });
    assert!(again.is_some(), "there is room, and it still refuses");
    mapper.signal("KILL");
    drop(mapper);
    let mapper = Mapper::ready("room", &arguments);
    let found = wait(Duration::from_secs(20), || {
        has(&mapper, &kept).then_some(())
    });
    assert!(found.is_some(), "something is lost");
    assert!(count_files(folder.path()) == 1, "nothing was set aside");
}

/// `./dev soak` leaves a large map, and asks how long a start with it takes.
#[test]
#[ignore = "needs the testbed: ./dev test --only e2e"]
fn store_of_a_large_map_is_read_at_the_start() {
    let Some(folder) = std::env::var_os("PORTOLAN_BIG_MAP") else {
        return;
    };
    let begun = std::time::Instant::now();
    let arguments = ["--data-dir", folder.to_str().unwrap()];
    let kubeconfig = e2e::bed::variable("KUBECONFIG");
    let mapper = Mapper::spawn(mapper::command(), "large", &kubeconfig, &arguments);
    let ready = wait(Duration::from_mins(5), || {
        mapper.get("/readyz").filter(|answer| answer.status == 200)
    });
    assert!(ready.is_some(), "it does not become ready");
    let seconds = begun.elapsed().as_secs_f64();
    assert!(mapper.metrics().get("portolan_mapper_edges") > 0);
    println!("\n@restart {seconds:.1} {}", mapper.memory() >> 10);
}

fn count_files(folder: &Path) -> usize {
    std::fs::read_dir(folder).unwrap().count()
}

/// How large its files may become.
fn limit(mapper: &Mapper, bytes: &str) {
    let done = Command::new("prlimit")
        .args(["--pid", &mapper.pid().to_string()])
        .arg(format!("--fsize={bytes}:"))
        .status();
    assert!(done.unwrap().success());
}
