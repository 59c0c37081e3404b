//! A node of network namespaces: its pods are namespaces with an interface each, routed as Calico routes them, and in a
//! control group named as the kubelet names those of pods. It needs root.

use std::io::{BufRead, BufReader, Lines, Write};
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::scene::Pod;

/// Whether this process may make namespaces. In CI it must.
pub fn is_allowed() -> bool {
    let made = run_quietly("unshare --net true");
    if !made {
        assert!(
            std::env::var_os("CI").is_none(),
            "CI must allow network namespaces"
        );
        println!("skipped: this needs root, for network namespaces");
    }
    made
}

/// A node; it goes with all its pods when it is dropped.
#[derive(Debug)]
pub struct Node {
    /// Its network namespace.
    name: String,
    number: u16,
    group: PathBuf,
    pods: u16,
    namespaces: Vec<String>,
    holders: Vec<Child>,
}

/// A pod of the node.
#[derive(Clone, Debug)]
pub struct NetPod {
    namespace: String,
    group: PathBuf,
    /// Its address.
    pub ip: String,
    /// Its IPv6 address.
    pub ipv6: String,
}

/// A process that talks to the test; it is ended when it is dropped.
#[derive(Debug)]
pub struct Running {
    process: Child,
    input: Option<ChildStdin>,
    output: Lines<BufReader<ChildStdout>>,
}

/// Runs a script, which must do well.
fn run(script: &str) {
    let output = Command::new("sh").args(["-ec", script]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script}\n{said}");
}

fn run_quietly(script: &str) -> bool {
    let output = Command::new("sh").args(["-ec", script]).output();
    output.is_ok_and(|output| output.status.success())
}

/// Where control groups are made: of version 2, or of the hierarchy that counts processes.
fn group_root() -> &'static Path {
    let unified = Path::new("/sys/fs/cgroup");
    if unified.join("cgroup.controllers").exists() {
        unified
    } else {
        Path::new("/sys/fs/cgroup/pids")
    }
}

impl Node {
    /// One with a number of its own, below 250, that its addresses hold.
    pub fn new(number: u16) -> Self {
        let name = format!("pt{}n{number}", std::process::id());
        let group = group_root().join(&name);
        run(&format!(
            "ip netns add {name}
             ip -n {name} link set lo up
             ip link add {name} type veth peer name host netns {name}
             ip addr add 10.151.{number}.1/30 dev {name}
             ip link set {name} up
             ip -n {name} addr add 10.151.{number}.2/30 dev host
             ip -n {name} link set host up
             ip -n {name} route add default via 10.151.{number}.1
             nsenter --net=/run/netns/{name} sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 \
                net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
             mkdir -p {group}/kubepods",
            group = group.display()
        ));
        Self {
            name,
            number,
            group,
            pods: 0,
            namespaces: Vec::new(),
            holders: Vec::new(),
        }
    }

    /// Its name, which is its namespace's.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The address at which it reaches what runs outside of it, such as the mapper.
    pub fn outside(&self) -> Ipv4Addr {
        Ipv4Addr::new(10, 151, u8::try_from(self.number).unwrap(), 1)
    }

    /// The IPv6 address of a pod of the node with this number, by its IPv4 one.
    pub fn ipv6(number: u16, ip: &str) -> String {
        let [.., last] = ip.parse::<Ipv4Addr>().unwrap().octets();
        format!("fd00:150:{number:x}::{last:x}")
    }

    /// Runs the pod of a scene here, once that has its UID.
    pub fn pod(&mut self, pod: &Pod, uid: &str) -> NetPod {
        self.pod_named(pod, uid, "pause")
    }

    /// A machine outside of the cluster, which happens to be reached by this node.
    pub fn outside_host(&mut self, ip: &str) -> NetPod {
        let pod = Pod {
            name: String::new(),
            ip: ip.to_owned(),
        };
        self.pod(&pod, "-of-nobody")
    }

