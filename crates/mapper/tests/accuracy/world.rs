//! The cluster as it truly is, and its controllers: one queue of things that happen, in virtual time.

mod controllers;
mod kubelet;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::net::Ipv4Addr;

use cluster::{Kind, OwnerKey};

use crate::api::{Api, KINDS};
use crate::objects;
use crate::plan::{Plan, Sort};
use crate::pods::{Node, Pod, Stage};
use crate::random::Random;
use crate::scene::{At, MS, SECOND, START, Scene};
use crate::traffic::Sight;

/// Something that happens.
#[derive(Debug)]
pub(crate) enum Happening {
    Reconcile(usize),
    CronJob(usize),
    JobGone(usize, String),
    Rollout(usize),
    Scale(usize, usize),
    Disturb,
    Disaster,
    Pass,
    Sandbox(usize),
    Starts(usize),
    Finish(usize),
    Release(usize),
    Tell(usize, Stage, At),
    Delete(usize, bool),
    Gone(usize),
    Slice(usize),
    Lag(Kind),
    Breaks(Kind),
    Mends(Kind),
    Mark,
    /// The watch of a kind tells something.
    Told(Kind),
    Lookup(OwnerKey),
    /// A pod calls.
    Call(usize),
    Traffic,
    /// A report comes.
    Report(Box<Sight>),
    Tick,
}

#[derive(Debug)]
struct Entry(At, u64, Happening);

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        (self.0, self.1) == (other.0, other.1)
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.0, self.1).cmp(&(other.0, other.1))
    }
}

#[derive(Debug)]
pub(crate) struct World {
    pub(crate) scene: Scene,
    pub(crate) random: Random,
    pub(crate) plan: Plan,
    pub(crate) nodes: Vec<Node>,
    pub(crate) pods: Vec<Pod>,
    /// Those of each workload that its controller counts.
    pub(crate) of_workload: Vec<Vec<usize>>,
    /// Workloads whose controller will look.
    due: Vec<bool>,
    /// All there ever were.
    pub(crate) ever: Vec<Vec<usize>>,
    /// The pods behind each Service, as its slice says.
    pub(crate) endpoints: Vec<Vec<usize>>,
    /// The pods that had each address, in turn.
    pub(crate) holders: HashMap<Ipv4Addr, Vec<usize>>,
    pub(crate) api: Api,
    pub(crate) now: At,
    queue: BinaryHeap<Reverse<Entry>>,
    next: u64,
    /// Reports that are on their way.
    pub(crate) on_the_way: usize,
    jobs: usize,
}

impl World {
    pub(crate) fn new(scene: Scene) -> Self {
        let mut random = Random::new(scene.seed);
        let plan = Plan::new(&scene, &mut random);
        let nodes = (0..9 * scene.scale).map(|number| {
            let skew = random.between(-scene.skew, scene.skew);
            // The ends of what is allowed are where things break.
            let skew = if random.chance(500) {
                scene.skew * skew.signum()
            } else {
                skew
            };
            Node::new(number, skew, &mut random)
        });
        let nodes = nodes.collect();
        let mut world = Self {
            scene,
            plan,
            nodes,
            random,
            pods: Vec::new(),
            of_workload: Vec::new(),
            due: Vec::new(),
            ever: Vec::new(),
            endpoints: Vec::new(),
            holders: HashMap::new(),
            api: Api::default(),
            now: START,
            queue: BinaryHeap::new(),
            next: 0,
            on_the_way: 0,
            jobs: 0,
        };
        world.begin();
        world
    }

    fn begin(&mut self) {
        for node in &self.nodes {
            let own = node.own().to_string();
            let object = serde_json::json!({
                "apiVersion": "v1", "kind": "Node", "metadata": { "name": node.name },
                "spec": { "podCIDRs": [node.range()] },
                "status": { "addresses": [{ "type": "InternalIP", "address": own }] },
            });
            self.api
                .write(Kind::Node, &node.name, object, START, &mut self.random);
        }
        for number in 0..self.plan.services.len() {
            self.endpoints.push(Vec::new());
            let front = &self.plan.services[number];
            let address = front.address.map(|address| address.to_string());
            let object = objects::service(&front.name, address.as_deref(), front.port);
            let name = front.name.clone();
            self.write(Kind::Service, &name, object);
            self.soon(Happening::Slice(number), 0, SECOND);
        }
        for number in 0..self.plan.workloads.len() {
            self.of_workload.push(Vec::new());
            self.ever.push(Vec::new());
            self.due.push(false);
            self.add_owner(number);
            if self.plan.workloads[number].sort == Sort::CronJob {
                self.soon(Happening::CronJob(number), 0, 5 * SECOND);
            } else {
                self.reconcile_soon(number, 0, SECOND);
            }
        }
        for kind in KINDS {
            self.at(START, Happening::Mends(kind));
            self.soon(Happening::Lag(kind), 0, 30 * SECOND);
            self.soon(Happening::Breaks(kind), 30 * SECOND, 1800 * SECOND);
        }
        for happening in [
            Happening::Mark,
            Happening::Disturb,
            Happening::Tick,
            Happening::Traffic,
        ] {
            self.soon(happening, SECOND, 2 * SECOND);
        }
        self.soon(Happening::Disaster, 60 * SECOND, 120 * SECOND);
        if self.scene.passes {
            self.soon(Happening::Pass, 20 * SECOND, 60 * SECOND);
        }
    }

