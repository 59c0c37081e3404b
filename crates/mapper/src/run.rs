//! The process: watch, writer, server, metrics.

mod access;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use app::health::{Affects, Condition};
use app::shutdown::{BoxError, Stop};
use app::{App, Role};
use cluster::live::{self, Live, cluster_domain};
use cluster::{Index, Settings, Update};
use compact_str::CompactString;
use map::Map;
use ring::rand::{SecureRandom, SystemRandom};
use tokio::runtime::Builder;
use tokio::sync::mpsc;

use crate::dns_intents::{Publisher, Teacher};
use crate::ingest::Ingest;
use crate::limits::UPDATES_AT_ONCE;
use crate::otlp::{self, Exporter};
use crate::report::Switches;
use crate::server::{Graph, Server};
use crate::service_graph::Latest;
use crate::settings::{Args, IGNORED, ObservedArgs};
use crate::store::{Figures, File};
use crate::writer::{Keeper, Mapper, Queue, Writer};
use crate::{memory, metrics};

const ROLE: Role = Role {
    name: "mapper",
    ignored: IGNORED,
};

/// Threads for HTTP and the watch. The writer has one of its own.
const WORKERS: usize = 2;

/// `portolan-mapper`.
pub fn main() -> ExitCode {
    // The only failure is that another part of the process chose one before.
    let _chosen = rustls::crypto::ring::default_provider().install_default();
    app::run(
        &ROLE,
        Builder::new_multi_thread().worker_threads(WORKERS),
        start,
    )
}

async fn start(args: Args, app: &mut App) -> Result<(), BoxError> {
    let synced = app
        .health
        .add("synced", Affects::Readiness, "the cluster is not known yet")?;
    let index = Index::live(index_settings(&args));
    let excluded: BTreeSet<CompactString> = args
        .exclude_namespaces
        .0
        .iter()
        .map(|name| name.as_str().into())
        .collect();
    let ingest = Ingest::live(&args.cluster_name, excluded);
    let switches = Switches {
        dns: args.enable_dns,
        tcp: args.enable_tcp,
        sockets: args.enable_socket_scanner,
    };

    // A step of the watch is a slim object; a full channel makes the API server wait.
    let (updates_in, updates) = mpsc::channel(4 * UPDATES_AT_ONCE);
    let client = live::connect().await?;
    let watch_settings = live::Settings::new(live::Clock::new(app::clock::now));
    let live = Live::new(client.clone(), &watch_settings, &updates_in);
    let entrance = access::gate(&args.access, app, live.token_reviewer(client.clone()))?;
    drop(updates_in);
    let lookups = live.lookups.clone();
    let (writer, mapper, queue) =
        Writer::new(index, ingest, switches, Some(lookups), app::clock::now);

    let writer = writer.expiring(Some(args.expiry.get()).filter(|expiry| !expiry.is_zero()));
    let (mut writer, keeper) = keep(&args, writer, app)?;
    if args.observed.map_metrics || args.observed.enable_otel_export {
        let latest;
        (writer, latest) = writer.graphing(usize::try_from(args.observed.map_metrics_edges)?);
        observe(&args.observed, &latest, app)?;
    }
    for file in &args.import_maps.0 {
        import(&mut writer, file)?;
    }
    if let Some(ceiling) = memory::ceiling(args.memory_ceiling.get()) {
        let watch = memory::watch(ceiling, mapper.clone(), app.stop.clone());
        app.tasks.spawn("memory", watch);
    }

    let writer = if args.dns_client_intents_update_enabled {
        writer.teaching(follow_intents(&args, app, &live, client, &watch_settings)?)
    } else {
        writer
    };

    metrics::register(&app.metrics, &mapper, &live.counters)?;
    let graph = Graph::new(mapper.clone())?;
    let instruments = metrics::requests(&app.metrics)?;
    let address = Server::everywhere(args.port.0);
    let server = Server::bind(
        address,
        graph,
        mapper.clone(),
        app.health.clone(),
        entrance,
        instruments,
    );
    let server = server.await?;
    if let Some(address) = server.address() {
        tracing::info!(%address, "the map is served");
    }
    app.tasks.spawn("server", server.serve(app.stop.clone()));
    app.serve_metrics(args.process.metrics_port).await;
    for task in live.tasks {
        spawn(app, task);
    }
    let stop = app.stop.clone();
    app.tasks
        .spawn("readiness", tell_readiness(mapper, synced, stop));
    app.tasks
        .spawn_thread("writer", move |stop| write(writer, updates, queue, stop));
    if let Some(keeper) = keeper {
        // It ends when the writer has.
        app.tasks.spawn_thread("store", move |_| {
            keeper.run();
            Ok::<_, BoxError>(())
        });
    }
    Ok(())
}

/// Shows the map to those who look at metrics.
fn observe(args: &ObservedArgs, latest: &Latest, app: &mut App) -> Result<(), BoxError> {
    metrics::service_graph::uncounted(&app.metrics, latest)?;
    if args.map_metrics {
        metrics::service_graph::register(&app.metrics, latest)?;
    }
    if args.enable_otel_export {
        let env = |key: &str| std::env::var(key).ok();
        let settings = otlp::Settings::read(&env, "portolan-mapper", app::VERSION)?;
        tracing::info!(endpoint = %settings.endpoint, protocol = ?settings.protocol,
            "the map is sent to a collector");
        let name = &args.otel_metric_name;
        let (exporter, figures) = Exporter::new(settings, name, latest.clone(), app::clock::now);
        metrics::otlp::register(&app.metrics, &figures)?;
        let stop = app.stop.clone();
        app.tasks.spawn("otlp", async move {
            exporter.run(stop).await;
        });
    }
    Ok(())
}

