//! What happens on nodes, and what their kubelets tell of it.

use cluster::Kind;

use super::{Happening, World};
use crate::objects;
use crate::pods::Stage;
use crate::scene::{MS, SECOND};

impl World {
    /// The pod gets an address, as soon as there is one.
    pub(super) fn sandbox(&mut self, number: usize) {
        let pod = &mut self.pods[number];
        if pod.address.is_some() || pod.deleting.is_some() || pod.gone {
            self.give_turn(self.pods[number].node);
            return;
        }
        if pod.admitted == 0 {
            pod.admitted = self.now;
        }
        let node = &mut self.nodes[pod.node];
        let Some(address) = node.take() else {
            node.waiting.push_back(number);
            return;
        };
        pod.address = Some(address);
        pod.taken = self.now;
        self.holders.entry(address).or_default().push(number);
        self.changed(number, Stage::Sandbox);
        let start = if self.random.chance(300) { 0 } else { 800 * MS };
        self.soon(Happening::Starts(number), 0, start);
    }

    /// Its next container starts.
    pub(super) fn start(&mut self, number: usize) {
        let pod = &mut self.pods[number];
        if pod.finished.is_some() {
            return;
        }
        let with_init = self.plan.workloads[pod.workload].with_init;
        let is_first = pod.first.is_none();
        pod.first.get_or_insert(self.now);
        if is_first && with_init {
            let takes = self.random.between(100 * MS, 1500 * MS);
            pod.init = Some((self.now, self.now + takes));
            self.at(self.now + takes, Happening::Starts(number));
            self.changed(number, Stage::Init);
        } else {
            pod.started = Some(self.now);
            let is_job = pod.is_job;
            self.changed(number, Stage::Running);
            if is_job {
                self.soon(Happening::Finish(number), SECOND, 3 * SECOND);
            }
        }
        if is_first {
            let calls = 1 + self.random.below(3);
            for _ in 0..calls {
                self.soon(Happening::Call(number), 0, 2 * SECOND);
            }
        }
    }

    /// All its containers end. The address is free at once, or a moment later.
    pub(super) fn finish(&mut self, number: usize) {
        let now = self.now;
        let pod = &mut self.pods[number];
        if pod.finished.is_some() {
            return;
        }
        pod.finished = Some(now);
        if pod.address.is_some() {
            let rest = if self.random.chance(400) { 0 } else { 500 * MS };
            self.soon(Happening::Release(number), 0, rest);
        }
        let is_lost = pod_is_deleted(self, number);
        if self.pods[number].started.is_some() {
            self.changed(number, Stage::Finished);
        }
        if is_lost {
            let after = self.scene.kubelet;
            self.at(now + after + MS, Happening::Gone(number));
        }
    }

    pub(super) fn release(&mut self, number: usize) {
        let pod = &mut self.pods[number];
        pod.released = Some(self.now);
        let node = pod.node;
        if let Some(address) = pod.address {
            self.nodes[node].release(address);
        }
        self.give_turn(node);
    }

    /// The next pod that waits for an address tries again.
    fn give_turn(&mut self, node: usize) {
        let Some(next) = self.nodes[node].waiting.pop_front() else {
            return;
        };
        let wait = if self.random.chance(600) { 0 } else { 50 * MS };
        self.soon(Happening::Sandbox(next), 0, wait);
    }

    /// The kubelet will tell it.
    pub(super) fn changed(&mut self, number: usize, stage: Stage) {
        let happening = Happening::Tell(number, stage, self.now);
        let most = if self.random.chance(300) {
            200 * MS
        } else {
            self.scene.kubelet
        };
        self.soon(happening, 0, most.min(self.scene.kubelet));
    }

    /// The kubelet tells what it saw at a time, unless it has told more meanwhile.
    pub(super) fn tell_status(&mut self, number: usize, stage: Stage, seen: i64) {
        let pod = &mut self.pods[number];
        if pod.gone || pod.told >= stage {
            return;
        }
        pod.told = stage;
        if pod.condition.is_none() && self.nodes[pod.node].tells_sandbox {
            pod.condition = Some(seen);
        }
        self.write_pod(number);
    }

    pub(super) fn write_pod(&mut self, number: usize) {
        let pod = &self.pods[number];
        let (app, node) = (&self.plan.workloads[pod.workload], &self.nodes[pod.node]);
        let object = objects::pod(pod, &app.name, &node.name);
        let (key, workload) = (pod.key(), pod.workload);
        self.write(Kind::Pod, &key, object);
        self.slices_of(workload);
    }
}

fn pod_is_deleted(world: &World, number: usize) -> bool {
    let pod = &world.pods[number];
    pod.deleting.is_some() && !pod.gone
}
