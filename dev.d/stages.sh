# shellcheck shell=bash
# Stages: named steps of a command, each with its log, its time and its result, and a table of them at the end.
# All stages run even when one fails, so that one run shows everything there is to mend.

logs=
only=
stage_names=()
stage_rows=()
failed_stages=()

# begin COMMAND [--only STAGE]: what follows are stages of this command.
begin() {
  stages_of=$1
  shift
  logs=$target/dev/$stages_of
  rm -rf "$logs"
  mkdir -p "$logs"
  if [[ ${1:-} == --only ]]; then
    only=${2:?--only needs the name of a stage}
  fi
  if [[ -t 1 && -z ${NO_COLOR:-} ]]; then
    bold=$'\e[1m' red=$'\e[31m' green=$'\e[32m' plain=$'\e[0m'
    export CARGO_TERM_COLOR=${CARGO_TERM_COLOR:-always}
  else
    bold='' red='' green='' plain=''
  fi
}

# stage NAME COMMAND…
stage() {
  local name=$1 start=$SECONDS status log
  shift
  stage_names+=("$name")
  [[ -z $only || $only == "$name" ]] || return 0
  log=$logs/$name.log
  echo "$bold== $stages_of: $name$plain"
  # Not in a condition: there, errexit would not hold inside the stage.
  set +e
  (
    set -e
    "$@"
  ) 2>&1 | tee "$log"
  status=${PIPESTATUS[0]}
  set -e
  local result=${green}ok$plain counts
  if [[ $status != 0 ]]; then
    result=${red}FAILED$plain
    failed_stages+=("$name")
  fi
  counts=$(count_tests "$status" <"$log")
  stage_rows+=("$name|$((SECONDS - start)) s|$counts|$result")
}

# A line for the end of the run: something that could not be checked.
note() {
  echo "$1" | tee -a "$logs/notes"
}

# Prints `passed failed skipped` of a log: what cargo's test runner and `./dev fuzz` say of themselves, and the
# benchmarks that criterion tried. A stage that fails without a failed test (it did not build) counts as one.
count_tests() {
  sed 's/\x1b\[[0-9;]*m//g' | awk -v status="$1" '
    /^test result: / {
      for (i = 2; i <= NF; i++) {
        if ($i ~ /^passed/) passed += $(i - 1)
        if ($i ~ /^failed/) failed += $(i - 1)
        if ($i ~ /^ignored/) skipped += $(i - 1)
      }
    }
    /^fuzz target .*: ok/ { passed++ }
    /^fuzz target .*: FAILED/ { failed++ }
    /^Success$/ { passed++ }
    END {
      if (status != 0 && failed == 0) failed = 1
      print passed + 0, failed + 0, skipped + 0
    }'
}

# The table, what could not be checked, and what to do about failures. Fails when a stage failed.
finish() {
  if [[ -n $only && ${#stage_rows[@]} == 0 ]]; then
    echo "dev: no stage $only; there are: ${stage_names[*]}" >&2
    exit 2
  fi
  echo
  printf '%s%-10s %8s %7s  %s%s\n' "$bold" stage time tests result "$plain"
  local row name time counts result passed failed skipped
  tests_passed=0 tests_failed=0 tests_skipped=0
  for row in "${stage_rows[@]}"; do
    IFS='|' read -r name time counts result <<<"$row"
    read -r passed failed skipped <<<"$counts"
    [[ $stages_of == test ]] || passed=
    printf '%-10s %8s %7s  %s\n' "$name" "$time" "$passed" "$result"
    tests_passed=$((tests_passed + passed))
    tests_failed=$((tests_failed + failed))
    tests_skipped=$((tests_skipped + skipped))
  done
  printf '%-10s %8s\n' all "$SECONDS s"
  [[ ! -f $logs/notes ]] || sed 's/^/note: /' "$logs/notes"
  for name in "${failed_stages[@]+"${failed_stages[@]}"}"; do
    echo "${red}failed: $name$plain; again: ./dev $stages_of --only $name (its output: ${logs#"$root/"}/$name.log)"
  done
  [[ ${#failed_stages[@]} == 0 ]]
}
