# shellcheck shell=bash
# docs/metrics.md, made from the code.

# Every process, and the folders in which its metrics are registered.
metrics_of_processes() {
  cat <<'TABLE'
Every process: crates/app/src
portolan-mapper: crates/mapper/src
portolan-sniffer: crates/sniffer/src
portolan-kafka-watcher: crates/kafka-watcher/src
portolan-istio-watcher: crates/istio-watcher/src
TABLE
}

metrics() {
  cat <<'TEXT'
# Metrics

Every process serves `/metrics` on port 2112, in the text format of Prometheus. This page is made from the code by
`./dev metrics`; lint says when it is out of date. The names are as Prometheus wants them (`promtool check metrics`), but
those that the replaced system had, which are kept so that dashboards go on: they are marked in the last column. What to
look at, and what to be woken for, is in [observability](observability.md).

`traces_service_graph_…` are there with `--map-metrics`, `portolan_otlp_…` with `--enable-otel-export`,
`portolan_mapper_store_…` with `--data-dir`.
TEXT
  local process folder
  while IFS=: read -r process folder; do
    folder=${folder# }
    [[ -d $folder ]] || continue
    printf '\n## %s\n\n| name | kind | labels | what | kept |\n|---|---|---|---|---|\n' "$process"
    git ls-files -co --exclude-standard "$folder/*.rs" | LC_ALL=C sort | xargs awk -f dev.d/metrics.awk | LC_ALL=C sort
  done < <(metrics_of_processes)
}
