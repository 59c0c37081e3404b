//! Runs a simulation to its end.

use std::collections::BTreeMap;

use cluster::{Event, Kind, OwnerKey, Update};

use crate::api;
use crate::judge::{Judge, Mode, REST, Score};
use crate::scene::{At, SECOND, Scene};
use crate::truth::Truth;
use crate::world::{Happening, World};

/// Calls begin when the cluster is there.
const WARM_UP: At = 20 * SECOND;

pub(crate) fn simulate(scene: Scene) -> BTreeMap<Mode, Score> {
    let mut world = World::new(scene);
    let (mut judge, mut truth) = (Judge::new(scene.mad_clocks), Truth::default());
    let (begin, mut made, mut end) = (world.now + WARM_UP, 0, At::MAX);
    while let Some(happening) = world.next() {
        let now = world.now;
        if now > end {
            break;
        }
        let calls = now >= begin && made < scene.observations;
        judge.advance(now);
        let before = world.on_the_way;
        match happening {
            Happening::Traffic if calls => world.traffic(&mut truth),
            Happening::Call(pod) if calls => world.call_at(pod, now, &mut truth),
            Happening::Traffic if made == 0 => world.soon(Happening::Traffic, SECOND, SECOND),
            Happening::Told(kind) => {
                let updates = world.api.told(kind, now);
                judge.update(updates, now);
            }
            Happening::Lookup(owner) => {
                let answer = look_up(&world, &owner);
                judge.looked_up(&owner, answer, now);
            }
            Happening::Report(sight) => {
                world.on_the_way -= 1;
                judge.report(&sight, &world, &truth);
                if world.on_the_way == 0 && made >= scene.observations {
                    end = now + At::try_from(REST.as_nanos()).unwrap_or(At::MAX);
                }
                for owner in judge.wanted() {
                    let takes = api::lookup_time(&mut world.random);
                    world.at(now + takes, Happening::Lookup(owner));
                }
                continue;
            }
            Happening::Tick => {
                judge.forget(now);
                world.soon(Happening::Tick, SECOND, SECOND);
            }
            Happening::Release(pod) => {
                world.happen(Happening::Release(pod));
                if calls {
                    world.farewell(pod, &mut truth);
                }
            }
            Happening::Starts(pod) => {
                world.happen(Happening::Starts(pod));
                if calls && world.pods[pod].first == Some(now) {
                    world.call_both(pod, &mut truth);
                }
            }
            other => world.happen(other),
        }
        for owner in judge.wanted() {
            let takes = api::lookup_time(&mut world.random);
            world.at(now + takes, Happening::Lookup(owner));
        }
        made += world.on_the_way - before;
    }
    judge.finish(&world, &truth)
}

/// What the API server says of an owner.
fn look_up(world: &World, owner: &OwnerKey) -> Update {
    let kind = match owner.kind.as_str() {
        "ReplicaSet" => Kind::ReplicaSet,
        "Deployment" => Kind::Deployment,
        "StatefulSet" => Kind::StatefulSet,
        "Job" => Kind::Job,
        _ => Kind::CronJob,
    };
    match world.api.get(kind, &owner.name) {
        Some(object) => Update::Event(Event::Applied(api::read(object))),
        None => Update::OwnerUnknowable(owner.clone()),
    }
}
