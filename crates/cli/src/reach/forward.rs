//! A mapper by the Kubernetes API: its Service, the first ready pod behind it, a port-forward. No local port is opened.

use std::time::Duration;

use k8s_openapi::api::core::v1::{Pod, Service};
use kube::api::ListParams;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};

use super::mapper::{Mapper, Place};
use super::refused::{Asked, refused};
use crate::args::MapperArgs;
use crate::failure::Failure;

/// How long each step may take: a cluster on the other side of the world, with a slow program for credentials.
const STEP: Duration = Duration::from_secs(20);

/// How many pods of a mapper are looked at: there is one, and while it is replaced two.
const MAX_PODS: u32 = 50;

pub(super) async fn open(args: &MapperArgs) -> Result<Mapper, Failure> {
    let namespace = args.mapper_namespace.as_str();
    let service = args.mapper_service_name.as_str();
    let config = config(args).await?;
    let server = config.cluster_url.to_string();
    let program = { config.auth_info.exec.as_ref() }.and_then(|exec| exec.command.clone());
    let client = Client::try_from(config).map_err(|error| match (error, program) {
        (kube::Error::Auth(error), Some(program)) => no_credentials(&program, &error),
        (error, _) => refused(&error, Asked::Client, &server, namespace),
    })?;

    let services: Api<Service> = Api::namespaced(client.clone(), namespace);
    let found = step(
        services.get_opt(service),
        Asked::Service,
        &server,
        namespace,
    )
    .await?;
    let Some(found) = found else {
        return Err(no_service(namespace, service));
    };
    let selector = found
        .spec
        .and_then(|spec| spec.selector)
        .unwrap_or_default();
    if selector.is_empty() {
        return Err(Failure::run(format!(
            "Service {service} in namespace {namespace} selects no pods"
        ))
        .with_remedy("--mapper-service-name NAME, with the Service of the mapper"));
    }
    let labels: Vec<String> = { selector.iter() }
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    let pods: Api<Pod> = Api::namespaced(client, namespace);
    let wanted = ListParams::default()
        .labels(&labels.join(","))
        .limit(MAX_PODS);
    let listed = step(pods.list(&wanted), Asked::Pods, &server, namespace).await?;
    let pod = ready(&listed.items, namespace, service)?;

    let port = args.mapper_service_port;
    let ports = [port];
    let opened = step(
        pods.portforward(&pod, &ports),
        Asked::Forward,
        &server,
        namespace,
    );
    let mut forward = Box::pin(opened).await?;
    let Some(stream) = forward.take_stream(port) else {
        return Err(Failure::run(format!(
            "pod {pod} in namespace {namespace}: no stream for port {port}"
        )));
    };
    let place = Place {
        name: format!("pod {pod} in namespace {namespace}, port {port}"),
        // What a port-forward of kubectl would look like: the mapper tells by it that nobody is tricked.
        host: format!("localhost:{port}"),
        folder: String::new(),
        token: None,
    };
    Ok(Mapper::on(stream, place).await?.by(forward, port))
}

async fn step<T>(
    asked: impl Future<Output = kube::Result<T>>,
    what: Asked,
    server: &str,
    namespace: &str,
) -> Result<T, Failure> {
    match tokio::time::timeout(STEP, asked).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(refused(&error, what, server, namespace)),
        Err(_) => Err(Failure::run(format!(
            "{server}: no answer within {} s to `{}`",
            STEP.as_secs(),
            what.what()
        ))
        .with_remedy("kubectl version, to see whether the cluster answers at all")),
    }
}

/// The kubeconfig that is named, else that of kubectl, else the pod's own that we are.
async fn config(args: &MapperArgs) -> Result<Config, Failure> {
    let options = KubeConfigOptions {
        context: args.context.clone(),
        ..KubeConfigOptions::default()
    };
    let read = match &args.kubeconfig {
        Some(path) => Kubeconfig::read_from(path),
        None => Kubeconfig::read(),
    };
    let failed = |error: kube::config::KubeconfigError| {
        Failure::run(format!("no way to a cluster: {}", super::causes(&error))).with_remedy(
            "--kubeconfig FILE, or KUBECONFIG; --context NAME (kubectl config get-contexts); or --mapper-url URL",
        )
    };
    match read {
        Ok(file) => Config::from_custom_kubeconfig(file, &options)
            .await
            .map_err(failed),
        Err(error) if args.kubeconfig.is_none() && args.context.is_none() => {
            Config::incluster().map_err(|_| failed(error))
        }
        Err(error) => Err(failed(error)),
    }
}

