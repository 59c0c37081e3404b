//! The replaced mapper's side of the contract, by a GraphQL implementation that knows nothing else: no field of ours is
//! ever sent, and everything that it has a place for arrives.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use async_graphql::{
    EmptySubscription, InputObject, InputValueError, InputValueResult, Object, Request, Scalar,
    ScalarType, Schema, Value, Variables,
};
use e2e::coredns;
use e2e::node;
use e2e::relay::{Deed, Relay};
use e2e::sniffer::Sniffer;
use e2e::time::wait;
use parking_lot::Mutex;

use crate::town::{SOON, Town, cluster_dns, serve};

/// RFC 3339, and nothing else.
#[derive(Clone, Debug)]
struct Time(jiff::Timestamp);

#[Scalar]
impl ScalarType for Time {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::String(text) => Ok(Self(text.parse().map_err(InputValueError::custom)?)),
            _ => Err(InputValueError::expected_type(value)),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

#[derive(Clone, Debug, InputObject)]
#[allow(clippy::struct_field_names, reason = "the contract's names")]
struct Destination {
    destination: String,
    #[graphql(name = "destinationIP")]
    destination_ip: Option<String>,
    destination_port: Option<i64>,
    #[graphql(name = "TTL")]
    ttl: Option<i64>,
    last_seen: Time,
    src_ports: Option<Vec<i64>>,
}

#[derive(Clone, Debug, InputObject)]
struct RecordedDestinationsForSrc {
    src_ip: String,
    src_hostname: String,
    destinations: Vec<Destination>,
}

#[derive(Clone, Debug, InputObject)]
struct CaptureResults {
    results: Vec<RecordedDestinationsForSrc>,
}

#[derive(Clone, Debug, InputObject)]
#[graphql(name = "CaptureTCPResults")]
struct CaptureTcpResults {
    results: Vec<RecordedDestinationsForSrc>,
}

#[derive(Clone, Debug, InputObject)]
struct SocketScanResults {
    results: Vec<RecordedDestinationsForSrc>,
}

struct Query;

#[Object]
impl Query {
    async fn health(&self) -> bool {
        true
    }
}

/// What arrived, a line each.
#[derive(Clone, Default)]
struct Arrived(Arc<Mutex<Vec<String>>>);

impl Arrived {
    fn take(&self, kind: &str, results: &[RecordedDestinationsForSrc]) -> bool {
        for source in results {
            assert_eq!(source.src_hostname, "", "no pod's name is known here");
            for destination in &source.destinations {
                let age = jiff::Timestamp::now().duration_since(destination.last_seen.0);
                assert!(age.as_secs().abs() < 60, "{destination:?}");
                assert!(destination.src_ports.is_some(), "{destination:?}");
                let line = format!(
                    "{kind}: {} -> {} {} {} {}",
                    source.src_ip,
                    destination.destination,
                    destination.destination_ip.as_deref().unwrap_or("-"),
                    destination.destination_port.unwrap_or(0),
                    destination.ttl.unwrap_or(0),
                );
                self.0.lock().push(line);
            }
        }
        true
    }

    /// Of the pods of this node: the sniffer talks to the mapper, and the machine's processes are those of other tests, too.
    fn lines(&self) -> Vec<String> {
        let mut lines = self.0.lock().clone();
        lines.retain(|line| line.contains(": 10.150.118.") || line.contains(": fd00:150:76:"));
        lines.sort();
        // What goes on is told again.
        lines.dedup();
        lines
    }
}

struct Mutation(Arrived);

#[Object]
impl Mutation {
    async fn report_capture_results(&self, results: CaptureResults) -> bool {
        self.0.take("dns", &results.results)
    }

    #[graphql(name = "reportTCPCaptureResults")]
    async fn report_tcp_capture_results(&self, results: CaptureTcpResults) -> bool {
        self.0.take("tcp", &results.results)
    }

