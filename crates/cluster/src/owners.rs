//! Who owns whom: from a pod to its root.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use compact_str::{CompactString, format_compact};
use hashbrown::{HashMap, HashSet};
use map::Time;

use crate::objects::{Container, Object, OwnerReference};
use crate::update::OwnerKey;

/// Owners between a pod and its root; real chains have three.
const MAX_OWNERS: usize = 16;

/// Owners that the API server does not know, or does not show: as many as owners of pods, at the most.
const MAX_UNKNOWABLE: usize = 100_000;

/// How long an owner that is gone is remembered: its pods may outlive it, and reports come late.
pub(crate) const REMEMBERED: Duration = Duration::from_hours(1);

/// An owner by group, kind, namespace and name. Versions of one group name the same objects.
type Key = (CompactString, CompactString, CompactString, CompactString);

/// An owner that was seen.
#[derive(Debug, PartialEq, Eq)]
struct Owner {
    api_version: CompactString,
    /// Its own first owner.
    owner: Option<OwnerReference>,
}

/// All owners, and what Jobs inherit from each `CronJob`.
#[derive(Debug, Default)]
pub(crate) struct Owners {
    known: HashMap<Key, Owner>,
    /// The labels that each `CronJob` gives to its pods, by namespace and name.
    cron_jobs: BTreeMap<CompactString, BTreeMap<CompactString, Labels>>,
    /// Where all that can be known is not known from the start: owners that were asked for in vain. `None` where
    /// nobody can be asked, so that an owner that is not known is a root.
    unknowable: Option<HashSet<Key>>,
    gone: VecDeque<(Time, Key)>,
    /// Grows whenever a chain may lead elsewhere than before.
    generation: u64,
}

type Labels = BTreeMap<CompactString, CompactString>;

/// The end of a chain of owners.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Root {
    pub(crate) owner: OwnerReference,
    /// The owner that nobody has looked up yet: the chain may go on behind it.
    pub(crate) unknown: Option<OwnerKey>,
}

/// Group and version of an API version; the core group is empty.
pub(crate) fn split(api_version: &str) -> (&str, &str) {
    api_version.split_once('/').unwrap_or(("", api_version))
}

fn key(api_version: &str, kind: &str, namespace: &str, name: &str) -> Key {
    let (group, _) = split(api_version);
    (group.into(), kind.into(), namespace.into(), name.into())
}

impl Owners {
    /// For a live cluster: an owner that is not known can be asked for.
    pub(crate) fn live() -> Self {
        Self {
            unknowable: Some(HashSet::new()),
            ..Self::default()
        }
    }

    /// Grows whenever a chain may lead elsewhere than before.
    pub(crate) const fn generation(&self) -> u64 {
        self.generation
    }

    pub(crate) fn apply(&mut self, object: &Object) {
        let metadata = &object.metadata;
        if object.kind == "CronJob" {
            let labels = &object.spec.job_template.spec.template.metadata.labels;
            let cron_jobs = self.cron_jobs.entry(metadata.namespace.clone());
            let old = cron_jobs
                .or_default()
                .insert(metadata.name.clone(), labels.clone());
            self.generation += u64::from(old.as_ref() != Some(labels));
        }
        let key = key(
            &object.api_version,
            &object.kind,
            &metadata.namespace,
            &metadata.name,
        );
        let owner = Owner {
            api_version: object.api_version.clone(),
            owner: metadata.owner_references.first().cloned(),
        };
        if let Some(unknowable) = &mut self.unknowable {
            unknowable.remove(&key);
        }
        if self.known.get(&key) != Some(&owner) {
            self.known.insert(key, owner);
            self.generation += 1;
        }
    }

    /// It was looked up in vain.
    pub(crate) fn set_unknowable(&mut self, owner: &OwnerKey) {
        let key = key(
            &owner.api_version,
            &owner.kind,
            &owner.namespace,
            &owner.name,
        );
        if let Some(unknowable) = &mut self.unknowable
            && unknowable.len() < MAX_UNKNOWABLE
        {
            self.generation += u64::from(unknowable.insert(key));
        }
    }

    /// It was deleted: known for a while longer.
    pub(crate) fn delete(
        &mut self,
        kind: &str,
        api_version: &str,
        namespace: &str,
        name: &str,
        now: Time,
    ) {
        self.gone
            .push_back((now, key(api_version, kind, namespace, name)));
        if kind == "CronJob"
            && let Some(all) = self.cron_jobs.get_mut(namespace)
        {
            all.remove(name);
        }
    }

