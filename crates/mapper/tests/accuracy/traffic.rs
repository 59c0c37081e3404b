//! Who calls whom, and what is reported of it.

use std::net::{IpAddr, Ipv4Addr};

use map::PodUid;

use crate::plan::Target;
use crate::pods::uid;
use crate::scene::{At, MS, SECOND};
use crate::truth::{Ends, Label, Truth};
use crate::world::{Happening, World};

/// An address and a port.
pub(crate) type Place = (Ipv4Addr, u16);

/// One observation on its way, with all that any reporter could know.
#[derive(Clone, Debug)]
pub(crate) struct Sight {
    pub(crate) source: Ipv4Addr,
    /// Where the reporter is on the client's node.
    pub(crate) client_uid: Option<PodUid>,
    /// Where the reporter is on the server's node.
    pub(crate) server_uid: Option<PodUid>,
    pub(crate) what: What,
    pub(crate) first: At,
    pub(crate) last: At,
    pub(crate) accepted: bool,
    /// One workload is all that stands behind the Service that was called.
    pub(crate) by_service: bool,
    /// Only where pod UIDs are sent.
    pub(crate) needs_uid: bool,
    pub(crate) label: usize,
}

#[derive(Clone, Debug)]
pub(crate) enum What {
    Call {
        meant: Place,
        reached: Option<Place>,
    },
    Answer {
        service: usize,
        address: Ipv4Addr,
    },
}

/// A call as it happens.
#[derive(Clone, Copy, Debug)]
struct Call {
    client: usize,
    server: usize,
    at: At,
    service: Option<usize>,
}

/// How many of a workload's pods are looked at for one to be called: those that go, and those that come.
const LATEST: usize = 8;

impl World {
    /// Calls at random, between pods that run for a while.
    pub(crate) fn traffic(&mut self, truth: &mut Truth) {
        self.soon(Happening::Traffic, 100 * MS, 100 * MS);
        for _ in 0..(self.scene.pace / 10).max(1) {
            let workload = self.random.below(self.plan.workloads.len());
            let at = self.now;
            if let Some(client) = self.running(workload, at) {
                self.call_out(client, at, truth);
            }
        }
    }

    /// A pod calls or is called.
    pub(crate) fn call_at(&mut self, pod: usize, at: At, truth: &mut Truth) {
        if !self.pods[pod].ran(at) {
            return;
        }
        if self.random.chance(500) {
            self.call_out(pod, at, truth);
            return;
        }
        let server = self.pods[pod].workload;
        let all = self.plan.workloads.iter().enumerate();
        let calls = |targets: &[Target]| {
            let mut targets = targets.iter();
            targets.any(|target| matches!(target, Target::Pods(to) if *to == server))
        };
        let callers: Vec<usize> = all
            .filter(|(_, kept)| calls(&kept.targets))
            .map(|(number, _)| number)
            .collect();
        let Some(caller) = self.random.pick(&callers).copied() else {
            return;
        };
        if let Some(client) = self.running(caller, at) {
            self.connect(
                Call {
                    client,
                    server: pod,
                    at,
                    service: None,
                },
                truth,
            );
        }
    }

    /// The last second of a pod, once it is over; and of what came after another at the same address.
    pub(crate) fn farewell(&mut self, pod: usize, truth: &mut Truth) {
        let Some(finished) = self.pods[pod].finished else {
            return;
        };
        for _ in 0..=self.random.below(3) {
            let at = finished - self.random.between(1, SECOND);
            self.call_at(pod, at, truth);
        }
    }

