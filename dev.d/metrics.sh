# shellcheck shell=bash
# docs/metrics.md, made from the code.

# What reporters share, under names in which ROLE stands for the reporter.
readonly OF_REPORTERS=crates/app/src/reporter/metrics.rs

# Every process, the folder in which its metrics are registered, and what reporters call themselves.
metrics_of_processes() {
  cat <<'TABLE'
Every process:crates/app/src:
portolan-mapper:crates/mapper/src:
portolan-sniffer:crates/sniffer/src:sniffer
portolan-kafka-watcher:crates/kafka-watcher/src:kafka
portolan-istio-watcher:crates/istio-watcher/src:istio
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
  local process folder role
  while IFS=: read -r process folder role; do
    printf '\n## %s\n\n| name | kind | labels | what | kept |\n|---|---|---|---|---|\n' "$process"
    git ls-files -co --exclude-standard "$folder/*.rs" ${role:+"$OF_REPORTERS"} | LC_ALL=C sort |
      xargs awk -v "role=$role" -f dev.d/metrics.awk | LC_ALL=C sort
  done < <(metrics_of_processes)
}
