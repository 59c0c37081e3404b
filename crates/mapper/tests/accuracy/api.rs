//! The API server, and the watches that tell of it: late, in order for each kind, and at times not at all.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::rc::Rc;

use cluster::{Event, Kind, Object, Present, Update};
use map::Time;
use serde_json::Value;

use crate::random::Random;
use crate::scene::{At, MS, SECOND};

/// Something that a watch has to tell.
#[derive(Debug)]
enum Item {
    Applied(Rc<Value>),
    Deleted(Rc<Value>),
    Listed(At, Vec<Rc<Value>>),
    /// All that was known at this time has been told.
    Mark(At),
}

/// The objects of one kind, and their watch.
#[derive(Debug, Default)]
struct Shelf {
    objects: BTreeMap<String, Rc<Value>>,
    queue: VecDeque<(At, Item)>,
    last: At,
    /// The most that the watch lags at present.
    lag: At,
    broken: bool,
}

/// All kinds.
#[derive(Debug, Default)]
pub(crate) struct Api {
    shelves: BTreeMap<Kind, Shelf>,
}

pub(crate) const KINDS: [Kind; 9] = [
    Kind::Node,
    Kind::Pod,
    Kind::Service,
    Kind::EndpointSlice,
    Kind::ReplicaSet,
    Kind::Deployment,
    Kind::StatefulSet,
    Kind::Job,
    Kind::CronJob,
];

impl Api {
    fn shelf(&mut self, kind: Kind) -> &mut Shelf {
        self.shelves.entry(kind).or_default()
    }

    /// An object comes or changes. When the watch will tell it, if it runs.
    pub(crate) fn write(
        &mut self,
        kind: Kind,
        key: &str,
        object: Value,
        now: At,
        random: &mut Random,
    ) -> Option<At> {
        let object = Rc::new(object);
        let watch = self.shelf(kind);
        watch.objects.insert(key.to_owned(), Rc::clone(&object));
        watch.push(Item::Applied(object), now, random)
    }

    /// An object goes.
    pub(crate) fn delete(
        &mut self,
        kind: Kind,
        key: &str,
        now: At,
        random: &mut Random,
    ) -> Option<At> {
        let watch = self.shelf(kind);
        let object = watch.objects.remove(key)?;
        watch.push(Item::Deleted(object), now, random)
    }

    /// Somebody asked how far things are.
    pub(crate) fn mark(&mut self, now: At, random: &mut Random) -> Option<At> {
        self.shelf(Kind::Pod).push(Item::Mark(now), now, random)
    }

    pub(crate) fn get(&self, kind: Kind, key: &str) -> Option<&Rc<Value>> {
        self.shelves.get(&kind)?.objects.get(key)
    }

    /// The watch lags by up to so much from now on.
    pub(crate) fn set_lag(&mut self, kind: Kind, lag: At) {
        self.shelf(kind).lag = lag;
    }

    /// The watch breaks: what it has not told is lost.
    pub(crate) fn break_off(&mut self, kind: Kind) {
        let watch = self.shelf(kind);
        watch.broken = true;
        watch.queue.clear();
    }

    /// The watch begins again with a list, asked for a moment ago.
    pub(crate) fn list(&mut self, kind: Kind, now: At, random: &mut Random) -> Option<At> {
        let watch = self.shelf(kind);
        watch.broken = false;
        let objects = watch.objects.values().cloned().collect();
        let asked = now - random.between(0, 300 * MS);
        watch.push(Item::Listed(asked, objects), now, random)
    }

    /// What the watch tells by now.
    pub(crate) fn told(&mut self, kind: Kind, now: At) -> Vec<Update> {
        let queue = &mut self.shelf(kind).queue;
        let mut updates = Vec::new();
        while queue.front().is_some_and(|(at, _)| *at <= now)
            && let Some((_, item)) = queue.pop_front()
        {
            item.tell(kind, &mut updates);
        }
        updates
    }
}

impl Shelf {
    fn push(&mut self, item: Item, now: At, random: &mut Random) -> Option<At> {
        if self.broken {
            return None;
        }
        let delay = random.between(5 * MS, self.lag.max(5 * MS));
        let at = self.last.max(now + delay);
        self.last = at;
        self.queue.push_back((at, item));
        Some(at)
    }
}

impl Item {
    fn tell(self, kind: Kind, updates: &mut Vec<Update>) {
        match self {
            Self::Applied(object) => updates.push(Update::Event(Event::Applied(read(&object)))),
            Self::Deleted(object) => updates.push(Update::Event(Event::Deleted(read(&object)))),
            Self::Mark(at) => updates.push(Update::PodsCurrent(Time::from_nanos(at))),
            Self::Listed(asked, objects) => {
                let present = present(kind, &objects);
                let applied = objects.iter().map(|object| Event::Applied(read(object)));
                updates.extend(applied.map(Update::Event));
                updates.push(Update::Listed {
                    kind,
                    present,
                    asked: Time::from_nanos(asked),
                });
            }
        }
    }
}

fn present(kind: Kind, objects: &[Rc<Value>]) -> Present {
    let text = |object: &Value, key: &str| {
        let text = object["metadata"][key].as_str();
        text.unwrap_or_default().to_owned()
    };
    if kind == Kind::Pod {
        let uids = objects.iter().map(|object| text(object, "uid").parse());
        return Present::Pods(uids.collect::<Result<HashSet<_>, _>>().unwrap());
    }
    let names = objects.iter().map(|object| {
        let (namespace, name) = (text(object, "namespace"), text(object, "name"));
        (namespace.into(), name.into())
    });
    Present::Named(names.collect())
}

pub(crate) fn read(object: &Value) -> Box<Object> {
    Box::new(serde_json::from_value(object.clone()).unwrap())
}

/// How long a lookup takes.
pub(crate) fn lookup_time(random: &mut Random) -> At {
    random.between(20 * MS, SECOND)
}
