# shellcheck shell=bash
# What the built mapper takes, needs and answers: e2e/benches/mapper.

# mapper_parts FILTER: the parts that it stands for, all when there is none.
mapper_parts() {
  case $1 in
    '' | mapper) echo speed scale sizes burst ;;
    speed | scale | sizes | burst) echo "$1" ;;
  esac
}

# mapper_bench OUT PART…: prints what they print, into OUT/mapper.log too.
mapper_bench() {
  local out=$1 part alone=() in_testbed=()
  shift
  for part in "$@"; do
    case $part in
      sizes | burst) in_testbed+=("$part") ;;
      *) alone+=("$part") ;;
    esac
  done
  need taskset util-linux
  cargo build --release --package mapper --bin portolan-mapper
  cargo bench --package e2e --bench mapper --no-run
  export PORTOLAN_MAPPER=$target/release/portolan-mapper PORTOLAN_E2E_LOGS=$out/logs
  rm -rf "$PORTOLAN_E2E_LOGS"
  mkdir "$PORTOLAN_E2E_LOGS"
  : >"$out/mapper.log"
  # First, as long as nothing else runs.
  [[ ${#alone[@]} == 0 ]] || measure "${alone[*]}" | tee -a "$out/mapper.log"
  [[ ${#in_testbed[@]} == 0 ]] || (in_testbed "${in_testbed[*]}") | tee -a "$out/mapper.log"
}

measure() {
  PORTOLAN_BENCH=$1 cargo bench --package e2e --bench mapper
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
mapper_tables() {
  local out=$1 name
  for name in speed scale lists sizes burst; do
    table_of "${name^^}" <"$out/mapper.log" >"$out/$name.md"
    [[ -s $out/$name.md ]] || {
      echo "dev: the run told nothing of $name: $out/mapper.log" >&2
      return 1
    }
  done
}
