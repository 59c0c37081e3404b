# testbed VERB [flags]: a real Kubernetes with fake or real nodes, for tests; ./dev testbed help lists the verbs
# shellcheck shell=bash

# shellcheck source=testbed/build.sh
source testbed/build.sh
# shellcheck source=testbed/processes.sh
source testbed/processes.sh
# shellcheck source=testbed/pki.sh
source testbed/pki.sh
# shellcheck source=testbed/components.sh
source testbed/components.sh
# shellcheck source=testbed/nodes.sh
source testbed/nodes.sh
# shellcheck source=testbed/image.sh
source testbed/image.sh

usage() {
  cat <<END
Usage: ./dev testbed VERB [flags]

  up                   starts it, once it is built; what runs already stays
  down                 ends its processes and removes its state
  status               what runs; fails when something does not
  env                  prints export lines for a shell: eval "\$(./dev testbed env)"
  nodes N              makes it N fake nodes, each with addresses for 250 pods
  image NAME FILE…     makes an image for real nodes. A FILE gets to /, FILE:/PATH to there, a folder's contents to /;
                       the first file is what it runs. The tag is 'testbed' unless NAME has one
  import FILE…         gives archives of images, such as those of ./dev image, to all real nodes
  enter WHERE [--] CMD runs a command on a real node (node-1), or outside of them all (outside)
  start COMPONENT      one of: ${COMPONENTS[*]};
                       with real nodes also forward, node-1, containerd-1, kubelet-1, kube-proxy-1, and so on
  stop COMPONENT       asks it to end, and kills it after $END_SECONDS s
  kill COMPONENT       kills it
  signal COMPONENT SIG sends it a signal, such as STOP and CONT
  build                only builds, which takes minutes once
  envoy                fetches Envoy, for tests of sidecars
  test                 the testbed's own tests; that of real nodes where they can be, and in CI always

  --name NAME          which testbed (default: default). Any number may run side by side
  --port-base N|auto   its $PORTS ports on loopback begin here (default: $DEFAULT_PORT_BASE, for other names: auto)
  --state DIR          its folder (default: target/testbed/state/NAME)
  --node               up: with a real node, on which pods are processes. Needs root
  --nodes N            up: with N of them, at most $MAX_NODES
  --observers          build: only Prometheus and an OTLP receiver, which look at Portolan in tests
  --file-cap CAPS      image: the first file gets these capabilities, such as cap_net_raw+ep
  --no-controllers     up: without kube-controller-manager: pods and endpoints are what you write yourself
  --no-scheduler       up: without kube-scheduler: pods run where spec.nodeName says
  --no-kwok            up: without fake nodes and pods
  --kwok-config FILE   up: one more configuration for KWOK, such as Logs or ClusterPortForward
  --keep               down: leaves the state, for the next up
END
}

main() {
  local verb=${1:-help}
  shift || true
  parse "$@"
  case $verb in
    help | -h | --help) usage ;;
    build)
      expect 0
      if [[ -n $observers ]]; then build_for_observers; else build_all; fi
      ;;
    envoy) expect 0 && build_envoy ;;
    test) expect 0 && own_tests ;;
    up) expect 0 && up ;;
    down) expect 0 && down ;;
    status) expect 0 && status ;;
    env) expect 0 && print_env ;;
    nodes) expect 1 && nodes "${arguments[0]}" ;;
    image) at_least 2 && image "${arguments[@]}" ;;
    import) at_least 1 && import "${arguments[@]}" ;;
    enter) at_least 2 && enter "${arguments[@]}" ;;
    start | stop | kill) expect 1 && change "$verb" "${arguments[0]}" ;;
    signal) expect 2 && change signal "${arguments[@]}" ;;
    *) misused "no verb '$verb'" ;;
  esac
}