    /// The same as a pod whose first process has given itself this name.
    pub fn pod_named(&mut self, pod: &Pod, uid: &str, name_of_first: &str) -> NetPod {
        self.pods += 1;
        let (node, number) = (&self.name, self.pods);
        let name = format!("{node}p{number}");
        let (ip, ipv6) = (&pod.ip, Self::ipv6(self.number, &pod.ip));
        let group = self.group.join(format!("kubepods/pod{uid}"));
        run(&format!(
            "ip netns add {name}
             ip -n {name} link set lo up
             ip -n {node} link add pod{number} type veth peer name eth0 netns {name}
             ip -n {node} link set pod{number} up
             ip -n {name} addr add {ip}/32 dev eth0
             ip -n {name} link set eth0 up
             ip -n {name} route add 169.254.1.1 dev eth0 scope link
             ip -n {name} route add default via 169.254.1.1
             ip -n {node} route add {ip}/32 dev pod{number}
             nsenter --net=/run/netns/{node} sysctl -qw net.ipv4.conf.pod{number}.proxy_arp=1 \
                net.ipv4.neigh.pod{number}.proxy_delay=0
             ip -n {name} addr add {ipv6}/128 dev eth0 nodad
             ip -n {node} addr add fe80::1/64 dev pod{number} nodad
             ip -n {name} route add default via fe80::1 dev eth0
             ip -n {node} route add {ipv6}/128 dev pod{number}
             mkdir -p {group}",
            group = group.display()
        ));
        self.namespaces.push(name.clone());
        let pod = NetPod {
            namespace: name,
            group,
            ip: ip.clone(),
            ipv6,
        };
        // As the pause container: the first process, and the last. It ends with its input.
        let mut holder = pod.command("sh");
        holder
            .args([
                "-ec",
                "printf '%s' \"$1\" >/proc/$$/comm; echo; read end",
                "sh",
            ])
            .arg(name_of_first)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut holder = holder.spawn().unwrap();
        // From then on the pod is there.
        let said = holder.stdout.take().unwrap();
        BufReader::new(said).read_line(&mut String::new()).unwrap();
        self.holders.push(holder);
        pod
    }

    /// Runs the pod of a scene here, on the node's own network.
    pub fn host_pod(&self, uid: &str) -> NetPod {
        let group = self.group.join(format!("kubepods/pod{uid}"));
        run(&format!("mkdir -p {}", group.display()));
        NetPod {
            namespace: self.name.clone(),
            group,
            ip: self.address(),
            // It has none.
            ipv6: String::new(),
        }
    }

    /// Its own address.
    pub fn address(&self) -> String {
        format!("10.151.{}.2", self.number)
    }

    /// Links two pods, so that what they say by IPv6 is not seen on the node.
    pub fn link_beside(&self, a: &NetPod, b: &NetPod) {
        let ends = [(a, "beside0", b), (b, "beside1", a)];
        let (first, second) = (&a.namespace, &b.namespace);
        run(&format!(
            "ip -n {first} link add beside0 type veth peer name beside1 netns {second}"
        ));
        for (pod, link, _) in ends {
            run(&format!(
                "ip -n {0} link set {link} up
                 ip -n {0} addr add fe80::{1}/64 dev {link} nodad",
                pod.namespace,
                if link == "beside0" { 10 } else { 11 },
            ));
        }
        for (pod, link, other) in ends {
            let gateway = if link == "beside0" {
                "fe80::11"
            } else {
                "fe80::10"
            };
            run(&format!(
                "ip -n {} route add {}/128 via {gateway} dev {link}",
                pod.namespace,
                Self::ipv6(self.number, &other.ip),
            ));
        }
    }

    /// Ends a pod; its address is free at once.
    pub fn remove(&mut self, pod: &NetPod) {
        let is_it = |namespace: &String| *namespace == pod.namespace;
        let place = self.namespaces.iter().position(is_it).unwrap();
        let namespace = self.namespaces.remove(place);
        let mut holder = self.holders.remove(place);
        let _gone = holder.kill();
        let _code = holder.wait();
        let number = namespace.rsplit('p').next().unwrap();
        run(&format!(
            "ip -n {} link del pod{number}
             ip netns del {namespace}",
            self.name
        ));
    }

    /// A Service: connections to this address and port go to the pods' port 8080, in turns.
    pub fn service(&self, ip: &str, port: u16, pods: &[&NetPod]) {
        let mut script = String::new();
        for (n, pod) in pods.iter().enumerate() {
            let left = pods.len() - n;
            let turn = if left > 1 {
                format!("-m statistic --mode nth --every {left} --packet 0")
            } else {
                String::new()
            };
            for chain in ["PREROUTING", "OUTPUT"] {
                let rule = format!(
                    "iptables -t nat -A {chain} -d {ip}/32 -p tcp --dport {port} {turn} -j DNAT --to-destination {}:8080\n",
                    pod.ip
                );
                script.push_str(&rule);
            }
            // A pod that reaches itself must not see its own address.
            let rule = format!(
                "iptables -t nat -A POSTROUTING -s {0}/32 -d {0}/32 -j MASQUERADE\n",
                pod.ip
            );
            script.push_str(&rule);
        }
        self.inside(&script);
    }

    /// Packets to this address and port go to that one, in both protocols.
    pub fn translate(&self, from: (&str, u16), to: (&str, u16)) {
        let ((ip, port), (to_ip, to_port)) = (from, to);
        let mut script = String::new();
        for protocol in ["tcp", "udp"] {
            for chain in ["PREROUTING", "OUTPUT"] {
                let rule = format!(
                    "iptables -t nat -A {chain} -d {ip}/32 -p {protocol} --dport {port} -j DNAT --to-destination {to_ip}:{to_port}\n"
                );
                script.push_str(&rule);
            }
        }
        self.inside(&script);
    }

    /// Runs a script in the node's own namespace.
    pub fn inside(&self, script: &str) {
        let script = script.replace('\'', "'\\''");
        run(&format!(
            "nsenter --net=/run/netns/{} sh -ec '{script}'",
            self.name
        ));
    }