fn no_credentials(program: &str, error: &impl std::error::Error) -> Failure {
    Failure::run(format!(
        "{program}, which the kubeconfig names for credentials: {}",
        super::causes(error)
    ))
    .with_remedy("have it in the PATH and log in with it, until this works: kubectl auth whoami")
}

fn no_service(namespace: &str, service: &str) -> Failure {
    Failure::run(format!(
        "no Service {service} in namespace {namespace}"
    ))
    .with_remedy(
        "--mapper-namespace and --mapper-service-name; where it is: kubectl get services -A -l app.kubernetes.io/part-of=portolan, or look for port 9090",
    )
}

/// The first that is ready, by name, so that the same one answers again.
fn ready(pods: &[Pod], namespace: &str, service: &str) -> Result<String, Failure> {
    if pods.is_empty() {
        return Err(Failure::run(format!("service {service} has no pods")).with_remedy(format!(
            "kubectl -n {namespace} get deployments, and what is wrong with the mapper's: kubectl -n {namespace} describe deployment"
        )));
    }
    let mut ready: Vec<&str> = { pods.iter() }
        .filter(|pod| is_ready(pod))
        .filter_map(|pod| pod.metadata.name.as_deref())
        .collect();
    ready.sort_unstable();
    if let Some(first) = ready.first() {
        return Ok((*first).to_owned());
    }
    let states: Vec<String> = pods.iter().map(state).collect();
    Err(Failure::run(format!(
        "service {service} has no ready pod in namespace {namespace}: {}",
        states.join(", ")
    ))
    .with_remedy(format!(
        "kubectl -n {namespace} describe pods, and kubectl -n {namespace} logs of the mapper"
    )))
}

fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.iter().flat_map(|status| &status.conditions);
    pod.metadata.deletion_timestamp.is_none()
        && conditions
            .flatten()
            .any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

/// `mapper-0 is Pending (ContainersNotReady)`.
fn state(pod: &Pod) -> String {
    let name = pod.metadata.name.as_deref().unwrap_or_default();
    let status = pod.status.as_ref();
    let phase = status
        .and_then(|status| status.phase.as_deref())
        .unwrap_or("in no phase");
    let waits = status
        .and_then(|status| status.container_statuses.as_ref())
        .and_then(|all| {
            all.iter()
                .find_map(|one| one.state.as_ref()?.waiting.as_ref()?.reason.clone())
        });
    let conditions = status.and_then(|status| status.conditions.as_ref());
    let lacking = conditions.and_then(|all| {
        let not = all
            .iter()
            .find(|one| one.status != "True" && one.reason.is_some());
        not.and_then(|one| one.reason.clone())
    });
    let why = match (pod.metadata.deletion_timestamp.is_some(), waits.or(lacking)) {
        (true, _) => " (is being deleted)".to_owned(),
        (false, Some(reason)) => format!(" ({reason})"),
        (false, None) => String::new(),
    };
    format!("{name} is {phase}{why}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(name: &str, phase: &str, ready: &str) -> Pod {
        serde_json::from_value(json!({
            "metadata": { "name": name },
            "status": { "phase": phase, "conditions": [
                { "type": "Ready", "status": ready, "reason": "ContainersNotReady" },
            ] },
        }))
        .unwrap()
    }

    #[test]
    fn the_first_ready_pod_is_taken() {
        let pods = [
            pod("c", "Running", "True"),
            pod("a", "Pending", "False"),
            pod("b", "Running", "True"),
        ];
        assert_eq!(ready(&pods, "ns", "mapper").unwrap(), "b");
    }

    #[test]
    fn pods_that_are_not_ready_say_why() {
        let mut deleted = pod("b", "Running", "True");
        deleted.metadata.deletion_timestamp =
            serde_json::from_value(json!("2026-01-01T00:00:00Z")).unwrap();
        let failure = ready(&[pod("a", "Pending", "False"), deleted], "ns", "mapper").unwrap_err();
        assert_eq!(
            failure.to_string(),
            "service mapper has no ready pod in namespace ns: \
             a is Pending (ContainersNotReady), b is Running (is being deleted)"
        );
        let none = ready(&[], "ns", "mapper").unwrap_err();
        assert_eq!(none.to_string(), "service mapper has no pods");
    }
}
