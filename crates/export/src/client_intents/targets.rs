//! From edges to targets.

use std::collections::BTreeMap;

use map::{AddressRange, Edge, Evidence, HttpMethod, Peer, Protocol, Workload};

use super::{Outside, Resource, Server, Target, Topic};
use crate::{Options, words};

/// The targets of one client, by name, namespace, sort and kind, in the order of the replaced tool as far as it had one;
/// the same target of two edges is one.
#[derive(Default)]
pub(super) struct Targets(BTreeMap<Place, Target>);

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    name: String,
    namespace: String,
    sort: Sort,
    kind: String,
}

impl Place {
    /// Of what a client in the namespace `own` calls by this written name.
    fn of(written: &str, own: &str, sort: Sort, kind: &str) -> Self {
        let (name, namespace) = match sort {
            Sort::Internet => (written, ""),
            _ => written.split_once('.').unwrap_or((written, own)),
        };
        Self {
            name: name.to_owned(),
            namespace: namespace.to_owned(),
            sort,
            kind: kind.to_owned(),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Sort {
    Kubernetes,
    Service,
    Kafka,
    Internet,
}

impl Targets {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn into_sorted(self) -> Vec<Target> {
        self.0.into_values().collect()
    }

    /// What a client in this namespace calls by this edge.
    pub(super) fn add(&mut self, namespace: &str, server: &Peer, edge: &Edge, options: Options) {
        match server {
            Peer::Workload(server) => self.add_workload(namespace, server, edge, options),
            Peer::Name(name) if options.external => {
                self.add_outside(vec![name.to_string()], Vec::new(), edge);
            }
            Peer::Address(range) if options.external => {
                self.add_outside(Vec::new(), vec![cidr(*range)], edge);
            }
            Peer::Name(_) | Peer::Address(_) | Peer::Internet | Peer::Cloud(_) => {}
        }
    }

    fn add_workload(&mut self, namespace: &str, server: &Workload, edge: &Edge, options: Options) {
        let written = |name: &str| {
            if server.namespace == namespace {
                name.to_owned()
            } else {
                format!("{name}.{}", server.namespace)
            }
        };
        let topics = topics(edge);
        let has_topics = !topics.is_empty();
        if has_topics {
            self.add_kafka(namespace, written(&server.name), topics);
        }
        // A broker's log shows the topics. The connection itself is shown by whoever saw it.
        if has_topics && edge.evidence().all(|evidence| evidence == Evidence::Kafka) {
            return;
        }
        let http = resources(edge);
        let mut services = edge.services().filter(|_| options.as_kubernetes_service);
        if server.is_api_server() || server.kind == "Service" {
            self.add_service(namespace, written(&server.name), http);
        } else if let Some(first) = services.next() {
            for service in std::iter::once(first).chain(services) {
                self.add_service(namespace, written(service), http.clone());
            }
        } else {
            let name = written(&server.name);
            let kind = server.kind.to_string();
            let key = Place::of(&name, namespace, Sort::Kubernetes, &kind);
            self.0
                .insert(key, Target::Kubernetes(Server { name, kind, http }));
        }
    }

    /// Several workloads may stand behind one Service; their paths are the Service's.
    fn add_service(&mut self, own: &str, name: String, http: Vec<Resource>) {
        let key = Place::of(&name, own, Sort::Service, "");
        let target = self.0.entry(key).or_insert_with(|| {
            Target::Service(Server {
                name,
                kind: String::new(),
                http: Vec::new(),
            })
        });
        if let Target::Service(server) = target {
            for resource in http {
                add_resource(&mut server.http, resource);
            }
        }
    }

    /// Two kinds of workload with one name are one broker here: the target has no kind.
    fn add_kafka(&mut self, own: &str, name: String, topics: Vec<Topic>) {
        let key = Place::of(&name, own, Sort::Kafka, "");
        let target = self.0.entry(key).or_insert_with(|| Target::Kafka {
            name,
            topics: Vec::new(),
        });
        if let Target::Kafka { topics: all, .. } = target {
            for topic in topics {
                add_topic(all, topic);
            }
        }
    }

    fn add_outside(&mut self, domains: Vec<String>, ips: Vec<String>, edge: &Edge) {
        let peer = domains.first().or(ips.first()).cloned().unwrap_or_default();
        let tcp = edge
            .ports()
            .filter(|(protocol, _)| *protocol == Protocol::Tcp);
        let outside = Outside {
            domains,
            ips,
            ports: tcp.map(|(_, port)| port).collect(),
        };
        let key = Place::of(&peer, "", Sort::Internet, "");
        self.0.insert(key, Target::Internet(outside));
    }
}

fn add_resource(all: &mut Vec<Resource>, new: Resource) {
    match all.binary_search_by(|known| known.path.cmp(&new.path)) {
        Err(place) => all.insert(place, new),
        Ok(place) => {
            if let Some(known) = all.get_mut(place) {
                add_words(&mut known.methods, new.methods);
            }
        }
    }
}

fn add_topic(all: &mut Vec<Topic>, new: Topic) {
    match all.binary_search_by(|known| known.name.cmp(&new.name)) {
        Err(place) => all.insert(place, new),
        Ok(place) => {
            if let Some(known) = all.get_mut(place) {
                add_words(&mut known.operations, new.operations);
            }
        }
    }
}

fn add_words(all: &mut Vec<&'static str>, new: Vec<&'static str>) {
    for word in new {
        if !all.contains(&word) {
            all.push(word);
        }
    }
}

fn topics(edge: &Edge) -> Vec<Topic> {
    let topics = edge.topics().into_iter();
    topics
        .map(|(name, operations)| Topic {
            name: name.to_owned(),
            operations: operations.into_iter().map(words::operation).collect(),
        })
        .collect()
}

/// The definition knows no method for "all", and demands at least one: all is each.
fn resources(edge: &Edge) -> Vec<Resource> {
    let resources = edge.resources().into_iter();
    resources
        .map(|(path, methods)| {
            let each = HttpMethod::ALL.into_iter();
            let all = methods.contains(&HttpMethod::All);
            Resource {
                path: path.to_owned(),
                methods: each
                    .filter(|method| *method != HttpMethod::All)
                    .filter(|method| all || methods.contains(method))
                    .map(HttpMethod::as_str)
                    .collect(),
            }
        })
        .collect()
}

/// Always with the prefix: without one, an address is not clearly a range of the one IP version or the other.
fn cidr(range: AddressRange) -> String {
    format!("{}/{}", range.address, range.prefix)
}
