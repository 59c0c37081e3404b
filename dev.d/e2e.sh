# shellcheck shell=bash
# The built mapper and sniffer against a testbed of its own, which is taken down whatever happens.

# end_to_end [FILTER]: of the mapper that is built here, or of $release.
end_to_end() {
  local filter=${1:-}
  local tests
  tests=$(built_test e2e it)
  # Read whole: the list fails when whoever reads it goes away.
  local all
  all=$("$tests" --list)
  if [[ -n $filter ]] && ! grep -q "$filter.*: test" <<<"$all"; then
    return 0
  fi
  # What nodes of network namespaces are made with.
  if [[ $EUID == 0 ]]; then
    need ip iproute2
    need iptables iptables
    need curl curl
  fi
  local bed=(--name "e2e-$$")
  # shellcheck disable=SC2064 # its name is known now
  trap "./dev testbed down ${bed[*]}" EXIT
  ./dev testbed up "${bed[@]}" --port-base auto --no-controllers --no-scheduler
  # All that any test wants: after an outage of the API server, it may take minutes until new ones are looked after.
  ./dev testbed nodes 10 "${bed[@]}"
  eval "$(./dev testbed env "${bed[@]}")"
  export PORTOLAN_E2E=1 PORTOLAN_MAPPER=${release:-$target/debug/portolan-mapper} PORTOLAN_E2E_LOGS=$logs
  local threads=(--test-threads 6)
  [[ -z ${release:-} ]] || threads=(--nocapture --test-threads 1)
  "$tests" --ignored --skip faults "${threads[@]}" ${filter:+"$filter"}
  if [[ -z $filter ]]; then
    PORTOLAN_TESTBED=1 PORTOLAN_TESTBED_SECONDS=5 "$(built_test cluster live_api)" --ignored --test-threads 1
  fi
  # Last, and one after the other: they kill the API server under everybody.
  if [[ -z $filter || $filter == *faults* ]]; then
    "$tests" --ignored --test-threads 1 faults
  fi
  # The benchmarks' way, with tiny numbers.
  if [[ -z $filter ]]; then
    PORTOLAN_BENCH='speed scale sizes burst' cargo test --workspace ${CI:+--locked} --bench mapper
  fi
}