    /// What happens next.
    pub(crate) fn next(&mut self) -> Option<Happening> {
        let Reverse(Entry(at, _, happening)) = self.queue.pop()?;
        self.now = self.now.max(at);
        Some(happening)
    }

    pub(crate) fn at(&mut self, at: At, happening: Happening) {
        self.queue.push(Reverse(Entry(at, self.next, happening)));
        self.next += 1;
    }

    /// It happens so long from now.
    pub(crate) fn soon(&mut self, happening: Happening, from: At, to: At) {
        let at = self.now + self.random.between(from, to);
        self.at(at, happening);
    }

    pub(crate) fn write(&mut self, kind: Kind, key: &str, object: serde_json::Value) {
        let told = self
            .api
            .write(kind, key, object, self.now, &mut self.random);
        self.tell(kind, told);
    }

    fn remove(&mut self, kind: Kind, key: &str) {
        let told = self.api.delete(kind, key, self.now, &mut self.random);
        self.tell(kind, told);
    }

    fn tell(&mut self, kind: Kind, told: Option<At>) {
        if let Some(told) = told {
            self.at(told, Happening::Told(kind));
        }
    }

    /// Whoever truly had an address.
    pub(crate) fn holder(&self, address: Ipv4Addr, at: At) -> Option<&Pod> {
        let pods = self.holders.get(&address)?.iter().rev();
        let mut pods = pods.map(|pod| &self.pods[*pod]);
        pods.find(|pod| pod.taken <= at)
            .filter(|pod| pod.released.is_none_or(|end| at < end))
    }

    /// Lets one thing happen to the cluster or its watches.
    pub(crate) fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Reconcile(workload) => self.reconcile(workload),
            Happening::CronJob(workload) => self.run_job(workload),
            Happening::JobGone(pod, job) => self.remove_job(pod, &job),
            Happening::Rollout(workload) => self.roll_out(workload),
            Happening::Scale(workload, to) => self.scale(workload, to),
            Happening::Disturb => self.disturb(),
            Happening::Disaster => self.disaster(),
            Happening::Pass => self.pass(),
            Happening::Slice(service) => self.write_slice(service),
            Happening::Sandbox(pod) => self.sandbox(pod),
            Happening::Starts(pod) => self.start(pod),
            Happening::Finish(pod) => self.finish(pod),
            Happening::Release(pod) => self.release(pod),
            Happening::Tell(pod, stage, at) => self.tell_status(pod, stage, at),
            Happening::Delete(pod, force) => self.delete(pod, force),
            Happening::Gone(pod) => self.forget(pod),
            Happening::Lag(kind) => self.lag(kind),
            Happening::Breaks(kind) => self.break_off(kind),
            Happening::Mends(kind) => {
                let told = self.api.list(kind, self.now, &mut self.random);
                self.tell(kind, told);
            }
            Happening::Mark => {
                let told = self.api.mark(self.now, &mut self.random);
                self.tell(Kind::Pod, told);
                self.soon(Happening::Mark, 1500 * MS, 1500 * MS);
            }
            _ => {}
        }
    }

    fn lag(&mut self, kind: Kind) {
        let lags = [200 * MS, 200 * MS, 2 * SECOND, 5 * SECOND, 20 * SECOND];
        let lag = self.random.pick(&lags).copied().unwrap_or_default();
        self.api.set_lag(kind, lag.min(self.scene.lag));
        self.soon(Happening::Lag(kind), 5 * SECOND, 60 * SECOND);
    }

    fn break_off(&mut self, kind: Kind) {
        if self.scene.outage > 0 {
            self.api.break_off(kind);
            self.soon(Happening::Mends(kind), SECOND, self.scene.outage);
        }
        self.soon(Happening::Breaks(kind), 600 * SECOND, 3000 * SECOND);
    }
}
