//! A real DNS server in a pod, asked by real processes.

use std::fmt::Write;
use std::time::Duration;

use e2e::coredns;
use e2e::node;

use crate::town::{Town, cluster_dns, serve};

/// Evidence by DNS alone waits a minute for a connection.
const BEYOND_A_MINUTE: Duration = Duration::from_secs(90);

/// How many addresses do not fit into a datagram of 512 bytes (RFC 1035 4.2.1).
const MANY: u8 = 60;

const NUMBER: u16 = 110;

#[test]
#[ignore = "needs the testbed and root: ./dev test --only e2e"]
#[allow(
    clippy::too_many_lines,
    reason = "one scene, from its servers to its edges"
)]
fn sniffed_names_are_the_map() {
    if !node::is_allowed() {
        return;
    }
    let names = ["client", "asker", "refused", "server", "dns", "resolver"];
    let (mut town, [client, asker, refused, server, dns, resolver], (service, closed, dns_service)) =
        Town::new(
            NUMBER,
            "sniffed-names",
            names,
            |scene, [_, _, _, server, dns, _]| {
                let service = scene.service("server", &[server]);
                let closed = scene.service("closed", &[server]);
                (service, closed, cluster_dns(scene, NUMBER, dns))
            },
        );
    let (shop, upstream) = (town.scene.public_address(), town.scene.public_address());
    let (shop, upstream) = (
        town.node.outside_host(&shop),
        town.node.outside_host(&upstream),
    );
    town.node.service(&service.ip, 80, &[&server]);
    town.node.translate((&closed.ip, 80), (&server.ip, 9_999));
    town.node.translate((&dns_service, 53), (&dns.ip, 53));
    let _serving = [&server, &shop].map(|pod| serve(pod, "serve", &["0.0.0.0:8080"]));
    let many = |n: u8| format!("198.18.{NUMBER}.{}", 100 + n);
    let _upstream = coredns::start(
        &upstream,
        &format!(
            ".:53 {{
                errors
                hosts {{
                    198.18.{NUMBER}.90 ready.example
                    198.18.{NUMBER}.91 deep.far.example
                    198.18.{NUMBER}.92 own.far.example
                    2001:db8:6e::93 six.far.example
                }}
            }}"
        ),
    );
    let _dns = coredns::start(
        &dns,
        &format!(
            ".:53 {{
                errors
                template IN A long.example {{
                    answer \"{{{{ .Name }}}} 60 IN A {}\"
                }}
                template IN A www.example {{
                    answer \"{{{{ .Name }}}} 60 IN CNAME www.edge.example.\"
                    answer \"www.edge.example. 60 IN CNAME a.edge.example.\"
                    answer \"a.edge.example. 60 IN A {}\"
                }}
                hosts {{
                    {} {}
                    {} {}
                    198.18.{NUMBER}.90 ready.example
                    198.18.{NUMBER}.94 stream.example
                    2001:db8:6e::94 api.example
                    fallthrough
                }}
                forward far.example {}
            }}",
            (1..=MANY)
                .map(many)
                .collect::<Vec<_>>()
                .join("\"\nanswer \"{{ .Name }} 60 IN A "),
            shop.ip,
            service.ip,
            service.dns,
            closed.ip,
            closed.dns,
            upstream.ip,
        ),
    );
    // A DNS server that the cluster does not know as one.
    let _resolver = coredns::start(
        &resolver,
        &format!(
            ".:53 {{
                errors
                hosts {{
                    198.18.{NUMBER}.90 ready.example
                    fallthrough
                }}
                forward far.example {}
            }}",
            upstream.ip
        ),
    );
    let sniffer = town.sniffer(&[]);

    let at_service = format!("{dns_service}:53");
    let at_pod = format!("{}:53", dns.ip);
    let over_six = format!("[{}]:53", dns.ipv6);
    let at_resolver = format!("{}:53", resolver.ip);
    // The first question of all is one that the server has to pass on.
    let deep = format!("udp 198.18.{NUMBER}.91");
    assert_eq!(
        client.does(&["resolve", "udp", &at_service, "A", "deep.far.example"]),
        [deep]
    );
    assert_eq!(
        asker.does(&["resolve", "udp", &at_resolver, "A", "own.far.example"]),
        [format!("udp 198.18.{NUMBER}.92")]
    );
    assert_eq!(
        asker.does(&["resolve", "udp", &over_six, "AAAA", "six.far.example"]),
        ["udp 2001:db8:6e::93"]
    );

    // A name, and the connection that it was for.
    let mixed = service
        .dns
        .replace("server", "SeRvEr")
        .replace("svc", "sVc");
    assert_eq!(
        client.does(&["resolve", "udp", &at_service, "A", &mixed]),
        [format!("udp {}", service.ip)]
    );
    assert_eq!(
        client.does(&["connect", &format!("{}:80", service.ip)]),
        ["open"]
    );
    assert_eq!(
        client.does(&["resolve", "udp", &at_pod, "A", "WwW.ExAmPlE"]),
        [format!("udp {}", shop.ip)]
    );
    assert_eq!(
        client.does(&["connect", &format!("{}:8080", shop.ip)]),
        ["open"]
    );
    assert_eq!(
        refused.does(&["resolve", "udp", &at_service, "A", &closed.dns]),
        [format!("udp {}", closed.ip)]
    );
    assert_eq!(
        refused.does(&["connect", &format!("{}:80", closed.ip)]),
        ["ConnectionRefused"]
    );

    // Names alone: of a Service, over TCP, over IPv6, and too long for a datagram.
    assert_eq!(
        asker.does(&["resolve", "udp", &at_service, "A", &service.dns]),
        [format!("udp {}", service.ip)]
    );
    assert_eq!(
        asker.does(&["resolve", "tcp", &over_six, "A", "stream.example"]),
        [format!("tcp 198.18.{NUMBER}.94")]
    );
    assert_eq!(
        asker.does(&["resolve", "tcp", &at_service, "AAAA", "api.example"]),
        ["tcp 2001:db8:6e::94"]
    );
    let [long] = &asker.does(&["resolve", "udp", &at_service, "A", "long.example"])[..] else {
        panic!("one answer");
    };
    assert_eq!(
        (long.split(' ').next(), long.split(' ').count()),
        (Some("tcp"), 1 + usize::from(MANY))
    );
    // What is not there is not called.
    let nothing = asker.does(&["resolve", "udp", &at_service, "A", "ready.example.nowhere"]);
    assert!(nothing[0].starts_with("udp code "), "{nothing:?}");

    let mut all = String::new();
    for n in 1..=MANY {
        let comma = if n == 1 { "" } else { "," };
        write!(all, "{comma}{}", many(n)).unwrap();
    }
    town.scene.edges(&[
        "client/Deployment -> server/Deployment via server :8080/tcp [dns,tcp]",
        &format!(
            "client/Deployment -> www.example at {} :8080/tcp [dns,tcp]",
            shop.ip
        ),
        &format!("client/Deployment -> deep.far.example at 198.18.{NUMBER}.91 [dns]"),
        "asker/Deployment -> server/Deployment via server [dns]",
        &format!("asker/Deployment -> own.far.example at 198.18.{NUMBER}.92 [dns]"),
        "asker/Deployment -> six.far.example at 2001:db8:6e::93 [dns]",
        &format!("asker/Deployment -> stream.example at 198.18.{NUMBER}.94 [dns]"),
        "asker/Deployment -> api.example at 2001:db8:6e::94 [dns]",
        &format!("asker/Deployment -> long.example at {all} [dns]"),
    ]);
    town.scene.attempts(&[
        "refused/Deployment -> server/Deployment via closed :9999/tcp [dns,tcp] refused",
    ]);
    town.wait(BEYOND_A_MINUTE);
    let fates = sniffer.labelled("portolan_sniffer_dns_messages_total");
    assert!(
        fates["answers to a DNS server (recursion)"] >= 3,
        "{fates:?}"
    );
    assert_eq!(fates.get("unasked answers"), None, "{fates:?}");
}
