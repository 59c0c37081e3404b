//! What controllers and people do to the cluster.

use cluster::Kind;

use super::{Happening, World};
use crate::objects;
use crate::plan::Sort;
use crate::pods::{Pod, Stage};
use crate::scene::{At, MS, SECOND};

/// Old `ReplicaSet`s that are kept.
const REVISIONS: usize = 3;

impl World {
    pub(super) fn add_owner(&mut self, workload: usize) {
        let kept = &self.plan.workloads[workload];
        let name = kept.name.clone();
        match kept.sort {
            Sort::Deployment => {
                let object = objects::owner("apps/v1", "Deployment", &name, None);
                self.write(Kind::Deployment, &name, object);
                self.add_replica_set(workload);
            }
            Sort::StatefulSet => {
                let object = objects::owner("apps/v1", "StatefulSet", &name, None);
                self.write(Kind::StatefulSet, &name, object);
            }
            Sort::CronJob => self.write(Kind::CronJob, &name, objects::cron_job(&name)),
            Sort::Bare => {}
        }
    }

    fn add_replica_set(&mut self, workload: usize) {
        let kept = &self.plan.workloads[workload];
        let name = format!("{}-{}", kept.name, kept.revision);
        let deployment = Some(("apps/v1", "Deployment", kept.name.as_str()));
        let object = objects::owner("apps/v1", "ReplicaSet", &name, deployment);
        let old = kept.revision.checked_sub(REVISIONS + 1);
        let old = old.map(|old| format!("{}-{old}", kept.name));
        self.write(Kind::ReplicaSet, &name, object);
        if let Some(old) = old {
            self.remove(Kind::ReplicaSet, &old);
        }
    }

    /// A controller looks at its pods again, once for all that it is told meanwhile.
    pub(super) fn reconcile_soon(&mut self, workload: usize, from: At, to: At) {
        if !std::mem::replace(&mut self.due[workload], true) {
            self.soon(Happening::Reconcile(workload), from, to);
        }
    }

    /// Makes the pods that are missing, and deletes those that are too many.
    pub(super) fn reconcile(&mut self, workload: usize) {
        self.due[workload] = false;
        let pods = &self.pods;
        self.of_workload[workload].retain(|pod| !pods[*pod].is_lost());
        let (has, wanted) = (
            self.of_workload[workload].len(),
            self.plan.workloads[workload].wanted,
        );
        for _ in has..wanted {
            self.add_pod(workload);
        }
        for _ in wanted..has {
            if let Some(pod) = self.of_workload[workload].pop() {
                self.soon(Happening::Delete(pod, false), 0, 100 * MS);
            }
        }
    }

    fn add_pod(&mut self, workload: usize) {
        let kept = &self.plan.workloads[workload];
        let number = self.pods.len();
        let app = kept.name.clone();
        let (name, owner) = match kept.sort {
            Sort::Deployment => {
                let set = format!("{app}-{}", kept.revision);
                let name = format!("{set}-{number}");
                (name, Some(("apps/v1", "ReplicaSet", set)))
            }
            Sort::StatefulSet => {
                let names = (0..kept.replicas).map(|ordinal| format!("{app}-{ordinal}"));
                let is_free =
                    |name: &String| self.api.get(Kind::Pod, &format!("shop/{name}")).is_none();
                let Some(name) = names.into_iter().find(is_free) else {
                    self.reconcile_soon(workload, 100 * MS, 500 * MS);
                    return;
                };
                (name, Some(("apps/v1", "StatefulSet", app)))
            }
            Sort::Bare => {
                if self.api.get(Kind::Pod, &format!("shop/{app}")).is_some() {
                    self.reconcile_soon(workload, 100 * MS, 500 * MS);
                    return;
                }
                (app, None)
            }
            Sort::CronJob => {
                let job = format!("{app}-{}", 29_000_000 + self.jobs);
                self.jobs += 1;
                (format!("{job}-abcde"), Some(("batch/v1", "Job", job)))
            }
        };
        let node = self.random.below(self.nodes.len());
        self.pods.push(Pod {
            number,
            workload,
            node,
            skew: self.nodes[node].skew,
            name,
            owner,
            is_job: self.plan.workloads[workload].sort == Sort::CronJob,
            created: self.now,
            admitted: 0,
            address: None,
            first: None,
            init: None,
            started: None,
            finished: None,
            taken: 0,
            released: None,
            evicted: false,
            deleting: None,
            gone: false,
            told: Stage::Pending,
            condition: None,
        });
        self.of_workload[workload].push(number);
        self.ever[workload].push(number);
        self.write_pod(number);
        self.soon(Happening::Sandbox(number), 20 * MS, 500 * MS);
    }

    pub(super) fn run_job(&mut self, workload: usize) {
        let before = self.pods.len();
        self.add_pod(workload);
        if let Some((_, _, job)) = self.pods[before].owner.clone() {
            let cron_job = self.plan.workloads[workload].name.clone();
            let owner = Some(("batch/v1", "CronJob", cron_job.as_str()));
            let object = objects::owner("batch/v1", "Job", &job, owner);
            self.write(Kind::Job, &job, object);
            self.soon(Happening::JobGone(before, job), 6 * SECOND, 40 * SECOND);
        }
        self.soon(Happening::CronJob(workload), 2 * SECOND, 6 * SECOND);
    }

