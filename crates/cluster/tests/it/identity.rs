//! The rules by which a pod's workload gets its name.

use cluster::Settings;
use serde_json::{Value, json};
use testkit::cluster::{deployment, owner, pod};

use crate::{after_start, index, index_with, workload};

const ADDRESS: &str = "10.244.0.5";

fn annotated(key: &str, value: &str) -> Vec<Value> {
    let mut objects = deployment("shop", "cart", &[ADDRESS]);
    objects[2]["metadata"]["annotations"][key] = value.into();
    objects
}

#[test]
fn the_root_owner_names_the_workload() {
    let index = index(&deployment("shop", "cart", &[ADDRESS]));
    assert_eq!(workload(&index, ADDRESS), "shop/cart (Deployment)");
    let pod = match index.holder(ADDRESS.parse().unwrap(), None, after_start(60)) {
        cluster::Holder::Pod(pod) => index.identity(pod),
        other => panic!("{other:?}"),
    };
    assert_eq!(
        (&*pod.group, &*pod.version, pod.by_annotation),
        ("apps", "v1", false)
    );
}

#[test]
fn an_annotation_on_the_pod_comes_first() {
    let new = "intents.otterize.com/workload-name";
    let old = "intents.otterize.com/service-name";
    assert_eq!(
        workload(&index(&annotated(new, "basket")), ADDRESS),
        "shop/basket"
    );
    assert_eq!(
        workload(&index(&annotated(old, "basket")), ADDRESS),
        "shop/basket"
    );
    // Verbatim, with its dots.
    assert_eq!(
        workload(&index(&annotated(new, "a.b")), ADDRESS),
        "shop/a.b"
    );
    let mut both = annotated(new, "new");
    both[2]["metadata"]["annotations"][old] = "old".into();
    assert_eq!(workload(&index(&both), ADDRESS), "shop/new");
}

#[test]
fn an_empty_annotation_is_none() {
    let new = "intents.otterize.com/workload-name";
    let old = "intents.otterize.com/service-name";
    for empty in ["", " "] {
        for key in [new, old] {
            assert_eq!(
                workload(&index(&annotated(key, empty)), ADDRESS),
                "shop/cart (Deployment)"
            );
        }
        let mut both = annotated(new, empty);
        both[2]["metadata"]["annotations"][old] = "old".into();
        assert_eq!(workload(&index(&both), ADDRESS), "shop/old");
    }
}

#[test]
fn the_annotation_can_have_another_name() {
    let settings = || Settings {
        workload_name_annotation: "example.com/name".into(),
        ..Settings::default()
    };
    let index = |key: &str| index_with(settings(), &annotated(key, "basket"));
    assert_eq!(workload(&index("example.com/name"), ADDRESS), "shop/basket");
    assert_eq!(
        workload(&index("intents.otterize.com/workload-name"), ADDRESS),
        "shop/cart (Deployment)"
    );
    assert_eq!(
        workload(&index("intents.otterize.com/service-name"), ADDRESS),
        "shop/basket"
    );
}

/// The annotation of an owner does not count.
#[test]
fn owners_have_no_say_but_by_their_names() {
    let mut objects = deployment("shop", "cart", &[ADDRESS]);
    objects[0]["metadata"]["annotations"]["intents.otterize.com/workload-name"] = "basket".into();
    assert_eq!(
        workload(&index(&objects), ADDRESS),
        "shop/cart (Deployment)"
    );
}

#[test]
fn dots_in_names_become_underscores() {
    let index = index(&deployment("shop", "cart.4.2.0", &[ADDRESS]));
    assert_eq!(workload(&index, ADDRESS), "shop/cart_4_2_0 (Deployment)");
}

#[test]
fn a_pod_without_an_owner_is_its_own_workload() {
    assert_eq!(
        workload(&index(&[pod("shop", "tool", ADDRESS, None)]), ADDRESS),
        "shop/tool (Pod)"
    );
}

#[test]
fn an_owner_that_is_gone_is_the_root() {
    let mut objects = deployment("shop", "cart", &[ADDRESS]);
    objects.remove(1);
    assert_eq!(
        workload(&index(&objects), ADDRESS),
        "shop/cart-5d7677ff9f (ReplicaSet)"
    );
}

