# shellcheck shell=bash
# What the built programs take, need and answer: e2e/benches/built.

# Their parts, each with the tables that it prints.
readonly MAPPER_PARTS=(speed scale sizes burst) SNIFFER_PARTS=(pairs idle flood visible)
readonly BUILT_TABLES=(speed scale lists sizes burst pairs idle flood visible)

# built_parts FILTER: the parts that it stands for, all when there is none.
built_parts() {
  case $1 in
    '') echo "${MAPPER_PARTS[*]} ${SNIFFER_PARTS[*]}" ;;
    mapper) echo "${MAPPER_PARTS[*]}" ;;
    sniffer) echo "${SNIFFER_PARTS[*]}" ;;
    *) [[ " ${MAPPER_PARTS[*]} ${SNIFFER_PARTS[*]} " != *" $1 "* ]] || echo "$1" ;;
  esac
}

# built_bench OUT PART…: prints what they print, into OUT/built.log too.
built_bench() {
  local out=$1 part alone=() in_testbed=()
  shift
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
  : >"$out/built.log"
  # First, as long as nothing else runs.
  [[ ${#alone[@]} == 0 ]] || measure "${alone[*]}" | tee -a "$out/built.log"
  [[ ${#in_testbed[@]} == 0 ]] || (in_testbed "${in_testbed[*]}") | tee -a "$out/built.log"
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

# Each table in a file of its own.
built_tables() {
  local out=$1 name
  for name in "${BUILT_TABLES[@]}"; do
    table_of "${name^^}" <"$out/built.log" >"$out/$name.md"
    [[ -s $out/$name.md ]] || {
      echo "dev: the run told nothing of $name: $out/built.log" >&2
      return 1
    }
  done
}