/// Goes on with the map of the data folder, if there is one.
fn keep(args: &Args, writer: Writer, app: &App) -> Result<(Writer, Option<Keeper>), BoxError> {
    // Only a name that no other has.
    let mut random = [0; 8];
    let random_failed = |_| "the system gives no random numbers";
    SystemRandom::new()
        .fill(&mut random)
        .map_err(random_failed)?;
    let instance = format!("{:016x}", u64::from_ne_bytes(random));
    let Some(folder) = &args.data_dir else {
        tracing::warn!(
            "the map is kept in memory only: give a data folder (--data-dir) for one that survives restarts"
        );
        return Ok((writer.in_memory(&instance), None));
    };
    let watch = app::clock::Stopwatch::start();
    let (file, loaded, aside) = File::open(folder, &instance, app::clock::now())?;
    let figures = Arc::new(Figures::default());
    if let Some(aside) = aside {
        tracing::error!(damage = aside.damage, aside = %aside.path.display(),
            "the map's file is damaged and was set aside; the map begins empty");
        figures.set_aside.store(1, Relaxed);
    }
    if loaded.unreadable > 0 {
        tracing::error!(
            rows = loaded.unreadable,
            "rows of the map's file cannot be read; they stay in it, and are left out of the map"
        );
        figures.unreadable.store(loaded.unreadable, Relaxed);
    }
    tracing::info!(
        folder = %folder.display(),
        edges = loaded.map.len(),
        attempts = loaded.map.attempts_len(),
        seconds = watch.elapsed().as_secs_f64(),
        "the map was read"
    );
    metrics::of_store(&app.metrics, &figures)?;
    let (writer, keeper) = writer.keeping(file, loaded, figures);
    Ok((writer, Some(keeper)))
}

/// Joins a map file, such as a backup, into the map.
fn import(writer: &mut Writer, path: &str) -> Result<(), BoxError> {
    let failed = |cause: String| {
        format!("{path}: {cause}; import takes what `portolan export -o json` writes")
    };
    let file = std::fs::File::open(path).map_err(|cause| failed(cause.to_string()))?;
    let map: Map = serde_json::from_reader(std::io::BufReader::new(file))
        .map_err(|cause| failed(cause.to_string()))?;
    tracing::info!(path, edges = map.len(), "a map is joined into this one");
    writer.merge(&map);
    Ok(())
}

fn spawn(app: &mut App, task: live::Task) {
    let (name, stop) = (task.name, app.stop.clone());
    app.tasks.spawn(name, async move {
        let ended = stop.clone();
        task.until(async move { ended.cancelled().await }).await;
    });
}

/// Addresses of internet targets are written into the status of ClientIntents; where the writer tells them.
fn follow_intents(
    args: &Args,
    app: &mut App,
    live: &Live,
    client: live::Client,
    settings: &live::Settings,
) -> Result<Teacher, BoxError> {
    let (updates_in, updates) = mpsc::channel(UPDATES_AT_ONCE);
    let (status, watch) = live.client_intents(client, settings, updates_in);
    let capacity = usize::try_from(args.dns_cache_items_max_capacity)?;
    let interval = args.dns_client_intents_update_interval.get();
    let (publisher, teacher, figures) = Publisher::new(status, updates, capacity, interval);
    metrics::intents(&app.metrics, &figures)?;
    spawn(app, watch);
    let stop = app.stop.clone();
    app.tasks.spawn("write clientintents", async move {
        publisher.run(async move { stop.cancelled().await }).await;
    });
    Ok(teacher)
}

fn index_settings(args: &Args) -> Settings {
    let resolv_conf = std::fs::read_to_string(Path::new("/etc/resolv.conf")).unwrap_or_default();
    let domain = cluster_domain(args.cluster_domain.as_deref(), &resolv_conf);
    tracing::info!(%domain, "the cluster's domain");
    Settings {
        cluster_domain: domain.as_str().into(),
        workload_name_annotation: args.workload_name_override_annotation.as_str().into(),
        image_names_for_jobs: args.use_image_name_for_service_id_for_jobs,
        control_plane_prefix: args.control_plane_ipv4_cidr_prefix_length,
    }
}

/// The writer's own thread, with a runtime that only it uses: nothing else ever waits in it.
fn write(
    writer: Writer,
    updates: mpsc::Receiver<Update>,
    queue: Queue,
    stop: &Stop,
) -> Result<(), BoxError> {
    let runtime = Builder::new_current_thread().enable_time().build()?;
    runtime.block_on(writer.run(updates, queue, stop.cancelled()));
    Ok(())
}

/// Ready once the cluster was listed; it stays ready when the API server goes away, because what is known still answers.
async fn tell_readiness(mapper: Mapper, synced: Condition, stop: Stop) {
    while !stop
        .cancelled_within(std::time::Duration::from_millis(100))
        .await
    {
        if mapper.stats().synced {
            synced.holds();
            tracing::info!(pods = mapper.stats().pods, "the cluster is known");
            break;
        }
    }
    stop.cancelled().await;
}

/// The counters are shared with the tasks that count.
pub(crate) type Counters = Arc<live::Counters>;
