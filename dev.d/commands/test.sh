# test [--only STAGE] [FILTER]: every test there is and a share of accuracy, or those whose name holds FILTER
# shellcheck shell=bash

source dev.d/tests.sh
source dev.d/fuzzing.sh
source dev.d/e2e.sh

main() {
  need_rust
  begin test "$@"
  [[ -z $only ]] || shift 2
  local filter=${1:-}
  need_shells
  # One build for all: the profile, the features and the target folder are the same. A share of `./dev accuracy` is among
  # the tests.
  stage unit workspace_tests --no-fail-fast -- ${filter:+"$filter"}
  stage doc cargo test --workspace --no-fail-fast ${CI:+--locked} --doc -- ${filter:+"$filter"}
  # Criterion, run by the test runner, tries each benchmark once.
  if compgen -G 'crates/*/benches/*.rs' >/dev/null; then
    stage bench cargo test --workspace --no-fail-fast ${CI:+--locked} --bench '*' -- ${filter:+"$filter"}
  fi
  stage fuzz fuzz_briefly "$filter"
  [[ -n $filter ]] || stage testbed ./dev testbed test
  [[ -n $filter ]] || stage chart charts/test.sh
  stage e2e end_to_end "$filter"
  [[ -n $filter ]] || stage installed installed

  local status=0
  finish || status=1
  if [[ $((tests_passed + tests_failed)) == 0 ]]; then
    echo "dev: no test ran${filter:+ (none is named like $filter)}"
    status=1
  fi
  echo "tests: $tests_passed passed, $tests_failed failed, $tests_skipped skipped"
  exit "$status"
}

# Completions are read by the shells that are there. On a machine of somebody's own, none is installed for that.
need_shells() {
  local shell lacking=()
  for shell in bash zsh fish; do
    have "$shell" || lacking+=("$shell")
  done
  [[ ${#lacking[@]} != 0 ]] || return 0
  if [[ -z ${CI:-} ]] || ! apt_install "${lacking[@]}"; then
    note "completions were not read by shells that are not installed: ${lacking[*]}"
  fi
}
