//! Connections of every kind of end.

use std::time::Duration;

use e2e::node::{self, NetPod, Node};

use crate::town::{SCANS, SOON, Town, serve};

/// A SYN without an answer is an attempt after half a minute.
const BEYOND_HALF_A_MINUTE: Duration = Duration::from_mins(1);

#[test]
#[ignore = "needs the testbed and root: ./dev test --only e2e"]
fn sniffed_calls_end_as_they_end() {
    if !node::is_allowed() {
        return;
    }
    let names = ["client", "holder", "turned-away", "server"];
    let (mut town, [client, holder, turned_away, server], ()) =
        Town::new(111, "sniffed-calls", names, |_, _| ());
    let _serving = serve(
        &server,
        "serve",
        &["0.0.0.0:8080", "[::]:8081", "0.0.0.0:8082"],
    );
    let _echo = serve(&server, "serve-udp", &["0.0.0.0:5000", "[::]:5001"]);
    let ip = &server.ip;
    town.node.inside(&format!(
        "iptables -A FORWARD -d {ip}/32 -p tcp --dport 83 -j DROP
         iptables -A FORWARD -d {ip}/32 -p tcp --dport 84 -j REJECT --reject-with icmp-host-unreachable
         iptables -A FORWARD -d {ip}/32 -p tcp --dport 85 -j REJECT --reject-with tcp-reset"
    ));
    let of = |port: u16| format!("{ip}:{port}");
    let of_six = |port: u16| format!("[{}]:{port}", server.ipv6);
    let mut long = holder.peer(&["hold", &of(8082), &of_six(8081)]);
    assert_eq!([long.says(), long.says()], ["open", "open"]);
    let _sniffer = town.sniffer(SCANS);

    // Short, and one that goes on.
    assert_eq!(
        client.does(&["connect", &of(8080), &of_six(8081)]),
        ["open", "open"]
    );
    let mut datagrams = holder.peer(&["hold-udp", &of(5000), &of_six(5001)]);
    assert_eq!([datagrams.says(), datagrams.says()], ["open", "open"]);
    // By the server, by nobody, by the network in two ways.
    let ends = turned_away.does(&["connect", &of(81), &of_six(82), &of(83), &of(84), &of(85)]);
    assert_eq!(
        ends,
        [
            "ConnectionRefused",
            "ConnectionRefused",
            "TimedOut",
            "HostUnreachable",
            "ConnectionRefused"
        ]
    );

    town.scene.edges(&[
        "client/Deployment -> server/Deployment :8080/tcp,8081/tcp [tcp]",
        "holder/Deployment -> server/Deployment :8081/tcp,8082/tcp,5000/udp,5001/udp [socket]",
    ]);
    town.scene.attempts(&[
        "turned-away/Deployment -> server/Deployment :81/tcp,82/tcp,83/tcp,84/tcp,85/tcp [tcp] refused,unanswered",
    ]);
    town.wait(BEYOND_HALF_A_MINUTE);
    datagrams.end();
    long.end();
}

/// Processes, and namespaces of them, that are gone before they are looked at.
const CROWD: &str = "for n in $(seq 150); do
    unshare --net sh -c : &
    sleep 0.02 &
    sh -c 'sleep 0.01' &
    [ $((n % 10)) != 0 ] || wait
  done; wait";

#[test]
#[ignore = "needs the testbed and root: ./dev test --only e2e"]
fn sniffed_pods_may_vanish_while_they_are_looked_at() {
    if !node::is_allowed() {
        return;
    }
    let names = ["client", "crowd", "brief-1", "brief-2", "brief-3", "server"];
    let (mut town, [client, crowd, one, two, three, server], ()) =
        Town::new(112, "sniffed-crowd", names, |_, _| ());
    let _serving = serve(&server, "serve", &["0.0.0.0:8080"]);
    let server = format!("{}:8080", server.ip);
    let sniffer = town.sniffer(&[SCANS, &["--sniffer-report-interval", "100ms"]].concat());
    let mut come_and_go = crowd.command("sh").args(["-c", CROWD]).spawn().unwrap();
    for pod in [&one, &two, &three] {
        vanishes(&mut town.node, pod, &server);
    }
    assert_eq!(client.does(&["connect", &server]), ["open"]);
    assert!(come_and_go.wait().unwrap().success());
    assert_eq!(client.does(&["connect", &server]), ["open"]);
    let edge = |name: &str| format!("{name}/Deployment -> server/Deployment :8080/tcp [tcp]");
    // What is held open for a moment may be found open as well.
    let edges = ["client", "brief-1", "brief-2", "brief-3"].map(edge);
    town.scene.edges(&edges.each_ref().map(String::as_str));
    town.wait(SOON);
    // They are forgotten, too.
    let few = e2e::time::wait(SOON, || {
        (sniffer.metric("portolan_sniffer_namespaces_unread") < 1.0).then_some(())
    });
    assert!(few.is_some(), "namespaces that are gone are waited for");
}

/// Calls, and is gone at once.
fn vanishes(node: &mut Node, pod: &NetPod, server: &str) {
    assert_eq!(pod.does(&["connect", server]), ["open"]);
    std::thread::sleep(Duration::from_millis(400));
    node.remove(pod);
}
