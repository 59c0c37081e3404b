//! Who owns whom: from a pod to its root.

use std::collections::{BTreeMap, HashMap};

use compact_str::{CompactString, format_compact};

use crate::objects::{Container, Object, OwnerReference};

/// Owners between a pod and its root; real chains have three.
const MAX_OWNERS: usize = 16;

/// An owner by group, kind, namespace and name. Versions of one group name the same objects.
type Key = (CompactString, CompactString, CompactString, CompactString);

/// An owner that was seen.
#[derive(Debug)]
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
}

type Labels = BTreeMap<CompactString, CompactString>;

/// Group and version of an API version; the core group is empty.
pub(crate) fn split(api_version: &str) -> (&str, &str) {
    api_version.split_once('/').unwrap_or(("", api_version))
}

fn key(api_version: &str, kind: &str, namespace: &str, name: &str) -> Key {
    let (group, _) = split(api_version);
    (group.into(), kind.into(), namespace.into(), name.into())
}

impl Owners {
    pub(crate) fn apply(&mut self, object: &Object) {
        let metadata = &object.metadata;
        if object.kind == "CronJob" {
            let labels = &object.spec.job_template.spec.template.metadata.labels;
            self.cron_jobs
                .entry(metadata.namespace.clone())
                .or_default()
                .insert(metadata.name.clone(), labels.clone());
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
        self.known.insert(key, owner);
    }

    /// The root above an owner of a pod in this namespace with these labels. The first reference of each object
    /// counts, whatever its kind; one that is not known is the root.
    pub(crate) fn root(
        &self,
        first: &OwnerReference,
        namespace: &str,
        labels: &[(CompactString, CompactString)],
    ) -> OwnerReference {
        let mut root = first.clone();
        for _ in 0..MAX_OWNERS {
            let key = key(&root.api_version, &root.kind, namespace, &root.name);
            match self.known.get(&key) {
                Some(Owner {
                    owner: Some(owner), ..
                }) => root.clone_from(owner),
                Some(Owner { api_version, .. }) => {
                    root.api_version.clone_from(api_version);
                    return root;
                }
                None => return self.cron_job_of(&root, namespace, labels).unwrap_or(root),
            }
        }
        root
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
