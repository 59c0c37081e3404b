# shellcheck shell=bash
# Real nodes. Each is a set of namespaces with an init of its own, which all of the node ends with: processes, mounts,
# pods. The control plane is in a network namespace too, on one segment with them; `forward` lets the host in.

# shellcheck source=testbed/node/addresses.sh
source testbed/node/addresses.sh

# How long CoreDNS may take once its node is ready.
readonly DNS_SECONDS=120

# Which node a component is of. Fails when it is of none.
node_of() {
  [[ $1 =~ ^(node|containerd|kubelet|kube-proxy)-([0-9]+)$ ]] && echo "${BASH_REMATCH[2]}"
}

# The network namespace of the control plane, and of node N. The names are in /run/netns.
network_name() {
  echo "testbed-$name${1:+-node-$1}"
}

# Of the control plane.
network_path() {
  echo "/run/netns/$(network_name)"
}

cgroup_of() {
  network_name "$1"
}

can_have_nodes() {
  [[ $(id -u) == 0 ]] && unshare --net --mount --pid --uts --fork true 2>/dev/null
}

# Everything a node wants of the machine, before anything is begun.
need_nodes() {
  [[ $(id -u) == 0 ]] ||
    fail "a real node needs root, for namespaces, mounts and cgroups: run this as root (sudo), or leave out --node"
  can_have_nodes || fail "no namespaces can be made here. In a container, that takes a privileged one"
  [[ ${without[controllers]:-}${without[scheduler]:-} == '' ]] ||
    fail "a real node needs controllers and scheduler: leave out --no-controllers and --no-scheduler"
  need ip iproute2
  need iptables iptables
  need setcap libcap2-bin
  need containerd containerd
  need runc runc
  need busybox busybox-static
  [[ -x /usr/lib/cni/bridge ]] || apt_install containernetworking-plugins ||
    missing "/usr/lib/cni/bridge" "install the package containernetworking-plugins"
}

# The small ones, in C: to be copied into images, so linked with nothing.
build_for_nodes() {
  local program
  need_compiler
  mkdir -p "$TESTBED_BIN"
  for program in pause probe; do
    [[ $TESTBED_BIN/$program -nt testbed/node/$program.c ]] ||
      cc -static -Os -Wall -Wextra -o "$TESTBED_BIN/$program" "testbed/node/$program.c" ||
      fail "testbed/node/$program.c was not compiled; what cc said is above"
  done
}

# Before anything is made: what has the names of this testbed's, but is not in its records, is another's.
check_names() {
  local node cgroup
  for node in '' $(seq 1 "$node_count"); do
    [[ ! -e /run/netns/$(network_name "$node") || -f $state/networks/$(network_name "$node") ]] ||
      fail "there is a network namespace $(network_name "$node") already, not of this testbed: it was not touched. Choose another name: --name NAME"
    [[ -n $node && ! -f $state/networks/$(network_name "$node") ]] || continue
    while read -r cgroup; do
      [[ ! -e $cgroup/$(cgroup_of "$node") ]] ||
        fail "there is a cgroup $cgroup/$(cgroup_of "$node") already, not of this testbed: it was not touched. Choose another name: --name NAME"
    done < <(cgroup_roots)
  done
}

# The control plane's network. It has no process of its own: its name keeps it.
make_network() {
  local network
  network=$(network_name)
  ! is_named "$network" || return 0
  mkdir -p "$state/networks"
  forget_network "$network"
  echo - >"$state/networks/$network"
  ip netns add "$network"
  nsenter --net="/run/netns/$network" testbed/node/network.sh "$ADVERTISED_IP" "$node_count" || {
    ip netns delete "$network"
    fail "the network of testbed $name could not be made; why is above"
  }
  stat -L -c %i "/run/netns/$network" >"$state/networks/$network"
}

# is_named NETWORK: it is there, and it is the one of the records.
is_named() {
  [[ -f $state/networks/$1 && $(stat -L -c %i "/run/netns/$1" 2>/dev/null) == "$(cat "$state/networks/$1")" ]]
}

# For whoever wants to look into a node: ip netns exec, nsenter --net.
name_network() {
  local network
  network=$(network_name "$1")
  forget_network "$network"
  stat -L -c %i "/proc/$2/ns/net" >"$state/networks/$network"
  ip netns attach "$network" "$2"
}

# What was begun and not recorded to its end has nobody inside, or is another's.
forget_network() {
  if is_named "$1" || [[ $(cat "$state/networks/$1" 2>/dev/null) == - && -z $(ip netns pids "$1" 2>/dev/null) ]]; then
    ip netns delete "$1" 2>/dev/null || true
  fi
  rm -f "$state/networks/$1"
}