    pub(super) fn remove_job(&mut self, pod: usize, job: &str) {
        self.remove(Kind::Job, job);
        let force = self.random.chance(100);
        self.delete(pod, force);
    }

    pub(super) fn roll_out(&mut self, workload: usize) {
        self.plan.workloads[workload].revision += 1;
        self.add_replica_set(workload);
        let mut wait = 0;
        for pod in self.of_workload[workload].clone() {
            wait += self.random.between(0, 2 * SECOND);
            self.at(self.now + wait, Happening::Delete(pod, false));
        }
    }

    pub(super) fn scale(&mut self, workload: usize, to: usize) {
        self.plan.workloads[workload].wanted = to;
        self.reconcile(workload);
    }

    /// A pod is deleted: with a grace of 30 s, or by force.
    pub(super) fn delete(&mut self, number: usize, force: bool) {
        let now = self.now;
        let pod = &mut self.pods[number];
        if pod.gone || pod.deleting.is_some() {
            return;
        }
        pod.deleting = Some(now);
        let workload = pod.workload;
        let is_there = pod.address.is_some() && pod.finished.is_none();
        if !self.pods[number].is_job {
            self.reconcile_soon(workload, 10 * MS, 500 * MS);
        }
        if force {
            self.forget(number);
        } else {
            self.write_pod(number);
        }
        if is_there {
            let longest = if self.random.chance(100) { 20 } else { 3 };
            self.soon(Happening::Finish(number), 20 * MS, longest * SECOND);
        } else if !force {
            self.soon(Happening::Gone(number), 0, 500 * MS);
        }
    }

    /// The API server forgets a pod, in the state that was told last.
    pub(super) fn forget(&mut self, number: usize) {
        let pod = &mut self.pods[number];
        if pod.gone {
            return;
        }
        pod.gone = true;
        let (key, workload) = (pod.key(), pod.workload);
        self.remove(Kind::Pod, &key);
        self.slices_of(workload);
    }

    /// A small thing that people or nodes do all the time.
    pub(super) fn disturb(&mut self) {
        let every = 1500 / i64::try_from(self.scene.scale).unwrap();
        self.soon(Happening::Disturb, 0, every * MS);
        let workload = self.random.below(self.plan.workloads.len());
        let kept = &self.plan.workloads[workload];
        let (sort, replicas) = (kept.sort, kept.replicas);
        match (sort, self.random.below(10)) {
            (Sort::Deployment, 0..3) => self.happen(Happening::Rollout(workload)),
            (Sort::Deployment | Sort::StatefulSet, 3) => {
                self.happen(Happening::Scale(workload, 0));
                self.soon(Happening::Scale(workload, replicas), SECOND, 60 * SECOND);
            }
            (_, kind) => {
                let Some(pod) = self.random.pick(&self.of_workload[workload]).copied() else {
                    return;
                };
                if kind == 4 {
                    self.evict(pod);
                } else {
                    self.delete(pod, kind > 6);
                }
            }
        }
    }

    /// The kubelet ends a pod by itself; its object stays a while.
    fn evict(&mut self, number: usize) {
        let pod = &mut self.pods[number];
        if !pod.runs() || pod.is_lost() || pod.is_job {
            return;
        }
        pod.evicted = true;
        let workload = pod.workload;
        self.finish(number);
        self.reconcile_soon(workload, SECOND, 3 * SECOND);
        self.soon(Happening::Delete(number, false), 3 * SECOND, 40 * SECOND);
    }

    /// Most pods are deleted at once.
    pub(super) fn disaster(&mut self) {
        let force = self.random.chance(400);
        for pod in 0..self.pods.len() {
            if self.pods[pod].runs() && !self.pods[pod].is_lost() && self.random.chance(800) {
                self.soon(Happening::Delete(pod, force), 0, 300 * MS);
            }
        }
        self.soon(Happening::Disaster, 200 * SECOND, 400 * SECOND);
    }

    /// A Service passes from one workload to another.
    pub(super) fn pass(&mut self) {
        let services = self.plan.services.len();
        let number = self.random.below(services);
        let front = &mut self.plan.services[number];
        if front.is_shared && front.behind.len() == 1 && front.address.is_some() {
            front.behind[0] ^= 1;
            self.soon(Happening::Slice(number), 0, 100 * MS);
        }
        self.soon(Happening::Pass, 0, SECOND);
    }

    pub(super) fn slices_of(&mut self, workload: usize) {
        for service in self.plan.before(workload) {
            self.soon(Happening::Slice(service), 10 * MS, 1500 * MS);
        }
    }

    /// The endpoints controller writes who is behind a Service, as the API server knows it.
    pub(super) fn write_slice(&mut self, service: usize) {
        let front = &self.plan.services[service];
        let ready = |pod: &&Pod| pod.told == Stage::Running && !pod.gone && pod.deleting.is_none();
        let pods = front.behind.iter().flat_map(|of| &self.of_workload[*of]);
        let pods = pods.map(|pod| &self.pods[*pod]).filter(ready);
        let pods: Vec<&Pod> = pods.collect();
        self.endpoints[service] = pods.iter().map(|pod| pod.number).collect();
        let endpoints: Vec<(String, String)> = pods
            .into_iter()
            .filter_map(|pod| Some((pod.address?.to_string(), pod.uid().to_string())))
            .collect();
        let object = objects::slice(&front.name, front.port, &endpoints);
        let key = front.name.clone();
        self.write(Kind::EndpointSlice, &key, object);
    }
}
