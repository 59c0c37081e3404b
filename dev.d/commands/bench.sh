# bench [FILTER]: runs the benchmarks, and writes docs/benchmarks.md when all of them ran
# shellcheck shell=bash

readonly RECORDING=crates/testkit/recordings/shop

# How often the recorded capture is repeated: the last one is longer than any cache.
readonly REPEATS=(10 100 400)

main() {
  need_rust
  need gzip gzip
  if [[ ! -x /usr/bin/time ]]; then
    apt_install time || missing "GNU time (/usr/bin/time)" "install the package time"
  fi
  local filter=${1:-} out=$target/dev/bench
  mkdir -p "$out"
  cargo bench --workspace --bench '*' -- ${filter:+"$filter"} | tee "$out/criterion.log"
  [[ -z $filter ]] || return 0

  cargo build --release --package cli --bin portolan
  criterion_table <"$out/criterion.log" >"$out/criterion.md"
  replay_table "$out" >"$out/replay.md"
  fill_template "$out" >docs/benchmarks.md
  echo "wrote docs/benchmarks.md"
}

# From criterion's own words: `name  time: [low middle high]`, where a long name has a line to itself, and
# `thrpt: [low middle high]` on the next line.
criterion_table() {
  echo '| benchmark | time | in a second |'
  echo '|---|---:|---:|'
  sed 's/\x1b\[[0-9;]*m//g' | awk '
    function row() { if (name != "") print "| " name " | " time " | " rate " |" }
    # [24.1 ns 24.3 ns 24.5 ns]: the middle one.
    function middle(line) { sub(/.*\[/, "", line); split(line, part, " "); return part[3] " " part[4] }
    / time: +\[/ {
      row()
      name = $0
      sub(/ *time: .*/, "", name)
      if (name == "") name = before
      time = middle($0)
      rate = ""
    }
    / thrpt: +\[/ { rate = middle($0); gsub(/elem\/s/, "", rate) }
    { before = $0 }
    END { row() }'
}

replay_table() {
  local out=$1 repeats capture=$1/capture.pcap once=$1/once.pcap packets bytes seconds kib i
  gzip -dc "$RECORDING/capture.pcap.gz" >"$once"
  echo '| capture | packets | time | packets/s | peak memory |'
  echo '|---:|---:|---:|---:|---:|'
  for repeats in "${REPEATS[@]}"; do
    # A pcap file is a header of 24 bytes and records behind each other.
    head -c 24 "$once" >"$capture"
    for ((i = 0; i < repeats; i++)); do
      tail -c +25 "$once"
    done >>"$capture"
    /usr/bin/time -f '%e %M' -o "$out/time" "$target/release/portolan" replay --capture "$capture" \
      --cluster "$RECORDING/cluster-start.json.gz" --cluster "$RECORDING/cluster-end.json.gz" \
      --pod-events "$RECORDING/pod-events.json.gz" >/dev/null 2>"$out/summary"
    read -r seconds kib <"$out/time"
    packets=$(sed -n '/packets in/{s/packets in.*//;s/[^0-9]//g;p;q;}' "$out/summary")
    bytes=$(wc -c <"$capture")
    awk -v bytes="$bytes" -v packets="${packets:?the summary does not say how many packets}" \
      -v seconds="$seconds" -v kib="$kib" 'BEGIN {
        printf "| %.0f MiB | %d | %.2f s | %.0f | %.1f MiB |\n",
          bytes / 1048576, packets, seconds, packets / (seconds > 0 ? seconds : 0.01), kib / 1024
      }'
  done
  rm -f "$capture" "$once"
}

fill_template() {
  local out=$1 machine
  machine="$(sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo | head -n 1), $(nproc) cores, $(
    awk '/MemTotal/ { printf "%.0f GiB", $2 / 1048576 }' /proc/meminfo
  ), Linux $(uname -r)"
  awk -v date="$(date -u +%Y-%m-%d)" -v commit="$(git describe --always --dirty)" -v machine="$machine" \
    -v compiler="$(rustc --version)" -v out="$out" '
    function file(name) { while ((getline line <(out "/" name)) > 0) print line }
    $0 == "@CRITERION@" { file("criterion.md"); next }
    $0 == "@REPLAY@" { file("replay.md"); next }
    { gsub(/@DATE@/, date); gsub(/@COMMIT@/, commit); gsub(/@MACHINE@/, machine); gsub(/@COMPILER@/, compiler) }
    { print }' dev.d/benchmarks.template.md
}
