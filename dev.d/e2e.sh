# shellcheck shell=bash
# The built mapper, sniffer and watchers against a testbed of its own, which is taken down whatever happens.

# shellcheck source=testbed/kafka.sh
source testbed/kafka.sh

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
    # A DNS server for their pods.
    ./dev testbed build --node
    need_kafka
  fi
  # Sidecars, and the commands in them.
  ./dev testbed envoy
  need curl curl
  # Prometheus and a collector, for the tests that are named for them.
  if [[ -z $filter || $filter == *observed* ]]; then
    ./dev testbed build --observers
  fi
  # The map as a page is tried in a browser.
  if [[ -z $filter || $filter == *page* ]]; then
    need chromedriver chromium chromium-driver
  fi
  local bed=(--name "e2e-$$")
  # What brokers write, and where KWOK finds it.
  export PORTOLAN_E2E_KAFKA=$target/dev/kafka-$$
  mkdir -p "$PORTOLAN_E2E_KAFKA"
  sed "s|FOLDER|$PORTOLAN_E2E_KAFKA|g" testbed/kafka/logs.yaml >"$PORTOLAN_E2E_KAFKA/logs.yaml"
  # shellcheck disable=SC2064 # its name is known now
  trap "./dev testbed down ${bed[*]}; rm -rf '$PORTOLAN_E2E_KAFKA' '$target/dev/exec-$$'" EXIT
  export PORTOLAN_E2E_EXEC=$target/dev/exec-$$
  mkdir -p "$PORTOLAN_E2E_EXEC"
  sed "s|FOLDER|$PORTOLAN_E2E_EXEC|g" testbed/envoy/exec.yaml >"$PORTOLAN_E2E_EXEC/exec.yaml"
  export PORTOLAN_E2E_FORWARD=$target/dev/forward-$$
  forward_to "$PORTOLAN_E2E_FORWARD"
  # KWOK runs a container's commands on this machine, as it finds them in its path.
  PATH=$PWD/testbed/envoy/bin:$PATH ./dev testbed up "${bed[@]}" --port-base auto --no-controllers --no-scheduler \
    --kwok-config "$PORTOLAN_E2E_FORWARD/kwok.yaml" --kwok-config "$PORTOLAN_E2E_KAFKA/logs.yaml" \
    --kwok-config "$PORTOLAN_E2E_EXEC/exec.yaml"
  # All that any test wants: after an outage of the API server, it may take minutes until new ones are looked after.
  ./dev testbed nodes 10 "${bed[@]}"
  eval "$(./dev testbed env "${bed[@]}")"
  export PORTOLAN_E2E=1 PORTOLAN_MAPPER=${release:-$target/debug/portolan-mapper} PORTOLAN_E2E_LOGS=$logs
  local threads=(--test-threads 6)
  [[ -z ${release:-} ]] || threads=(--nocapture --test-threads 1)
  "$tests" --ignored --skip faults --skip nodes_ --skip kafka_ --skip page:: "${threads[@]}" ${filter:+"$filter"}
  # By themselves, browsers and brokers: they take all there is, and others must see what happens in time.
  if [[ -z $filter || $filter == *page* ]]; then
    "$tests" --ignored --test-threads 2 page::
  fi
  if [[ -z $filter || $filter == *kafka* ]]; then
    "$tests" --ignored --test-threads 1 kafka_
  fi
  if [[ -z $filter ]]; then
    PORTOLAN_TESTBED=1 PORTOLAN_TESTBED_SECONDS=5 "$(built_test cluster live_api)" --ignored --test-threads 1
  fi
  # Last, and one after the other: they kill the API server under everybody.
  if [[ -z $filter || $filter == *faults* ]]; then
    "$tests" --ignored --test-threads 1 faults
  fi
  if [[ -z $filter || $filter == *nodes* ]]; then
    on_real_nodes "$tests"
  fi
  # The benchmarks' way, with tiny numbers.
  if [[ -z $filter ]]; then
    PORTOLAN_BENCH='speed scale sizes burst pairs idle flood visible' \
      cargo test --workspace ${CI:+--locked} --bench built
  fi
}

# forward_to FOLDER: makes the configuration by which port-forwards to fake pods lead to the port on loopback that a test
# writes into FOLDER/9090.
forward_to() {
  mkdir -p "$1"
  cat >"$1/kwok.yaml" <<END
apiVersion: kwok.x-k8s.io/v1alpha1
kind: ClusterPortForward
metadata: {name: mapper}
spec:
  forwards:
    - ports: [9090]
      command: [bash, -c, 'exec 3<>"/dev/tcp/127.0.0.1/\$(<$1/9090)"; cat <&3 & cat >&3; kill \$!']
END
}

# on_real_nodes TESTS: those that need them, with a testbed of their own. In a shell of its own: it goes when that ends.
on_real_nodes() (
  if [[ $EUID != 0 ]]; then
    [[ -z ${CI:-} ]] || return 1
    note "the tests on real nodes need root and were skipped"
    return 0
  fi
  bed=(--name "nodes-$$")
  # shellcheck disable=SC2064 # its name is known now
  trap "./dev testbed down ${bed[*]}" EXIT
  ./dev testbed up "${bed[@]}" --port-base auto --nodes 2 --no-kwok
  eval "$(./dev testbed env "${bed[@]}")"
  # Small, with the libraries that it is linked to and its file capability.
  program=$target/dev/portolan-sniffer
  cp "${PORTOLAN_SNIFFER:-$target/debug/portolan-sniffer}" "$program"
  strip "$program"
  mapfile -t libraries < <(ldd "$program" | grep -o '/[^ ]*' | while read -r library; do
    echo "$(readlink -f "$library"):$library"
  done)
  ./dev testbed image sniffer "$program" "${libraries[@]}" --file-cap cap_net_raw+ep "${bed[@]}"
  nsenter --net="/run/netns/testbed-nodes-$$" "$1" --ignored --nocapture nodes_
)

# The images that are shipped, of this machine's architecture, and the chart, on real nodes. Cargo keeps the programs under
# target/, so that only what has changed is built again.
installed() {
  if [[ $EUID != 0 ]]; then
    if [[ -n ${CI:-} ]]; then
      echo "dev: images and chart are tried on real nodes, which need root" >&2
      return 1
    fi
    note "images and chart on real nodes need root and were skipped"
    return 0
  fi
  ./dev e2e
}