    /// The owners of a kind, as group and version, namespace and name.
    pub(crate) fn of_kind<'o>(
        &'o self,
        kind: &'o str,
    ) -> impl Iterator<Item = (&'o CompactString, &'o CompactString, &'o CompactString)> {
        let known = self.known.iter();
        known
            .filter(move |((_, of, ..), _)| of == kind)
            .map(|((_, _, namespace, name), owner)| (&owner.api_version, namespace, name))
    }

    /// Forgets those that are gone for long.
    pub(crate) fn forget(&mut self, now: Time) {
        while let Some((at, key)) = self.gone.front()
            && now.since(*at) > REMEMBERED
        {
            self.known.remove(key);
            self.gone.pop_front();
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.known.len()
    }

    /// The root above an owner of a pod in this namespace with these labels. The first reference of each object
    /// counts, whatever its kind; one that cannot be known is the root.
    pub(crate) fn root(
        &self,
        first: &OwnerReference,
        namespace: &str,
        labels: &[(CompactString, CompactString)],
    ) -> Root {
        let certain = |owner| Root {
            owner,
            unknown: None,
        };
        let mut root = first.clone();
        for _ in 0..MAX_OWNERS {
            let key = key(&root.api_version, &root.kind, namespace, &root.name);
            match self.find(&key) {
                Some(Owner {
                    owner: Some(owner), ..
                }) => root.clone_from(owner),
                Some(Owner { api_version, .. }) => {
                    root.api_version.clone_from(api_version);
                    return certain(root);
                }
                None if self.may_be_asked_for(&key) => {
                    let unknown = OwnerKey {
                        api_version: root.api_version.clone(),
                        kind: root.kind.clone(),
                        namespace: namespace.into(),
                        name: root.name.clone(),
                    };
                    return Root {
                        owner: root,
                        unknown: Some(unknown),
                    };
                }
                None => {
                    return certain(self.cron_job_of(&root, namespace, labels).unwrap_or(root));
                }
            }
        }
        certain(root)
    }

    /// In the namespace of what it owns, or cluster-wide.
    fn find(&self, key: &Key) -> Option<&Owner> {
        let (group, kind, _, name) = key;
        let wide = || {
            (
                group.clone(),
                kind.clone(),
                CompactString::default(),
                name.clone(),
            )
        };
        self.known.get(key).or_else(|| self.known.get(&wide()))
    }

    /// The node that owns a static pod is a root by itself.
    fn may_be_asked_for(&self, key: &Key) -> bool {
        let node = key.0.is_empty() && key.1 == "Node";
        let unknowable = self.unknowable.as_ref();
        !node && unknowable.is_some_and(|unknowable| !unknowable.contains(key))
    }

    /// The `CronJob` behind a Job that is gone. Finished Jobs are deleted after a few runs, so a snapshot rarely
    /// holds them; their pods still carry the labels of the `CronJob`'s template, and their names begin with its
    /// name and a dash (Kubernetes: `getJobName` of the `CronJob` controller). Both must agree.
    fn cron_job_of(
        &self,
        job: &OwnerReference,
        namespace: &str,
        labels: &[(CompactString, CompactString)],
    ) -> Option<OwnerReference> {
        if job.kind != "Job" {
            return None;
        }
        let fits = |name: &CompactString, inherited: &Labels| {
            let rest = job.name.strip_prefix(name.as_str());
            let named = rest.is_some_and(|rest| rest.starts_with('-'));
            let carried = |(key, value)| labels.iter().any(|(k, v)| (k, v) == (key, value));
            named && !inherited.is_empty() && inherited.iter().all(carried)
        };
        let all = self.cron_jobs.get(namespace)?.iter();
        let names = all
            .filter(|(name, inherited)| fits(name, inherited))
            .map(|(name, _)| name);
        Some(OwnerReference {
            api_version: job.api_version.clone(),
            kind: "CronJob".into(),
            name: names.max_by_key(|name| name.len())?.clone(),
        })
    }
}

/// The name of a Job's workload by its images, as the replaced system makes it: of each container but sidecars, what
/// stands between the first `/` and the next `:`, or all of it without a `/`; joined with dashes.
pub(crate) fn image_name(containers: &[Container]) -> CompactString {
    let mut name = CompactString::default();
    for container in containers {
        if container.name == "istio-proxy" || container.name.contains("sidecar") {
            continue;
        }
        let image = match container.image.split_once('/') {
            Some((_, rest)) => rest.split(':').next().unwrap_or_default(),
            None => &container.image,
        };
        name = if name.is_empty() {
            image.into()
        } else {
            format_compact!("{name}-{image}")
        };
    }
    name
}
