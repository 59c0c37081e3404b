# shellcheck shell=bash
# What the built programs take, need and answer: e2e/benches/built.

readonly MAPPER_PARTS=(speed scale sizes burst) SNIFFER_PARTS=(pairs idle flood visible)

# group_of_part PART: the group that it belongs to, if it is one.
group_of_part() {
  case " ${MAPPER_PARTS[*]} | ${SNIFFER_PARTS[*]} " in
    *" $1 "*"|"*) echo mapper ;;
    *"|"*" $1 "*) echo sniffer ;;
  esac
}

# built_bench OUT GROUP PART…: prints what they print, into OUT/GROUP.log too.
built_bench() {
  local out=$1 log=$1/$2.log part alone=() in_testbed=()
  shift 2
  for part in "$@"; do
    case $part in
      sizes | burst) in_testbed+=("$part") ;;
      *) alone+=("$part") ;;
    esac
  done
  need taskset util-linux
  cargo build --release --package mapper --bin portolan-mapper --package sniffer --bin portolan-sniffer
  cargo bench --package e2e --bench built --no-run
  export PORTOLAN_MAPPER=$target/release/portolan-mapper PORTOLAN_SNIFFER=$target/release/portolan-sniffer
  export PORTOLAN_E2E_LOGS=$out/logs
  rm -rf "$PORTOLAN_E2E_LOGS"
  mkdir "$PORTOLAN_E2E_LOGS"
  : >"$log"
  # First, as long as nothing else runs.
  [[ ${#alone[@]} == 0 ]] || measure "${alone[*]}" | tee -a "$log"
  [[ ${#in_testbed[@]} == 0 ]] || (in_testbed "${in_testbed[*]}") | tee -a "$log"
}

measure() {
  PORTOLAN_BENCH=$1 cargo bench --package e2e --bench built
}

# In a testbed of its own, which is taken down whatever happens; in a subshell, for its trap and its environment.
in_testbed() {
  local bed=(--name "bench-$$")
  # shellcheck disable=SC2064 # its name is known now
  trap "./dev testbed down ${bed[*]} >&2" EXIT
  ./dev testbed up "${bed[@]}" --port-base auto --no-controllers --no-scheduler >&2
  ./dev testbed nodes 100 "${bed[@]}" >&2
  eval "$(./dev testbed env "${bed[@]}")"
  export PORTOLAN_E2E=1
  measure "$1"
}

# built_tables OUT GROUP: each table in a file of its own.
built_tables() {
  local out=$1 group=$2 name names=("${SNIFFER_PARTS[@]}")
  # Of the mapper, one part has two tables.
  [[ $group == sniffer ]] || names=("${MAPPER_PARTS[@]}" lists)
  for name in "${names[@]}"; do
    table_of "${name^^}" <"$out/$group.log" >"$out/$name.md"
    [[ -s $out/$name.md ]] || {
      echo "dev: the run told nothing of $name: $out/$group.log" >&2
      return 1
    }
  done
}