    async fn report_socket_scan_results(&self, results: SocketScanResults) -> bool {
        self.0.take("socket", &results.results)
    }
}

type Old = Schema<Query, Mutation, EmptySubscription>;

/// Status and body, as the replaced mapper gives them: 422 for what does not fit its schema.
fn answer(schema: &Old, body: &str) -> (u16, String) {
    let Ok(body) = serde_json::from_str::<serde_json::Value>(body) else {
        return (400, "{\"errors\":[{\"message\":\"no JSON\"}]}".to_owned());
    };
    let request = Request::new(body["query"].as_str().unwrap_or_default())
        .variables(Variables::from_json(body["variables"].clone()));
    // Nothing in it waits.
    let mut executing = pin!(schema.execute(request));
    let mut context = Context::from_waker(Waker::noop());
    let response = loop {
        if let Poll::Ready(response) = executing.as_mut().poll(&mut context) {
            break response;
        }
    };
    let status = if response.errors.is_empty() { 200 } else { 422 };
    (status, serde_json::to_string(&response).unwrap())
}

#[test]
#[ignore = "needs the testbed and root: ./dev test --only e2e"]
fn sniffed_reports_fit_the_replaced_mapper() {
    if !node::is_allowed() {
        return;
    }
    let names = ["client", "holder", "server", "dns"];
    let (town, [client, holder, server, dns], service) =
        Town::new(118, "sniffed-old", names, |scene, [.., server, dns]| {
            cluster_dns(scene, 118, dns);
            scene.service("server", &[server])
        });
    town.node.service(&service.ip, 80, &[&server]);
    let _serving = serve(&server, "serve", &["0.0.0.0:8080", "[::]:8081"]);
    let zone = format!(
        ".:53 {{
            hosts {{
                {} {} ready.example
                ttl 77
            }}
        }}",
        service.ip, service.dns
    );
    let _dns = coredns::start(&dns, &zone);
    let mut holding = holder.peer(&["hold", &format!("{}:8080", server.ip)]);
    assert_eq!(holding.says(), "open");

    let arrived = Arrived::default();
    let schema = Schema::new(Query, Mutation(arrived.clone()), EmptySubscription);
    // It is the old contract, and no more.
    assert_eq!(wire::sdl::added_by(&schema.sdl()), [""; 0]);
    let refused: Arc<Mutex<Vec<String>>> = Arc::default();
    let relay = Relay::start(town.mapper.address);
    let refusals = Arc::clone(&refused);
    relay.rule(move |body| {
        let (status, answer) = answer(&schema, body);
        if status != 200 {
            refusals.lock().push(format!("{body}: {answer}"));
        }
        Deed::Say(status, answer)
    });
    let sniffer = Sniffer::ready(&town.node, &town.url(relay.port), &[]);
    let at_dns = format!("{}:53", dns.ip);
    assert_eq!(
        client.does(&["resolve", "udp", &at_dns, "A", &service.dns]),
        [format!("udp {}", service.ip)]
    );
    let six = format!("[{}]:8081", server.ipv6);
    assert_eq!(
        client.does(&["connect", &format!("{}:80", service.ip), &six]),
        ["open", "open"]
    );
    // It has no place for attempts, which would become edges.
    let closed = format!("{}:81", server.ip);
    assert_eq!(client.does(&["connect", &closed]), ["ConnectionRefused"]);

    let mut wanted = [
        format!("dns: {} -> {} {} 0 77", client.ip, service.dns, service.ip),
        format!("socket: {} -> {} {1} 8080 0", holder.ip, server.ip),
        format!("tcp: {} -> {} {1} 80 0", client.ip, service.ip),
        format!("tcp: {} -> {} {1} 8081 0", client.ipv6, server.ipv6),
    ];
    wanted.sort();
    let has_all = wait(SOON, || (arrived.lines() == wanted).then_some(()));
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(arrived.lines(), wanted, "{has_all:?}");
    assert_eq!(*refused.lock(), [""; 0]);
    let dropped = sniffer.labelled("portolan_sniffer_dropped_total");
    let others: u64 = dropped
        .iter()
        .filter(|(reason, _)| *reason != "unknown_to_mapper")
        .map(|(_, count)| count)
        .sum();
    assert_eq!((dropped["unknown_to_mapper"] > 0, others), (true, 0));
    holding.end();
}