    /// A client called an address when one pod had it, and calls it again when another has: to its node, it is one
    /// connection that comes again.
    pub(crate) fn call_both(&mut self, pod: usize, truth: &mut Truth) {
        let Some(address) = self.pods[pod].address else {
            return;
        };
        let before = self.holders[&address].iter().rev().nth(1).copied();
        let Some(before) = before else { return };
        let Some(then) = self.pods[before].finished.map(|end| end - 200 * MS) else {
            return;
        };
        let caller = self.random.below(self.plan.workloads.len());
        let (now, was) = (self.now, self.pods[before].workload);
        if now - then > 15 * SECOND || was == self.pods[pod].workload {
            return;
        }
        let Some(client) = self
            .running(caller, now)
            .filter(|c| self.pods[*c].ran(then))
        else {
            return;
        };
        let label = Label {
            mixed: true,
            ..Label::lie()
        };
        let label = truth.label(label);
        let meant = (address, 8080);
        let mut sight = self.sight(
            client,
            What::Call {
                meant,
                reached: None,
            },
            (then, now),
            label,
        );
        sight.by_service = false;
        self.send(&sight);
    }

    fn running(&mut self, workload: usize, at: At) -> Option<usize> {
        let ever = &self.ever[workload];
        let latest = &ever[ever.len().saturating_sub(LATEST)..];
        let running = latest.iter().filter(|pod| self.pods[**pod].ran(at));
        let running: Vec<usize> = running.copied().collect();
        self.random.pick(&running).copied()
    }

    fn call_out(&mut self, client: usize, at: At, truth: &mut Truth) {
        let targets = &self.plan.workloads[self.pods[client].workload].targets;
        match self.random.pick(targets).copied() {
            Some(Target::Pods(workload)) => {
                if let Some(server) = self.running(workload, at) {
                    self.connect(
                        Call {
                            client,
                            server,
                            at,
                            service: None,
                        },
                        truth,
                    );
                }
            }
            Some(Target::Service(service)) => {
                let Some(server) = self.random.pick(&self.endpoints[service]).copied() else {
                    return;
                };
                let call = Call {
                    client,
                    server,
                    at,
                    service: Some(service),
                };
                if self.random.chance(400) {
                    self.ask(call, service, truth);
                }
                if self.random.chance(900) {
                    self.connect(call, truth);
                }
            }
            None => {}
        }
    }

    fn ends(&self, call: Call) -> Ends {
        (
            self.pods[call.client].workload,
            self.pods[call.server].workload,
        )
    }

    /// The client asks for the Service's name.
    fn ask(&mut self, call: Call, service: usize, truth: &mut Truth) {
        let front = &self.plan.services[service];
        let (client, _) = self.ends(call);
        let Some(address) = front.address.or(self.pods[call.server].address) else {
            return;
        };
        let any = front.is_shared && front.address.is_some();
        let by_service = !front.is_shared;
        let mut label = Label::of(self.ends(call));
        if any {
            label.allowed = front
                .behind
                .iter()
                .map(|server| (client, *server))
                .collect();
            label.shared = true;
        }
        let label = truth.label(label);
        let at = call.at - MS;
        let mut sight = self.sight(
            call.client,
            What::Answer { service, address },
            (at, at),
            label,
        );
        sight.by_service = by_service;
        if !any {
            truth.saw(self.ends(call), sight.first, sight.last);
        }
        self.send(&sight);
    }

