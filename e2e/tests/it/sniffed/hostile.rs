//! Pods that lie: about who they are, about what was answered, in floods, and in bytes that are no packets. The map stays
//! the truth, the sniffer stays small, and what others do meanwhile is seen.
//!
//! What a pod cannot be kept from without a look at the interfaces: with the right to send packets in another's name
//! (`CAP_NET_RAW` where the network checks no sources), it can make an attempt of the other's, and ask for names in its
//! name.

use std::net::{IpAddr, SocketAddr};
use std::thread::JoinHandle;
use std::time::Duration;

use e2e::coredns;
use e2e::node::{self, NetPod, Running};
use e2e::scene::Pod;
use e2e::time::wait;
use testkit::dns::{self, A, answer, query};
use testkit::frames::{SYN, Segment, summed, tcp, udp};

use crate::town::{SOON, Town, cluster_dns, serve};

/// Evidence by DNS alone waits a minute for a connection.
const BEYOND_A_MINUTE: Duration = Duration::from_secs(90);

fn at(ip: &str, port: u16) -> SocketAddr {
    SocketAddr::new(ip.parse().unwrap(), port)
}

/// A packet, and where it goes to.
fn to(address: SocketAddr, packet: Vec<u8>) -> (IpAddr, Vec<u8>) {
    (address.ip(), packet)
}

/// A SYN that a kernel takes.
fn syn(from: SocketAddr, address: SocketAddr, sequence: u32) -> (IpAddr, Vec<u8>) {
    let segment = Segment {
        flags: SYN,
        sequence,
        ..Segment::default()
    };
    to(address, summed(tcp(from, address, segment)))
}

/// SYNs in another's name. Each is answered, and disowned by the one that it names: mostly within microseconds, but some a
/// block of the ring later.
const SPOOFED: u16 = 6_000;

#[test]
#[ignore = "needs the testbed and root: ./dev test --only e2e"]
fn sniffed_lies_make_no_edges() {
    if !node::is_allowed() {
        return;
    }
    let names = ["victim", "other", "evil", "server", "dns"];
    let (mut town, [victim, other, evil, server, dns], dns_service) =
        Town::new(115, "sniffed-lies", names, |scene, [.., dns]| {
            cluster_dns(scene, 115, dns)
        });
    town.node.translate((&dns_service, 53), (&dns.ip, 53));
    let address = "198.18.115.7";
    let zone = format!(
        ".:53 {{
            errors
            hosts {{
                {address} ready.example
                {address} asked.example
                {address} true.example
            }}
        }}"
    );
    let _dns = coredns::start(&dns, &zone);
    let _serving = serve(&server, "serve", &["0.0.0.0:8080"]);
    let sniffer = town.sniffer(&[]);
    let forged = [IpAddr::from([198, 18, 115, 66])];
    let of_dns = at(&dns.ip, 53);

    // Another one asks, and is answered.
    let asking = at(&other.ip, 40_000);
    other.sends([to(
        of_dns,
        udp(asking, of_dns, &query(77, "asked.example", A)),
    )]);
    std::thread::sleep(Duration::from_millis(500));
    let names = ["asked.example", "forged.example"];
    for from in [of_dns, at(&evil.ip, 53), at(&dns_service, 53)] {
        let lies = names.iter().flat_map(|name| {
            let message = answer(77, name, &forged, 60);
            // To the one who asked, to its other port, to one who did not ask.
            let ports = [asking, at(&other.ip, 40_001), at(&victim.ip, 40_000)];
            ports.map(|port| to(port, udp(from, port, &message)))
        });
        evil.sends(lies.collect::<Vec<_>>());
    }
    // A question with an answer in it, which made the DNS server a client once.
    let mut question = answer(9, "forged.example", &forged, 60);
    question[2] &= 0x7f;
    evil.sends([to(of_dns, udp(at(&victim.ip, 40_000), of_dns, &question))]);

    // Calls in another's name; and in the name of nobody.
    let of_server = at(&server.ip, 8_080);
    let nobody = "10.150.115.240";
    let lying = std::thread::spawn({
        let (evil, victim) = (evil.clone(), victim.ip.clone());
        move || {
            evil.sends_each(
                "500",
                (0..SPOOFED).map(|n| {
                    let from = at(&victim, 20_000 + n);
                    syn(from, of_server, u32::from(n) * 7_919)
                }),
            );
        }
    });
    // So that there is always something to report meanwhile.
    let called = of_server.to_string();
    while !lying.is_finished() {
        other.does(&[&["connect"], &[called.as_str(); 10][..]].concat());
    }
    lying.join().unwrap();
    evil.sends((0..50).map(|n| syn(at(nobody, 20_000 + n), of_server, u32::from(n))));

    // The truth.
    assert_eq!(
        victim.does(&[
            "resolve",
            "udp",
            &format!("{dns_service}:53"),
            "A",
            "true.example"
        ]),
        [format!("udp {address}")]
    );
    assert_eq!(other.does(&["connect", &of_server.to_string()]), ["open"]);
    town.scene.edges(&[
        &format!("other/Deployment -> asked.example at {address} [dns]"),
        &format!("victim/Deployment -> true.example at {address} [dns]"),
        "other/Deployment -> server/Deployment :8080/tcp [tcp]",
    ]);
    town.wait(BEYOND_A_MINUTE);
    let fates = sniffer.labelled("portolan_sniffer_dns_messages_total");
    assert!(fates["unasked answers"] >= 12, "{fates:?}");
    let fates = sniffer.labelled("portolan_sniffer_handshake_packets_total");
    assert!(
        fates["disowned by the client"] > u64::from(SPOOFED) / 2,
        "{fates:?}"
    );
}