# The folders in which cgroups are made: one for each hierarchy of version 1, and the one of version 2.
cgroup_roots() {
  awk '$3 == "cgroup" || $3 == "cgroup2" { print $2 }' /proc/mounts
}

make_cgroups() {
  local root file
  while read -r root; do
    if [[ -f $root/cgroup.subtree_control ]]; then
      sed 's/[^ ]*/+&/g' "$root/cgroup.controllers" >"$root/cgroup.subtree_control" || true
    fi
    mkdir -p "$root/$1"
    # Empty ones let no process in.
    for file in cpuset.cpus cpuset.mems; do
      [[ ! -f $root/$file ]] || cat "$root/$file" >"$root/$1/$file"
    done
  done < <(cgroup_roots)
}

# Only those in which no process is left can be removed.
remove_cgroups() {
  local root tries
  while read -r root; do
    for ((tries = 20; tries > 0; tries--)); do
      [[ ! -d $root/$1 ]] || find "$root/$1" -depth -type d -exec rmdir {} + 2>/dev/null || true
      [[ -d $root/$1 ]] || break
      sleep 0.05
    done
    [[ ! -d $root/$1 ]] || echo "testbed: the cgroup $root/$1 is still in use and was kept" >&2
  done < <(cgroup_roots)
}

# What no process holds. The processes have ended by now.
remove_nodes() {
  local network node
  for network in "$state"/networks/*; do
    [[ ! -f $network ]] || forget_network "$(basename "$network")"
  done
  for ((node = 1; node <= node_count; node++)); do
    remove_cgroups "$(cgroup_of "$node")"
  done
}

# launch_node N: with nothing left of an earlier life but its disk, as after a reboot.
launch_node() {
  local folder=$state/node-$1
  remove_cgroups "$(cgroup_of "$1")"
  make_cgroups "$(cgroup_of "$1")"
  write_node_files "$1" "$folder"
  launch "node-$1" unshare --mount --uts --net --pid --fork --kill-child --mount-proc \
    testbed/node/init.sh "$1" "$node_count" "$folder" "$TESTBED_BIN" "$ADVERTISED_IP" 3<"$(network_path)"
  become_child "node-$1"
}

# on_node N COMMAND…: there, with its network, its mounts and its processes.
on_node() {
  local pid
  pid=$(pid_of "node-$1") || fail "node-$1 of testbed $name does not run"
  shift
  nsenter --target "$pid" --mount --uts --net --pid -- "$@"
}

launch_on_node() {
  local component=$1 node pid
  node=$(node_of "$1")
  shift
  pid=$(pid_of "node-$node") || fail "$component needs node-$node, which does not run: start that first"
  (
    umask 022
    launch "$component" nsenter --target "$pid" --mount --uts --net --pid -- "$@"
  )
  become_child "$component"
}

# What enters a namespace of processes stays outside itself and has a child inside: that is the component.
become_child() {
  local component=$1 parent child='' tries
  for ((tries = READY_SECONDS * 20; tries > 0; tries--)); do
    parent=$(pid_of "$component") || return 0
    # It has no end of line, which is no failure here.
    { read -r child _ <"/proc/$parent/task/$parent/children"; } 2>/dev/null || true
    if [[ -n $child ]]; then
      record "$component" "$child"
      return
    fi
    sleep 0.05
  done
  give_up "$component did not begin. Its last words"
}

write_node_files() {
  mkdir -p "$2/cni"
  cp testbed/node/containerd.toml "$2/"
  : >"$2/resolv.conf"
  cp "$pki/node-$1.kubeconfig" "$2/kubelet.kubeconfig"
  cp "$pki/kube-proxy.kubeconfig" "$pki/ca.crt" "$pki/server.crt" "$pki/server.key" "$2/"
  # Replies of pods to themselves (hairpin), and no masquerading: nodes know the way to each other's pods.
  cat >"$2/cni/10-pods.conflist" <<END_CNI
{"cniVersion": "0.4.0", "name": "pods", "plugins": [
  {"type": "bridge", "bridge": "cni0", "isGateway": true, "hairpinMode": true,
   "ipam": {"type": "host-local", "dataDir": "/run/cni",
            "ranges": [[{"subnet": "$(pods_of "$1")"}]], "routes": [{"dst": "0.0.0.0/0"}]}},
  {"type": "portmap", "capabilities": {"portMappings": true}, "snat": true}]}
END_CNI
  cat >"$2/kubelet.yaml" <<END_KUBELET
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
failCgroupV1: false
failSwapOn: false
cgroupDriver: cgroupfs
cgroupRoot: /$(cgroup_of "$1")
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
clusterDNS: [$CLUSTER_DNS_IP]
clusterDomain: cluster.local
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: /run/node/ca.crt}}
authorization: {mode: Webhook}
tlsCertFile: /run/node/server.crt
tlsPrivateKeyFile: /run/node/server.key
resolvConf: /run/node/resolv.conf
volumePluginDir: /var/lib/kubelet/volume-plugins
# A full disk of the machine is not what is tested here.
evictionHard: {memory.available: 50Mi, nodefs.available: "0%", imagefs.available: "0%"}
imageGCHighThresholdPercent: 100
END_KUBELET
  cat >"$2/kube-proxy.yaml" <<END_PROXY
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: iptables
clusterCIDR: $REAL_POD_CIDR
hostnameOverride: node-$1
clientConnection: {kubeconfig: /run/node/kube-proxy.kubeconfig}
# Zero: left as they are, for they are the whole machine's.
conntrack: {maxPerCore: 0, min: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s}
END_PROXY
}

launch_node_component() {
  local node
  node=$(node_of "$1")
  case $1 in
    node-*) launch_node "$node" ;;
    containerd-*) launch_on_node "$1" containerd --config /run/node/containerd.toml ;;
    kubelet-*)
      launch_on_node "$1" /run/bin/kubelet --config /run/node/kubelet.yaml --kubeconfig /run/node/kubelet.kubeconfig \
        --hostname-override "node-$node" --node-ip "$(address_of "$node")"
      ;;
    kube-proxy-*) launch_on_node "$1" /run/bin/kube-proxy --config /run/node/kube-proxy.yaml ;;
  esac
}

is_node_component_ready() {
  local node
  node=$(node_of "$1")
  case $1 in
    node-*) [[ $(cat "/proc/$(pid_of "$1")/comm") == pause ]] ;;
    containerd-*) on_node "$node" ctr version >/dev/null 2>&1 ;;
    kubelet-*) on_node "$node" curl --silent --fail --output /dev/null --max-time 5 http://127.0.0.1:10248/healthz ;;
    kube-proxy-*) on_node "$node" curl --silent --fail --output /dev/null --max-time 5 http://127.0.0.1:10256/healthz ;;
  esac
}

# start_nodes: those that lack. Node objects are there before their kubelets, which add what they know.
start_nodes() {
  local node name_of_node
  for ((node = 1; node <= node_count; node++)); do
    kc get node "node-$node" >/dev/null 2>&1 || real_node "$node" | kc create --filename - >/dev/null
    start "node-$node"
    name_network "$node" "$(pid_of "node-$node")"
  done
  for ((node = 1; node <= node_count; node++)); do
    start "containerd-$node"
  done
  own_images
  for ((node = 1; node <= node_count; node++)); do
    start "kubelet-$node" "kube-proxy-$node"
  done
  kc apply --filename testbed/node/coredns.yaml >/dev/null
  for ((node = 1; node <= node_count; node++)); do
    name_of_node=node-$node
    kc wait --for condition=Ready "node/$name_of_node" --timeout "${READY_SECONDS}s" >/dev/null || {
      component=kubelet-$node
      give_up "$name_of_node did not become ready. The last words of its kubelet"
    }
  done
  kc rollout status deployment/coredns --namespace kube-system --timeout "${DNS_SECONDS}s" >/dev/null ||
    fail "CoreDNS did not come up: kubectl --namespace kube-system describe pods"
}

real_node() {
  cat <<END
apiVersion: v1
kind: Node
metadata:
  name: node-$1
  labels: {type: real}
spec:
  podCIDR: $(pods_of "$1")
  podCIDRs: [$(pods_of "$1")]
END
}

node_env() {
  local nodes=() networks=() node
  for ((node = 1; node <= node_count; node++)); do
    nodes+=("node-$node") networks+=("$(network_name "$node")")
  done
  cat <<END
export TESTBED_NODES='${nodes[*]}'
export TESTBED_NODE_NETNS='${networks[*]}'
export TESTBED_OUTSIDE_NETNS='$(network_name)'
export TESTBED_IMAGE='$root/dev testbed image --name $name --state $state'
export TESTBED_ENTER='$root/dev testbed enter --name $name --state $state'
END
}

# enter node-N|outside COMMAND…
enter() {
  local where=$1 node
  shift
  require_owner
  if [[ $where == outside ]]; then
    is_named "$(network_name)" || fail "testbed $name has no real nodes, so no outside: ./dev testbed up --node"
    exec nsenter --net="$(network_path)" -- "$@"
  fi
  node=$(node_of "$where") || misused "enter takes node-1 and so on, or outside, not '$where'"
  on_node "$node" "$@"
}