    fn connect(&mut self, call: Call, truth: &mut Truth) {
        let Call {
            client,
            server,
            at,
            service,
        } = call;
        let (from, to) = (&self.pods[client], &self.pods[server]);
        let Some(address) = to.address else { return };
        let front = service.map(|service| &self.plan.services[service]);
        let port = front.map_or(self.plan.workloads[to.workload].port, |front| front.port);
        let serves: Place = (address, port);
        let meant = front
            .and_then(|front| Some((front.address?, 80)))
            .unwrap_or(serves);
        let shared = front.is_some_and(|front| front.is_shared);
        let by_service = front.is_some_and(|front| !front.is_shared && front.address.is_some());
        let accepted = to.ran(at) && !self.random.chance(20);
        // A connection may be open for long: then the same two pods were there for all the time.
        let since = from.first.max(to.first).unwrap_or(at).max(at - 20 * SECOND);
        let is_long = accepted && self.random.chance(150);
        let first = if is_long {
            self.random.between(since, at)
        } else {
            at
        };
        let mut label = Label::of(self.ends(call));
        label.shared = shared && meant != serves;
        if !accepted && let Some(other) = self.holder(address, at) {
            label
                .allowed
                .push((self.pods[client].workload, other.workload));
        }
        let label = truth.label(label);
        let joined = meant != serves && self.random.chance(600);
        let reached = joined.then_some(serves);
        let mut sight = self.sight(client, What::Call { meant, reached }, (first, at), label);
        sight.accepted = accepted;
        sight.by_service = by_service;
        let same_node = self.pods[client].node == self.pods[server].node;
        let told = same_node && (joined || meant == serves);
        sight.server_uid = told.then(|| uid(server));
        if accepted {
            truth.saw(self.ends(call), sight.first, sight.last);
        }
        if self.random.chance(15) {
            self.lie(&sight, truth);
        }
        // The server's node saw it too, behind the translation.
        if self.random.chance(150) && accepted {
            let skew = self.pods[server].skew;
            let copy = Sight {
                client_uid: sight.client_uid.filter(|_| same_node),
                server_uid: Some(uid(server)),
                what: What::Call {
                    meant: serves,
                    reached: None,
                },
                first: first + skew,
                last: at + skew,
                by_service: false,
                ..sight
            };
            truth.saw(self.ends(call), copy.first, copy.last);
            self.send(&copy);
        }
        self.send(&sight);
    }

    /// As the client's node sees it.
    fn sight(&self, client: usize, what: What, (first, last): (At, At), label: usize) -> Sight {
        let pod = &self.pods[client];
        Sight {
            source: pod.address.unwrap_or(Ipv4Addr::UNSPECIFIED),
            client_uid: Some(pod.uid()),
            server_uid: None,
            what,
            first: first + pod.skew,
            last: last + pod.skew,
            accepted: true,
            by_service: false,
            needs_uid: false,
            label,
        }
    }

    /// The same with something in it that is not true.
    fn lie(&mut self, sight: &Sight, truth: &mut Truth) {
        let mut lie = sight.clone();
        let nobody = Ipv4Addr::new(10, 200, 0, 0);
        let latest = self.random.below(300.min(self.pods.len()));
        let other = self.pods.len() - 1 - latest;
        match self.random.below(4) {
            0 if self.pods[other].address != Some(sight.source) => {
                let who = Some((other, sight.source));
                lie.label = truth.label(Label {
                    lie: who,
                    ..Label::lie()
                });
                lie.client_uid = Some(uid(other));
                lie.needs_uid = true;
            }
            1 => {
                lie.label = truth.label(Label::lie());
                lie.source = nobody;
            }
            2 => {
                lie.label = truth.label(Label::lie());
                lie.what = What::Call {
                    meant: (nobody, 80),
                    reached: None,
                };
                lie.by_service = false;
            }
            3 if self.pods[other].address.map(IpAddr::V4) != address_of(&sight.what) => {
                lie.server_uid = Some(uid(other));
                lie.needs_uid = true;
            }
            _ => return,
        }
        self.send(&lie);
    }

    /// Reports are late; some come twice.
    fn send(&mut self, sight: &Sight) {
        let copies = 1 + usize::from(self.random.chance(100));
        for _ in 0..copies {
            let late = match self.random.below(20) {
                0..10 => self.random.between(0, SECOND),
                10..19 => self.random.between(0, 60 * SECOND),
                _ => self.random.between(0, self.scene.spool),
            };
            self.on_the_way += 1;
            let at = self.now + late;
            self.at(at, Happening::Report(Box::new(sight.clone())));
        }
    }
}

/// The pod's own address, where it is told.
fn address_of(what: &What) -> Option<IpAddr> {
    match what {
        What::Call { meant, reached } => Some(reached.unwrap_or(*meant).0.into()),
        What::Answer { .. } => None,
    }
}