/// Packets of one flood; as many again are sent by the next, when all tables have seen them.
const FLOOD: u16 = 20_000;

/// What tables may take in the course of a flood, in KiB: those of handshakes (14 MB), of questions (7 MB), of
/// observations (25 MB) and of what is known (31 MB) when they are full, see `crates/sniffer/src/limits.rs`.
const MOST_GROWTH: u64 = 77 << 10;

/// What the second flood may add, in KiB: nothing but what the allocator cuts differently.
const SECOND_GROWTH: u64 = 8 << 10;

#[test]
#[ignore = "needs the testbed and root: ./dev test --only e2e"]
fn sniffed_floods_hide_nobody() {
    if !node::is_allowed() {
        return;
    }
    let names = ["client", "evil", "server", "target"];
    let (mut town, [client, evil, server, target], ()) =
        Town::new(116, "sniffed-floods", names, |_, _| ());
    let ports: Vec<String> = (8_080..8_084)
        .map(|port| format!("{}:{port}", server.ip))
        .collect();
    let _serving = serve(
        &server,
        "serve",
        &ports.iter().map(String::as_str).collect::<Vec<_>>(),
    );
    let sniffer = town.sniffer(&[]);
    // What is sent to addresses that nobody has stays here.
    town.node.inside("ip route add blackhole 10.200.0.0/13");
    let mut memory = vec![sniffer.memory()];
    let mut called = Vec::new();
    for (flood, calls) in (0..).zip(ports.chunks(2)) {
        let [during, after] = calls else {
            panic!("two calls for each flood");
        };
        let sending = flooding(&evil, &target, flood);
        std::thread::sleep(Duration::from_millis(300));
        is_seen(&mut town, &client, during, &mut called);
        let said = sending.join().unwrap().says();
        println!("flood {flood}: {said}");
        is_seen(&mut town, &client, after, &mut called);
        memory.push(sniffer.memory());
    }
    println!("resident, in KiB: {memory:?}");
    let [before, first, second] = memory[..] else {
        panic!("{memory:?}");
    };
    assert!(first <= before + MOST_GROWTH, "{memory:?}");
    assert!(second <= first + SECOND_GROWTH, "{memory:?}");
    assert!(sniffer.page("9090", "/healthz").starts_with("ok"));
    println!(
        "{:?} {:?} lost {}",
        sniffer.labelled("portolan_sniffer_handshake_packets_total"),
        sniffer.labelled("portolan_sniffer_dns_messages_total"),
        sniffer.metric("portolan_sniffer_packets_lost_total"),
    );
}

/// A call, and the map has it, and those before, and no others.
fn is_seen(town: &mut Town, client: &NetPod, server: &str, called: &mut Vec<String>) {
    // In a flood, packets may be lost, which is counted: some of a few are seen.
    let calls = client.does(&[&["connect"], &[server; 5][..]].concat());
    assert_eq!(calls, ["open"; 5]);
    called.push(format!("{}/tcp", server.rsplit(':').next().unwrap()));
    town.scene.forget();
    let ports = called.join(",");
    town.scene.edges(&[&format!(
        "client/Deployment -> server/Deployment :{ports} [tcp]"
    )]);
    town.wait(SOON);
}

/// Starts to send SYNs, questions and answers, each another one, to a pod that takes none of them; and what is no packet
/// at all.
fn flooding(evil: &NetPod, target: &NetPod, flood: u8) -> JoinHandle<Running> {
    let (evil, target) = (evil.clone(), target.clone());
    std::thread::spawn(move || flood_of(&evil, &target, flood))
}

