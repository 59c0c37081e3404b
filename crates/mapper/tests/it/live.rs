//! A live cluster whose watch the test tells, second by second.

use std::collections::{BTreeSet, HashSet};
use std::time::Duration;

use cluster::{Event, Index, OwnerKey, Settings, Update, document};
use map::{
    Answer, Connection, DnsName, Evidence, Observation, Outcome, PodUid, Protocol, Source, Target,
    Time,
};
use mapper::{Claim, Fact, Fate, Ingest, Refusal};
use serde_json::Value;
use testkit::cluster::{START, uid};

/// The time of the clusters of `testkit`, in seconds behind their start.
pub(crate) fn second(at: f64) -> Time {
    START
        .parse::<Time>()
        .unwrap()
        .plus(Duration::from_secs_f64(at))
}

/// The UID of a pod of `testkit`, by namespace and name.
pub(crate) fn pod_uid(name: &str) -> PodUid {
    uid("Pod", name).parse().unwrap()
}

/// The mapper of a live cluster that knows nothing yet.
pub(crate) struct Live {
    pub(crate) index: Index,
    pub(crate) ingest: Ingest,
    now: Time,
}

impl Live {
    pub(crate) fn new() -> Self {
        let mut live = Self {
            index: Index::live(Settings::default()),
            ingest: Ingest::live("", BTreeSet::new()),
            now: Time::MIN,
        };
        live.at(600.0);
        live
    }

    /// It is now this second.
    pub(crate) fn at(&mut self, at: f64) -> &mut Self {
        self.now = second(at);
        self.ingest.advance(&self.index, self.now);
        self
    }

    pub(crate) fn update(&mut self, update: Update) -> &mut Self {
        self.index.update(update, self.now);
        let touched = self.index.take_touched();
        self.ingest.wake(&self.index, &touched);
        self.check()
    }

    /// The watch tells these objects.
    pub(crate) fn told(&mut self, objects: &[Value]) -> &mut Self {
        for object in objects {
            let mut events = Vec::new();
            document::read(&mut object.to_string().as_bytes(), &mut |event| {
                events.push(event);
            });
            for event in events {
                self.update(Update::Event(event));
            }
        }
        self
    }

    /// The watch tells that an object went, in its last state.
    pub(crate) fn deleted(&mut self, object: &Value) -> &mut Self {
        let object = serde_json::from_value(object.clone()).unwrap();
        self.update(Update::Event(Event::Deleted(Box::new(object))))
    }

    /// The watch of pods was told anew, with only these pods.
    pub(crate) fn listed(&mut self, pods: &[&str], asked: f64) -> &mut Self {
        let pods: HashSet<PodUid> = pods.iter().map(|name| pod_uid(name)).collect();
        self.update(Update::Listed {
            kind: cluster::Kind::Pod,
            present: cluster::Present::Pods(pods),
            asked: second(asked),
        })
    }

    /// The watch of pods has told everything up to this second.
    pub(crate) fn current(&mut self, at: f64) -> &mut Self {
        self.update(Update::PodsCurrent(second(at)))
    }

    pub(crate) fn unknowable(&mut self, owner: OwnerKey) -> &mut Self {
        self.update(Update::OwnerUnknowable(owner))
    }

    /// A connection, seen between two seconds; its client's pod by its UID, or only its address.
    pub(crate) fn calls(
        &mut self,
        (from, client): (&str, Option<&str>),
        (meant, reached): (&str, Option<&str>),
        (first, last): (f64, f64),
        outcome: Outcome,
    ) -> &mut Self {
        let connection = Connection {
            protocol: Protocol::Tcp,
            meant: meant.parse().unwrap(),
            reached: reached.map(|reached| reached.parse().unwrap()),
            outcome,
            server_pod: None,
        };
        let target = Target::Connection(connection);
        self.takes((from, client), target, (first, last))
    }

    /// A connection at one second, without any UID.
    pub(crate) fn connects(&mut self, from: &str, meant: &str, at: f64) -> &mut Self {
        self.calls((from, None), (meant, None), (at, at), Outcome::Accepted)
    }

    /// A pod, by its UID, gets the answer to a name.
    pub(crate) fn learns(
        &mut self,
        (from, client): (&str, &str),
        name: &str,
        address: &str,
        at: f64,
    ) -> &mut Self {
        let answer = Answer {
            name: DnsName::new(name),
            address: Some(address.parse().unwrap()),
        };
        let target = Target::Answer(answer);
        self.takes((from, Some(client)), target, (at, at))
    }

    fn takes(
        &mut self,
        (from, client): (&str, Option<&str>),
        target: Target,
        (first, last): (f64, f64),
    ) -> &mut Self {
        let evidence = match target {
            Target::Answer(_) => Evidence::Dns,
            Target::Connection(_) => Evidence::Tcp,
        };
        let observation = Observation {
            source: Source {
                address: from.parse().unwrap(),
                pod_uid: client.map(pod_uid),
            },
            target,
            evidence,
            first_seen: second(first),
            last_seen: second(last),
            connections: 1,
            ttl: 30,
        };
        let claim = Claim {
            awaits_outcome: true,
            ..Claim::default()
        };
        self.ingest
            .take(&self.index, Fact::Seen(observation, claim));
        self.check()
    }

    /// Nothing is lost.
    pub(crate) fn check(&mut self) -> &mut Self {
        let (taken, fates) = (self.ingest.taken().total(), self.ingest.fates().total());
        assert_eq!(taken, fates + self.ingest.held(), "taken = fates + held");
        self
    }

    pub(crate) fn finish(&mut self) -> &mut Self {
        self.ingest.finish(&self.index);
        self.check()
    }

    pub(crate) fn edges(&self) -> Vec<String> {
        let edges = self.ingest.map().edges();
        edges
            .map(|(key, _)| format!("{} → {}", key.client, key.server))
            .collect()
    }

    pub(crate) fn refused(&self, refusal: Refusal) -> u64 {
        self.ingest.fates().get(&Fate::Refused(refusal))
    }
}
