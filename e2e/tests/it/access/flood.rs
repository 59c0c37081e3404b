//! One sender sends a hundred times what it should, and another does not notice much.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use super::{OURS, Scene, send};

/// Connections of the flood. Each of them asks as often as the one that behaves well.
const FLOODERS: usize = 100;
const PAUSE: Duration = Duration::from_millis(20);
const PHASE: Duration = Duration::from_secs(10);

/// The times of a well-behaved reporter: fifty requests a second over one connection.
fn times(scene: &Scene, token: &str) -> Vec<Duration> {
    let mut client = scene.client();
    let source = json!([{ "srcIp": "10.154.0.1", "srcHostname": "", "destinations": [] }]);
    let document = wire::document::REPORT_TCP_CAPTURE_RESULTS;
    let body = json!({ "query": document, "variables": { "results": { "results": source } } });
    assert_eq!(send(&mut client, token, &body).status, 200);
    let begun = Instant::now();
    let mut times = Vec::new();
    while begun.elapsed() < PHASE {
        let asked = Instant::now();
        assert_eq!(send(&mut client, token, &body).status, 200);
        times.push(asked.elapsed());
        thread::sleep(PAUSE);
    }
    times.sort_unstable();
    times
}

fn percentile(times: &[Duration], of: usize) -> Duration {
    times[(times.len() - 1) * of / 100]
}

struct Flood {
    stop: Arc<AtomicBool>,
    sent: Arc<AtomicU64>,
    held_off: Arc<AtomicU64>,
    threads: Vec<thread::JoinHandle<()>>,
}

impl Flood {
    /// Many connections from one address, each with a request after the other, each with a token of its own.
    fn begin(scene: &Scene, over_tls: bool) -> Self {
        let (stop, sent, held_off) = (Arc::default(), Arc::default(), Arc::default());
        let mut flood = Self {
            stop,
            sent,
            held_off,
            threads: Vec::new(),
        };
        for number in 0..FLOODERS {
            let (address, certificate) = (scene.mapper.address, Arc::clone(&scene.certificate));
            let (stop, sent, held_off) = (
                Arc::clone(&flood.stop),
                Arc::clone(&flood.sent),
                Arc::clone(&flood.held_off),
            );
            flood.threads.push(thread::spawn(move || {
                let client = || {
                    let client = e2e::http::Client::new(address).from(3);
                    if over_tls {
                        client.over(&certificate)
                    } else {
                        client
                    }
                };
                let mut own = client();
                let mut count = 0_u64;
                while !stop.load(Ordering::Relaxed) {
                    count += 1;
                    let token = format!("Bearer flood-{number}-{count}");
                    let fields = [
                        ("content-type", "application/json"),
                        ("authorization", token.as_str()),
                    ];
                    let answer = own.send("POST", "/query", &fields, b"{\"query\":\"{health}\"}");
                    sent.fetch_add(1, Ordering::Relaxed);
                    thread::sleep(PAUSE);
                    match answer {
                        Ok(answer) if answer.status == 429 => {
                            held_off.fetch_add(1, Ordering::Relaxed);
                        }
                        Ok(_) => {}
                        Err(_) => {
                            held_off.fetch_add(1, Ordering::Relaxed);
                            own = client();
                        }
                    }
                }
            }));
        }
        flood
    }

    fn end(self) -> (u64, u64) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads {
            thread.join().unwrap();
        }
        (
            self.sent.load(Ordering::Relaxed),
            self.held_off.load(Ordering::Relaxed),
        )
    }
}

#[test]
#[ignore = "needs the testbed: ./dev test --only e2e"]
fn a_flood_from_one_sender_holds_up_nobody_else() {
    let mut scene = Scene::new("flood");
    let token = scene.token("sniffer", OURS, None);
    let quiet = times(&scene, &token);
    let memory = scene.mapper.memory();
    let mut floods = Vec::new();
    for (over_tls, name) in [(false, "plain"), (true, "tls with random tokens")] {
        let flood = Flood::begin(&scene, over_tls);
        // The burst is over soon.
        thread::sleep(Duration::from_secs(3));
        let busy = times(&scene, &token);
        let (sent, held_off) = flood.end();
        println!(
            "{name}: {sent} sent, {held_off} held off; p50 {:?} -> {:?}, p99 {:?} -> {:?} ({} and {} requests)",
            percentile(&quiet, 50),
            percentile(&busy, 50),
            percentile(&quiet, 99),
            percentile(&busy, 99),
            quiet.len(),
            busy.len(),
        );
        assert!(held_off > 0, "{name}: nothing was held off");
        floods.push(busy);
    }
    let metrics = scene.mapper.metrics();
    let grown = scene.mapper.memory().saturating_sub(memory);
    println!(
        "memory grew by {grown} KiB; {:?}",
        metrics.labelled("portolan_access_refused_total")
    );
    println!(
        "reviews: {}",
        metrics.get("portolan_mapper_api_requests_total{verb=\"token\"}")
    );
    assert!(grown < 64 << 10, "{grown} KiB");
    assert!(metrics.get("portolan_access_bad_tokens") <= 1_000);
    assert!(metrics.get("portolan_access_senders") <= 10);
    // One line for each refusal would be thousands.
    let refusals = scene
        .mapper
        .log()
        .lines()
        .filter(|line| line.contains("refused: "))
        .count();
    assert!(refusals < 200, "{refusals} lines");
}