#[test]
fn any_kind_of_owner_is_followed() {
    let rollout = Some(("argoproj.io/v1alpha1", "Rollout", "cart"));
    let app = Some(("example.com/v1", "Shop", "all"));
    let objects = [
        owner("example.com/v1", "Shop", "shop", "all", None),
        owner("argoproj.io/v1alpha1", "Rollout", "shop", "cart", app),
        owner("apps/v1", "ReplicaSet", "shop", "cart-1", rollout),
        pod(
            "shop",
            "cart-1-x",
            ADDRESS,
            Some(("apps/v1", "ReplicaSet", "cart-1")),
        ),
    ];
    assert_eq!(workload(&index(&objects), ADDRESS), "shop/all (Shop)");
}

/// The same kind and name in another group, or in another namespace, is something else.
#[test]
fn owners_are_told_apart() {
    let of = |group: &str, namespace: &str| {
        let objects = [
            owner(
                group,
                "Cluster",
                namespace,
                "main",
                Some(("v1", "Other", "wrong")),
            ),
            pod(
                "shop",
                "db-0",
                ADDRESS,
                Some(("postgres.example/v1", "Cluster", "main")),
            ),
        ];
        workload(&index(&objects), ADDRESS)
    };
    assert_eq!(of("kafka.example/v1", "shop"), "shop/main (Cluster)");
    assert_eq!(of("postgres.example/v1", "other"), "shop/main (Cluster)");
    // Versions of one group are the same objects.
    assert_eq!(of("postgres.example/v1beta1", "shop"), "shop/wrong (Other)");
}

#[test]
fn owners_that_own_each_other_end_somewhere() {
    let objects = [
        owner("v1", "A", "shop", "a", Some(("v1", "B", "b"))),
        owner("v1", "B", "shop", "b", Some(("v1", "A", "a"))),
        pod("shop", "x", ADDRESS, Some(("v1", "A", "a"))),
    ];
    assert_eq!(workload(&index(&objects), ADDRESS), "shop/a (A)");
}

#[test]
fn a_static_pod_is_its_nodes() {
    let objects = [pod(
        "kube-system",
        "proxy-n1",
        ADDRESS,
        Some(("v1", "Node", "node.one")),
    )];
    assert_eq!(
        workload(&index(&objects), ADDRESS),
        "kube-system/node_one (Node)"
    );
}

fn job_of(cron_job: Option<&str>, job: &str) -> Vec<Value> {
    let mut pod = pod(
        "shop",
        &format!("{job}-x"),
        ADDRESS,
        Some(("batch/v1", "Job", job)),
    );
    pod["metadata"]["labels"]["app"] = "report".into();
    pod["spec"]["containers"] = json!([
        { "name": "main", "image": "registry.example/team/report:1.2" },
        { "name": "istio-proxy", "image": "istio/proxyv2:1" },
        { "name": "log-sidecar", "image": "fluent:2" },
        { "name": "init", "image": "busybox:1" },
        { "name": "digest", "image": "registry.example/app@sha256:0123" },
    ]);
    let owner_of_job = cron_job.map(|name| ("batch/v1", "CronJob", name));
    let mut objects = vec![pod, owner("batch/v1", "Job", "shop", job, owner_of_job)];
    if let Some(name) = cron_job {
        let mut object = owner("batch/v1", "CronJob", "shop", name, None);
        object["spec"]["jobTemplate"]["spec"]["template"]["metadata"]["labels"]["app"] =
            "report".into();
        objects.push(object);
    }
    objects
}

#[test]
fn jobs_may_be_named_by_their_images() {
    let settings = |image_names_for_jobs| Settings {
        image_names_for_jobs,
        ..Settings::default()
    };
    let by_image = |objects: &[Value]| workload(&index_with(settings(true), objects), ADDRESS);
    assert_eq!(
        by_image(&job_of(None, "run-8x2")),
        "shop/team/report-busybox:1-app@sha256"
    );
    assert_eq!(
        by_image(&job_of(Some("report"), "report-123")),
        "shop/report (CronJob)"
    );
    let by_owner = index_with(settings(false), &job_of(None, "run-8x2"));
    assert_eq!(workload(&by_owner, ADDRESS), "shop/run-8x2 (Job)");
}

#[test]
fn a_job_that_is_gone_is_its_cron_jobs_by_name_and_labels() {
    let mut objects = job_of(Some("report"), "report-29351234");
    objects.remove(1); // the Job
    assert_eq!(workload(&index(&objects), ADDRESS), "shop/report (CronJob)");
    objects[0]["metadata"]["labels"]["app"] = "another".into();
    assert_eq!(
        workload(&index(&objects), ADDRESS),
        "shop/report-29351234 (Job)"
    );
}
