//! Which workloads there are, what stands before them, and who calls whom.

use std::net::Ipv4Addr;

use map::Workload;

use crate::random::Random;
use crate::scene::Scene;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sort {
    Deployment,
    StatefulSet,
    CronJob,
    Bare,
}

#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) name: String,
    pub(crate) sort: Sort,
    /// How many pods there should be.
    pub(crate) replicas: usize,
    pub(crate) wanted: usize,
    pub(crate) with_init: bool,
    /// How often its template changed.
    pub(crate) revision: usize,
    pub(crate) port: u16,
    pub(crate) targets: Vec<Target>,
}

impl Kept {
    /// As the map should name it.
    pub(crate) fn workload(&self) -> Workload {
        let kind = match self.sort {
            Sort::Deployment => "Deployment",
            Sort::StatefulSet => "StatefulSet",
            Sort::CronJob => "CronJob",
            Sort::Bare => "Pod",
        };
        Workload::new("shop", &self.name, kind)
    }
}

/// What a client calls.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Target {
    /// Pods of a workload, by their addresses.
    Pods(usize),
    Service(usize),
}

#[derive(Debug)]
pub(crate) struct Front {
    pub(crate) name: String,
    /// None: headless.
    pub(crate) address: Option<Ipv4Addr>,
    pub(crate) behind: Vec<usize>,
    pub(crate) port: u16,
    /// How many workloads stand behind it in the whole simulation.
    pub(crate) is_shared: bool,
}

#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) workloads: Vec<Kept>,
    pub(crate) services: Vec<Front>,
}

/// Of each, in a cluster of scale one.
const DEPLOYMENTS: usize = 24;
const STATEFUL_SETS: usize = 8;
const CRON_JOBS: usize = 14;
const BARE: usize = 6;

/// What each workload calls.
const CALLS: usize = 4;

impl Plan {
    pub(crate) fn new(scene: &Scene, random: &mut Random) -> Self {
        let mut plan = Self {
            workloads: Vec::new(),
            services: Vec::new(),
        };
        for _ in 0..scene.scale {
            plan.add_part(scene.passes, random);
        }
        let (workloads, services) = (plan.workloads.len(), plan.services.len());
        for kept in &mut plan.workloads {
            let target = |random: &mut Random| {
                if random.chance(500) {
                    Target::Pods(random.below(workloads))
                } else {
                    Target::Service(random.below(services))
                }
            };
            kept.targets = (0..CALLS).map(|_| target(random)).collect();
        }
        plan
    }

    fn add_part(&mut self, passes: bool, random: &mut Random) {
        let first = self.workloads.len();
        let sorts = [
            (Sort::Deployment, DEPLOYMENTS),
            (Sort::StatefulSet, STATEFUL_SETS),
            (Sort::CronJob, CRON_JOBS),
            (Sort::Bare, BARE),
        ];
        for (sort, count) in sorts {
            for _ in 0..count {
                self.add_workload(sort, random);
            }
        }
        // Deployments 0 to 9 have a Service each; 10 to 15 share three, of which one is headless; the rest has none.
        for workload in first..first + 10 {
            self.add_service(&[workload], false, passes && workload % 2 == 0);
        }
        for (pair, headless) in [(10, false), (12, false), (14, true)] {
            let pair = first + pair;
            self.add_service(&[pair, pair + 1], headless, true);
        }
        for set in 0..STATEFUL_SETS {
            self.add_service(&[first + DEPLOYMENTS + set], true, false);
        }
    }

    fn add_workload(&mut self, sort: Sort, random: &mut Random) {
        let number = self.workloads.len();
        let (prefix, replicas) = match sort {
            Sort::Deployment => ("web", 2 + random.below(4)),
            Sort::StatefulSet => ("db", 2),
            Sort::CronJob => ("cron", 0),
            Sort::Bare => ("bare", 1),
        };
        self.workloads.push(Kept {
            name: format!("{prefix}{number}"),
            sort,
            replicas,
            wanted: replicas,
            with_init: sort == Sort::Deployment && random.chance(300),
            revision: 0,
            port: 8000 + u16::try_from(number).unwrap(),
            targets: Vec::new(),
        });
    }

    fn add_service(&mut self, behind: &[usize], headless: bool, is_shared: bool) {
        let number = self.services.len();
        let [high, low] = u16::try_from(number).unwrap().to_be_bytes();
        self.services.push(Front {
            name: format!("s{number}"),
            address: (!headless).then(|| Ipv4Addr::new(10, 96, high, low)),
            behind: behind.to_vec(),
            port: self.workloads[behind[0]].port,
            is_shared,
        });
    }

    /// The Services before a workload.
    pub(crate) fn before(&self, workload: usize) -> Vec<usize> {
        let all = self.services.iter().enumerate();
        all.filter(|(_, front)| front.behind.contains(&workload))
            .map(|(number, _)| number)
            .collect()
    }
}
