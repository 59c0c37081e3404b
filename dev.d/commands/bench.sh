# bench [pieces | mapper | sniffer | installed | PART | FILTER]: runs the benchmarks, and writes docs/benchmarks.md once all groups ran
# shellcheck shell=bash

# shellcheck source=dev.d/figures.sh
source dev.d/figures.sh
# shellcheck source=dev.d/built-bench.sh
source dev.d/built-bench.sh

# Calls in the synthetic captures, six packets each, a thousand a second. The windows of the collectors' tables are full
# after half a minute, and their hash tables have made room for what leaves and comes after a few more: the last two
# show that memory stays where it is.
readonly CALLS=(50000 200000 1000000 3000000)

# In the order of the document.
readonly GROUPS_OF_ALL=(pieces mapper sniffer installed)

main() {
  need_rust
  if [[ ! -x /usr/bin/time ]]; then
    apt_install time || missing "GNU time (/usr/bin/time)" "install the package time"
  fi
  local filter=${1:-} out=$target/dev/bench group groups=()
  mkdir -p "$out"
  case $filter in
    '') groups=("${GROUPS_OF_ALL[@]}") ;;
    pieces | mapper | sniffer | installed) groups=("$filter") ;;
    *)
      if [[ -n $(group_of_part "$filter") ]]; then
        built_bench "$out" "$(group_of_part "$filter")" "$filter"
      else
        cargo bench --workspace --exclude e2e --bench '*' -- "$filter"
      fi
      return
      ;;
  esac
  for group in "${groups[@]}"; do
    measured "$out" "$group"
  done
  publish "$out"
}

# measured OUT GROUP: its tables, and what they were measured on, in OUT.
measured() {
  local out=$1 group=$2 load
  load=$(load_average)
  case $group in
    pieces) pieces "$out" ;;
    mapper) built_bench "$out" mapper "${MAPPER_PARTS[@]}" && built_tables "$out" mapper ;;
    sniffer) built_bench "$out" sniffer "${SNIFFER_PARTS[@]}" && built_tables "$out" sniffer ;;
    installed) installation "$out" ;;
  esac
  echo "| $group | $(date -u '+%Y-%m-%d %H:%M') | $(git describe --always --dirty) | $(machine) | $load, $(load_average) |" >"$out/$group.run"
}

# The crates' own benchmarks, and the whole way from a capture to a map.
pieces() {
  local out=$1
  # It is compared with none before it, since its figures are published as they are.
  rm -rf "$target/criterion"
  # The built programs have a run of their own.
  cargo bench --workspace --exclude e2e --bench '*' | tee "$out/criterion.log"
  cargo build --release --package cli --bin portolan
  cargo build --release --package testkit --example synthesize
  criterion_table <"$out/criterion.log" >"$out/criterion.md"
  replay_table "$out" >"$out/replay.md"
}

# What `./dev e2e` tells of an installation that has nothing to do.
installation() {
  local out=$1 name
  ./dev e2e | tee "$out/installed.log"
  for name in footprint rights; do
    table_of "${name^^}" <"$out/installed.log" >"$out/$name.md"
  done
}

# Writes docs/benchmarks.md, once every group was measured on this machine.
publish() {
  local out=$1 group
  for group in "${GROUPS_OF_ALL[@]}"; do
    [[ -s $out/$group.run ]] || {
      echo "docs/benchmarks.md stays as it is: ./dev bench $group has not run here"
      return
    }
  done
  for group in "${GROUPS_OF_ALL[@]}"; do
    cat "$out/$group.run"
  done >"$out/runs.md"
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
    # How it changed since the last run: the same words with percentages.
    /%\]/ || /change:/ { next }
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
  local out=$1 calls packets bytes seconds kib
  echo '| capture | packets | time | packets/s | peak memory |'
  echo '|---:|---:|---:|---:|---:|'
  for calls in "${CALLS[@]}"; do
    "$target/release/examples/synthesize" "$calls" "$out"
    /usr/bin/time -f '%e %M' -o "$out/time" "$target/release/portolan" replay --capture "$out/capture.pcap" \
      --cluster "$out/cluster.json" >"$out/map" 2>"$out/summary"
    read -r seconds kib <"$out/time"
    packets=$(sed -n '/packets in/{s/packets in.*//;s/[^0-9]//g;p;q;}' "$out/summary")
    bytes=$(wc -c <"$out/capture.pcap")
    # Every workload calls two others.
    grep -q '^ *1 000 edges, 0 attempts' "$out/summary" || {
      echo "dev: the map of the synthetic capture is wrong: $out/summary" >&2
      return 1
    }
    awk -v bytes="$bytes" -v packets="${packets:?the summary does not say how many packets}" \
      -v seconds="$seconds" -v kib="$kib" 'BEGIN {
        printf "| %.0f MiB | %d | %.2f s | %.0f | %.1f MiB |\n",
          bytes / 1048576, packets, seconds, packets / (seconds > 0 ? seconds : 0.01), kib / 1024
      }'
  done
  rm -f "$out/capture.pcap" "$out/cluster.json"
}

fill_template() {
  local out=$1
  awk -v compiler="$(rustc --version)" -v out="$out" '
    function file(name) { while ((getline line <(out "/" name)) > 0) print line }
    /^@[A-Z]+@$/ { gsub(/@/, ""); file(tolower($0) ".md"); next }
    { gsub(/@COMPILER@/, compiler); print }' dev.d/benchmarks.template.md
}