    /// A command in the node's own namespace.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new("nsenter");
        command
            .arg(format!("--net=/run/netns/{}", self.name))
            .arg("--")
            .arg(program);
        command
    }
}

impl NetPod {
    /// A command in the pod.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new("sh");
        let enter = "echo $$ > \"$1/cgroup.procs\"; shift; exec \"$@\"";
        command.args(["-ec", enter, "sh"]).arg(&self.group);
        command.args([
            "nsenter",
            &format!("--net=/run/netns/{}", self.namespace),
            "--",
        ]);
        command.arg(program);
        command
    }

    /// Starts the tests' own peer in the pod.
    pub fn peer(&self, arguments: &[&str]) -> Running {
        let mut command = self.command(peer());
        command.args(arguments);
        Running::start(command)
    }

    /// Lets the peer send packets as they are, each to an address. What goes to an IPv6 address may be no packet at all.
    pub fn sends(&self, packets: impl IntoIterator<Item = (IpAddr, Vec<u8>)>) {
        self.sends_each("0", packets);
    }

    /// The same with a pause of so many microseconds after each.
    pub fn sends_each(&self, pause: &str, packets: impl IntoIterator<Item = (IpAddr, Vec<u8>)>) {
        let mut sending = self.peer(&["send", pause]);
        for (to, packet) in packets {
            sending.is_told_packet(to, &packet);
        }
        sending.is_told_all();
        let said = sending.says();
        assert!(said.ends_with(" sent, 0 refused"), "{said}");
    }

    /// Starts a process in a control group of its own below the pod's.
    pub fn below(&self, group: &str, arguments: &[&str]) -> Running {
        let group = self.group.join(group);
        std::fs::create_dir_all(&group).unwrap();
        let within = Self {
            group,
            ..self.clone()
        };
        within.peer(arguments)
    }

    /// Its network namespace's name.
    pub fn name(&self) -> &str {
        &self.namespace
    }

    /// The pod's control group.
    pub fn group(&self) -> &Path {
        &self.group
    }

    /// Whether the peer can do something.
    pub fn may_do(&self, arguments: &[&str]) -> bool {
        let mut command = self.command(peer());
        command.args(arguments).stdin(Stdio::null());
        command.output().unwrap().status.success()
    }

    /// Lets the peer do something, and gives what it said.
    pub fn does(&self, arguments: &[&str]) -> Vec<String> {
        let mut command = self.command(peer());
        let output = command
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {said}");
        String::from_utf8_lossy(&output.stdout)
            .lines()
            .map(str::to_owned)
            .collect()
    }
}

/// The tests' own program for pods, which is built with them.
fn peer() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    tests.parent().unwrap().parent().unwrap().join("peer")
}

impl Running {
    /// Starts a command.
    pub fn start(mut command: Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let output = BufReader::new(process.stdout.take().unwrap()).lines();
        Self {
            input: process.stdin.take(),
            process,
            output,
        }
    }

    /// Tells a peer that sends a packet, and where that goes to.
    pub fn is_told_packet(&mut self, to: IpAddr, packet: &[u8]) {
        use std::fmt::Write as _;
        let mut line = format!("{to} ");
        for byte in packet {
            write!(line, "{byte:02x}").unwrap();
        }
        line.push('\n');
        let input = self.input.as_mut().unwrap();
        input.write_all(line.as_bytes()).unwrap();
    }

    /// There is no more to tell.
    pub fn is_told_all(&mut self) {
        drop(self.input.take());
    }

    /// The next line that it says.
    pub fn says(&mut self) -> String {
        self.output.next().expect("it ended").unwrap()
    }

    /// Lets it end by itself, and gives the last line that it says.
    pub fn end_saying(mut self) -> String {
        drop(self.input.take());
        let said = self.says();
        let _code = self.process.wait();
        said
    }

    /// Tells it a line.
    pub fn tell(&mut self, line: &str) {
        let input = self.input.as_mut().expect("its input is closed");
        writeln!(input, "{line}").unwrap();
    }

    /// Lets it end by itself.
    pub fn end(mut self) {
        drop(self.input.take());
        let _code = self.process.wait();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _gone = self.process.kill();
        let _code = self.process.wait();
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        for holder in &mut self.holders {
            let _gone = holder.kill();
            let _code = holder.wait();
        }
        let delete = |namespace| format!("ip netns del {namespace} || true\n");
        let pods: String = self.namespaces.iter().map(delete).collect();
        let (name, group) = (&self.name, self.group.display());
        // A group is empty a moment after its last process has ended.
        let script = format!(
            "{pods}
             ip link del {name} || true
             ip netns del {name} || true
             for try in 1 2 3 4 5 6 7 8 9 10; do
               find {group} -depth -type d -exec rmdir {{}} + 2>/dev/null && break
               sleep 0.1
             done"
        );
        let _as_far_as_it_goes = run_quietly(&script);
    }
}