fn flood_of(evil: &NetPod, target: &NetPod, flood: u8) -> Running {
    let mut sending = evil.peer(&["send", "0"]);
    let (closed, open) = (at(&target.ip, 9), at(&target.ip, 53));
    for n in 0..FLOOD {
        let [high, low] = n.to_be_bytes();
        // Of addresses that nobody has.
        let from = SocketAddr::from(([10, 200 + flood, high, low], 1_024));
        let mine = at(&evil.ip, 1_024 + u16::from(low));
        let name = format!("n{n}.flood{flood}.example");
        let found = [IpAddr::from([198, 18, high, low])];
        let (to, packet) = match n % 4 {
            0 | 1 => syn(from, closed, n.into()),
            2 => to(open, udp(mine, open, &query(n, &name, A))),
            _ => to(
                closed,
                udp(at(&evil.ip, 53), closed, &answer(n, &name, &found, 60)),
            ),
        };
        sending.is_told_packet(to, &packet);
    }
    // Cut at every byte, and with every byte turned over.
    let six = |ip: &str| at(ip, 53);
    let (from, open) = (six(&evil.ipv6), six(&target.ipv6));
    let message = dns::answer_by_way_of(7, "www.example", &["a.example"], &[open.ip()], 5);
    let segment = Segment {
        flags: SYN,
        timestamp: Some(7),
        payload: &message,
        ..Segment::default()
    };
    let options = [(0, vec![0; 7]), (43, vec![0; 7]), (60, vec![0; 7])];
    for packet in [
        udp(from, open, &message),
        tcp(from, open, segment),
        testkit::frames::with_extensions(&udp(from, open, &message), &options),
        // The version of an IP header is read from itself.
        udp(at(&evil.ip, 53), at(&target.ip, 53), &message),
    ] {
        for place in 1..packet.len() {
            sending.is_told_packet(open.ip(), &packet[..place]);
            let mut turned = packet.clone();
            turned[place] = !turned[place];
            sending.is_told_packet(open.ip(), &turned);
        }
    }
    sending.is_told_all();
    sending
}

#[test]
#[ignore = "needs the testbed and root: ./dev test --only e2e"]
fn sniffed_names_of_processes_and_groups_are_nobodys_word() {
    if !node::is_allowed() {
        return;
    }
    let names = ["victim", "evil", "server"];
    let (mut town, [victim, evil, server], ()) =
        Town::new(117, "sniffed-names-of", names, |_, _| ());
    let _serving = serve(&server, "serve", &["0.0.0.0:8080", "0.0.0.0:8081"]);
    let of_server = |port: u16| format!("{}:{port}", server.ip);
    let uid = town.scene.uid("victim-5d8f9-x2x4z").to_owned();
    // What stands behind the name in /proc/<pid>/stat: here too, and in a line of its own. By the first process it is told
    // whether a pod is still there.
    let names = [") S 1 1 1\n", "1 (init) S 0\n", "\n\n) R", "((((()))))"];
    town.node.remove(&victim);
    let again = Pod {
        name: "victim".to_owned(),
        ip: victim.ip,
    };
    let victim = town.node.pod_named(&again, &uid, names[0]);
    let mut kept = Vec::new();
    for name in names {
        let script = "printf '%s' \"$1\" >/proc/$$/comm; read end";
        let mut process = victim.command("sh");
        process.args(["-ec", script, "sh", name]);
        kept.push(Running::start(process));
    }
    // A group within one's own, named as another pod's. A container cannot make one: its groups are mounted to be read,
    // where it is not privileged. The kernel takes no line break in a name, which could imitate another hierarchy.
    let imitations = [
        format!("pod{uid}"),
        format!("kubepods-besteffort-pod{}.slice", uid.replace('-', "_")),
        format!("x:0::/kubepods/pod{uid}"),
        format!(" pod{uid}"),
    ];
    let with_break = evil.group().join(format!("x\n0::/kubepods/pod{uid}"));
    assert!(std::fs::create_dir(with_break).is_err());
    let mut holding = evil.below("container", &["hold", &of_server(8081)]);
    assert_eq!(holding.says(), "open");
    let sniffer = town.sniffer(&[]);
    for imitation in imitations {
        let mut calling = evil.below(&imitation, &["hold", &of_server(8080)]);
        assert_eq!(calling.says(), "open");
        kept.push(calling);
    }
    assert_eq!(victim.does(&["connect", &of_server(8081)]), ["open"]);
    town.scene.edges(&[
        "evil/Deployment -> server/Deployment :8080/tcp,8081/tcp [tcp,socket]",
        "victim/Deployment -> server/Deployment :8081/tcp [tcp]",
    ]);
    town.wait(SOON);
    // That of the victim is told by the node.
    assert!(sniffer.metric("portolan_sniffer_observations_attributed_total") >= 1.0);
    // One of another test that is just ending may be hidden for a moment.
    let none_is_hidden = wait(SOON, || {
        let hidden = sniffer.metric("portolan_sniffer_processes_hidden");
        (hidden < 1.0).then_some(())
    });
    assert!(none_is_hidden.is_some(), "processes are hidden");
    holding.end();
}