parse() {
  [[ -r /proc/self/stat ]] || missing "Linux (its /proc)" "run this on Linux"
  name=default port_base='' state='' keep='' arguments=() kwok_configs=() nodes_asked='' file_cap='' observers=''
  declare -gA without=()
  while [[ $# != 0 ]]; do
    case $1 in
      --name | --port-base | --state | --kwok-config | --nodes | --file-cap)
        [[ -n ${2:-} ]] || misused "$1 needs a value"
        case $1 in
          --name) name=$2 ;;
          --port-base) port_base=$2 ;;
          --state) state=$(from_caller "$2") ;;
          --kwok-config) kwok_configs+=("$(from_caller "$2")") ;;
          --nodes) nodes_asked=$2 ;;
          --file-cap) file_cap=$2 ;;
        esac
        shift
        ;;
      --node) nodes_asked=1 ;;
      --observers) observers=yes ;;
      --no-controllers | --no-scheduler | --no-kwok) without[${1#--no-}]=yes ;;
      --controllers | --scheduler | --kwok) unset "without[${1#--}]" ;;
      --keep) keep=yes ;;
      --)
        arguments+=("${@:2}")
        break
        ;;
      -*) misused "no flag $1" ;;
      *)
        arguments+=("$1")
        # From here on, flags are those of the command to enter with.
        if [[ $verb == enter && ${#arguments[@]} -gt 1 ]]; then
          arguments+=("${@:2}")
          break
        fi
        ;;
    esac
    shift
  done
  [[ $name =~ ^[a-z0-9][a-z0-9-]*$ ]] || misused "a name is of small letters, digits and '-', not '$name'"
  [[ -z $port_base || $port_base == auto || ($port_base =~ ^[0-9]{4,5}$ && $port_base -le $((65535 - PORTS))) ]] ||
    misused "--port-base is a number from 1000 to $((65535 - PORTS)), or auto, not '$port_base'"
  [[ -z $nodes_asked || ($nodes_asked =~ ^[0-9]$ && $nodes_asked -le MAX_NODES) ]] ||
    misused "--nodes is a number up to $MAX_NODES, not '$nodes_asked'"
  state=${state:-$target/testbed/state/$name}
  pki=$state/pki
  node_count=${nodes_asked:-0}
  name_components
}

# ./dev has gone to its own folder.
from_caller() {
  case $1 in
    /*) echo "$1" ;;
    *) echo "$OLDPWD/$1" ;;
  esac
}

misused() {
  echo "testbed: $1; ./dev testbed help lists what there is" >&2
  exit 2
}

expect() {
  [[ ${#arguments[@]} == "$1" ]] || misused "$1 arguments were expected, not ${#arguments[@]}: ${arguments[*]}"
}

at_least() {
  ((${#arguments[@]} >= $1)) || misused "at least $1 arguments were expected, not ${#arguments[@]}: ${arguments[*]}"
}

build_all() {
  local component binaries=(kubectl)
  for component in "${wanted[@]}"; do
    case $component in
      node-* | containerd-*) ;;
      *) binaries+=("$(binary_of "$component")") ;;
    esac
  done
  ((node_count == 0)) || binaries+=(coredns)
  build "${binaries[@]}"
  ((node_count == 0)) || build_for_nodes
}

own_tests() {
  testbed/smoke.sh
  if [[ -n ${CI:-} ]] || can_have_nodes; then
    testbed/smoke-nodes.sh
  else
    echo "testbed: real nodes were not tested: they need root and namespaces"
  fi
}

up() {
  need curl curl ca-certificates
  need openssl openssl
  check_owner
  ((node_count == 0)) || need_nodes
  build_all
  take_turn
  check_owner
  local component lacking=() begun=$SECONDS
  for component in "${wanted[@]}"; do
    pid_of "$component" >/dev/null || lacking+=("$component")
  done
  if [[ ${#lacking[@]} == 0 ]]; then
    name_ports
    start_all
    echo "testbed $name is up already"
    how_to_use
    return
  fi
  choose_ports
  ((node_count == 0)) || check_names
  # Whatever ends this from here on, nothing half done stays behind.
  made_state=''
  [[ -f $state/owner ]] || made_state=yes
  trap 'undo "${lacking[@]}"' EXIT
  umask 077
  claim "${wanted[@]}"
  make_pki
  write_kubeconfigs
  write_env
  local config
  for config in "${kwok_configs[@]+"${kwok_configs[@]}"}"; do
    cp "$config" "$state/kwok/"
  done
  start_all
  trap - EXIT
  echo "testbed $name is up after $((SECONDS - begun)) s"
  how_to_use
}

# What runs already stays, and is waited for.
start_all() {
  local component control_plane=()
  for component in "${wanted[@]}"; do
    node_of "$component" >/dev/null || control_plane+=("$component")
  done
  ((node_count == 0)) || make_network
  start etcd
  start apiserver
  ((node_count == 0)) || start forward
  start "${control_plane[@]}"
  wait_until apiserver has_default_account
  ((node_count == 0)) || start_nodes
}

choose_ports() {
  if [[ -z $port_base ]]; then
    port_base=auto
    [[ $name != default ]] || port_base=$DEFAULT_PORT_BASE
  fi
  if [[ $port_base == auto ]]; then
    port_base=$(free_port_base)
  fi
  name_ports
}

undo() {
  echo "testbed: ending what was started" >&2
  end_all "$@"
  [[ -n $made_state ]] || return 0
  remove_nodes
  remove_state
}

# No pod can be created before its service account; who makes it is a controller.
has_default_account() {
  local accounts=https://127.0.0.1:$apiserver_port/api/v1/namespaces/default/serviceaccounts
  answers "$accounts/default" || {
    [[ " ${wanted[*]} " == *' controllers '* ]] ||
      kc create serviceaccount default --namespace default >/dev/null 2>&1
  }
}

write_env() {
  cat >"$state/env" <<END
export KUBECONFIG='$state/kubeconfig'
export KUBECTL='$(binary kubectl)'
export TESTBED_STATE='$state'
export TESTBED_PORT_BASE='$port_base'
END
  ((node_count == 0)) || node_env >>"$state/env"
}

how_to_use() {
  echo "  export KUBECONFIG=$state/kubeconfig"
  echo "  ports $port_base to $((port_base + PORTS - 1)) on loopback; logs in $state/log"
}

# The verbs from here on are about a testbed that is there.
require_owner() {
  check_owner
  [[ -f $state/owner ]] || fail "testbed $name is not up: there is no state in $state"
  name_ports
}

print_env() {
  require_owner
  cat "$state/env"
}

down() {
  take_turn
  check_owner
  if [[ ! -f $state/owner ]]; then
    echo "testbed $name is not up"
    return
  fi
  end_all "${COMPONENTS[@]}"
  remove_nodes
  [[ -n $keep ]] || remove_state
  echo "testbed $name is down${keep:+; its state is kept in $state}"
}

status() {
  check_owner
  if [[ ! -f $state/owner ]]; then
    echo "testbed $name is not up"
    return 1
  fi
  name_ports
  echo "testbed $name, state in $state"
  local component pid word result=0
  status_row component is pid ports
  for component in $(owner components); do
    if ! pid=$(pid_of "$component"); then
      pid=- word='not running' result=1
    elif is_ready "$component"; then
      word=ready
    else
      word='not ready' result=1
    fi
    status_row "$component" "$word" "$pid" "$(ports_of "$component")"
  done
  return "$result"
}

status_row() {
  printf '  %-13s %-12s %8s  %s\n' "$@"
}

# change start|stop|kill|signal COMPONENT [SIGNAL]
change() {
  local verb=$1 component=$2 pid
  check_owner
  [[ " ${COMPONENTS[*]} " == *" $component "* ]] || misused "no component '$component'; there are: ${COMPONENTS[*]}"
  [[ $verb != start || $component == node-* || $component == containerd-* ]] || build "$(binary_of "$component")"
  take_turn
  require_owner
  if [[ $verb == start ]]; then
    umask 077
    start "$component"
    [[ $component != node-* ]] || name_network "$(node_of "$component")" "$(pid_of "$component")"
    return
  fi
  pid=$(pid_of "$component") || fail "$component of testbed $name does not run"
  case $verb in
    stop) end "$component" ;;
    kill) kill_now "$component" ;;
    signal) kill -s "$3" "$pid" ;;
  esac
}

kc() {
  "$(binary kubectl)" --kubeconfig "$state/kubeconfig" --cache-dir "$state/kubectl-cache" "$@"
}

# nodes N: makes those that lack of the first N. Pods of node i have 10.(128 + i/256).(i mod 256).0/24, and it has
# itself 10.64.(i / 250).(i mod 250 + 1). Nothing is there: InternalDNS is where KWOK answers for its kubelet.
nodes() {
  local count=$1 i there
  [[ $count =~ ^[0-9]{1,5}$ && $count -le 10000 ]] || misused "nodes are counted from 0 to 10000, not '$count'"
  require_owner
  there=" $(kc get nodes --output name | tr '\n' ' ')"
  for ((i = 0; i < count; i++)); do
    [[ $there == *" node/fake-$i "* ]] || fake_node "$i"
  done >"$state/nodes.yaml"
  [[ ! -s $state/nodes.yaml ]] || kc create --filename "$state/nodes.yaml" >/dev/null
  rm "$state/nodes.yaml"
  [[ $count == 0 ]] || kc wait --for condition=Ready nodes --selector type=kwok --timeout "${READY_SECONDS}s" >/dev/null
  echo "testbed $name has $(kc get nodes --selector type=kwok --output name | wc -l) fake nodes"
}

fake_node() {
  local pods=10.$((128 + $1 / 256)).$(($1 % 256)).0/24 taints=''
  # Beside real nodes, only pods that ask for it are fake.
  ((node_count == 0)) || taints='{key: kwok.x-k8s.io/node, value: fake, effect: NoSchedule}'
  cat <<END
---
apiVersion: v1
kind: Node
metadata:
  name: fake-$1
  annotations: {kwok.x-k8s.io/node: fake}
  labels: {type: kwok, kubernetes.io/hostname: fake-$1, kubernetes.io/os: linux, kubernetes.io/arch: amd64}
spec:
  podCIDR: $pods
  podCIDRs: [$pods]
  taints: [$taints]
status:
  addresses:
  - {type: InternalIP, address: 10.64.$(($1 / 250)).$(($1 % 250 + 1))}
  - {type: Hostname, address: fake-$1}
  - {type: InternalDNS, address: localhost}
  capacity: {cpu: 1k, memory: 1Ti, pods: 250}
  allocatable: {cpu: 1k, memory: 1Ti, pods: 250}
END
}
