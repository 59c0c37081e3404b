#!/usr/bin/env bash
# The test of real nodes, with testbeds of its own: ./dev testbed test. Its last line says how much was checked.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

first=nodes-$$
second=$first-b
scratch=$(mktemp -d)
background=()
# shellcheck source=testbed/checks.sh
source testbed/checks.sh

clean_up() {
  local each
  for each in "${background[@]+"${background[@]}"}"; do
    kill "$each" 2>/dev/null || true
  done
  for each in "$first" "$second"; do
    ./dev testbed down --name "$each" >/dev/null 2>&1 || true
  done
  rm -rf "$scratch"
}
trap clean_up EXIT

# testbed VERB…: of the first.
testbed() {
  ./dev testbed "$@" --name "$first"
}

enter() {
  ./dev testbed enter --name "$first" "$@"
}

# in_pod POD COMMAND…
in_pod() {
  kc exec "$1" -- "${@:2}"
}

# asks POD URL: who answered, and whom it saw.
asks() {
  in_pod "$1" wget -qO- "$2/cgi-bin/who"
}

address_of() {
  kc get pod "$1" --output jsonpath='{.status.podIP}'
}

# pods_on NODE LABEL: those that are ready.
pods_on() {
  kc get pods --selector "$2" --field-selector "spec.nodeName=$1" \
    --output jsonpath='{.items[?(@.status.containerStatuses[0].ready==true)].metadata.name}'
}

# everyone_answers POD URL: both pods of web do, in time.
everyone_answers() {
  local tries answers=''
  for ((tries = 0; tries < 40; tries++)); do
    answers+=$(asks "$1" "$2" 2>&1)
    [[ $answers != *"asked $web_1"* || $answers != *"asked $web_2"* ]] || return 0
  done
  echo "$answers"
  return 1
}

# through PORT_FORWARD_LOG: the page behind it.
through() {
  local port
  port=$(sed -n 's/^Forwarding from 127.0.0.1:\([0-9]*\) .*/\1/p' "$1")
  curl --silent --fail --noproxy '*' "http://127.0.0.1:$port/cgi-bin/who"
}

# What a testbed must not touch: interfaces of such names as nodes have, rules, settings of the kernel. Others may be at
# work on this machine, so only what a node would make is looked at.
host() {
  ip -o link | grep -oE ' (nodes|node-[0-9]+|cni0)[@:]' || true
  iptables-save 2>/dev/null | grep -E '^-A .*(KUBE|10\.126\.)' || true
  sysctl vm.overcommit_memory vm.panic_on_oom kernel.panic kernel.panic_on_oops kernel.keys net.ipv4.ip_forward
}

host_is_as_before() {
  diff "$scratch/host" <(host)
}

# What bears the name of these testbeds: mounts, cgroups, namespaces.
remains() {
  grep -e "$first" /proc/mounts || true
  find /sys/fs/cgroup /run/netns -maxdepth 2 -name "testbed-$first*" 2>/dev/null || true
}

# How many processes live in this namespace of processes.
processes_in() {
  find /proc -maxdepth 3 -path '/proc/[0-9]*/ns/pid' -exec readlink {} + 2>/dev/null | grep -cxF "$1" || true
}

# The state folder of the second testbed, while its `up` is at work; then it is killed, script and all.
killed_midway() {
  setsid ./dev testbed up --name "$second" --node --no-kwok >"$scratch/second" 2>&1 &
  local up=$!
  within 60 test -s "$other/pids/kubelet-1" || {
    cat "$scratch/second"
    return 1
  }
  kill -KILL -- "-$up"
  wait "$up" 2>/dev/null || true
  test -e "/run/netns/testbed-$second-node-1"
}

host >"$scratch/host"
check 'without root, a node is refused in words' \
  refuses 'a real node needs root' unshare --user --map-user=65534 ./dev testbed up --name "$second" --node
check 'a testbed with two nodes comes up' testbed up --nodes 2
eval "$(testbed env)"
other=$(dirname "$TESTBED_STATE")/$second
check 'up again changes nothing' says 'is up already' testbed up
check 'another number of nodes is refused' refuses 'has 2 real nodes, not 1' testbed up --node
check 'status says that all is ready' testbed status
check 'a fake node may stand beside them, and takes no pod unasked' testbed nodes 1
check 'the host keeps its interfaces, rules and settings' host_is_as_before

check 'an image is made of one file, which carries a capability' \
  testbed image probe target/testbed/bin/probe --file-cap cap_net_raw+ep
check 'and one without' testbed image bare-probe target/testbed/bin/probe:/bin/probe
check 'no image is made of nothing' refuses 'there is no' testbed image nothing not-here
check 'workloads are accepted' kc create --filename testbed/smoke-nodes.yaml
check 'a Deployment runs' kc rollout status deployment/web --timeout 60s
check 'so do pods' kc wait --for condition=Ready pod/client pod/alone pod/host pod/bare-probe --timeout 60s
web_1=$(pods_on node-1 app=web) web_2=$(pods_on node-2 app=web)
check 'with a pod on each node' test -n "$web_1" -a -n "$web_2"
client=$(address_of client)

check 'a Service is called by its name, and both pods answer' everyone_answers client http://web
check 'and by its whole name' says ' asked web-' asks client http://web.default.svc.cluster.local
check 'a headless Service leads to a pod' says ' asked web-' asks client http://web-headless:8080
for pod in "$web_1" "$web_2"; do
  check 'its name has the addresses of all' says "Address: $(address_of "$pod")" \
    in_pod client nslookup web-headless.default.svc.cluster.local.
done
check 'pods of two nodes see each other as they are' \
  says "$client] asked $web_2" asks client "http://$(address_of "$web_2"):8080"
check 'a NodePort answers a node' says ' asked web-' enter node-2 busybox wget -qO- http://10.64.255.12:30080/cgi-bin/who
check 'and a pod, on either node' everyone_answers client http://10.64.255.11:30080
check 'a pod calls itself through its Service' says ' asked alone' asks alone http://alone.default
check 'a pod in the network of its node has its name' says "$client] asked node-2" asks client http://10.64.255.12:8090
check 'and calls Services by name' everyone_answers host http://web
check 'a pod reaches the API server' refuses '400 Bad Request' in_pod client wget -qO- http://kubernetes.default:443/

mkdir -p "$scratch/www/cgi-bin"
cp testbed/node/who.sh "$scratch/www/cgi-bin/who"
nsenter --net="/run/netns/$TESTBED_OUTSIDE_NETNS" busybox httpd -f -p 203.0.113.10:80 -h "$scratch/www" &
background+=($!)
check 'the outside has a name, and sees the address of the node' \
  within 10 says '10.64.255.11 asked' asks client http://outside.example
check 'the outside is entered as a node is' says 203.0.113.10 enter outside ip address

check 'a Job of two seconds completes' kc wait --for condition=Complete job/short --timeout 30s
check 'its logs come through the API server' is 'it ran' kc logs job/short
"$KUBECTL" port-forward pod/alone :8080 >"$scratch/forward" 2>&1 &
background+=($!)
check 'so does a port-forward' within 20 says ' asked alone' through "$scratch/forward"
check 'a projected token is for its audience' \
  is 'system:serviceaccount:default:default portolan' review "$(in_pod client cat /token/portolan)"

check 'a DaemonSet runs on both nodes' kc rollout status daemonset/probe --timeout 60s
for node in node-1 node-2; do
  probe=$(pods_on "$node" app=probe)
  check "on $node, it is nobody in particular" says 'uid: 65532' kc logs "$probe"
  check 'its file gives it a packet socket' says 'packet socket: ok' kc logs "$probe"
  check 'it sees the processes of its node' says 'init of the node: pause' kc logs "$probe"
  check 'and their sockets' says 'sockets of the node: ok' kc logs "$probe"
  check 'it cannot write' says 'root file system: Read-only' kc logs "$probe"
done
check 'a file without the capability gives none' says 'packet socket: Operation not permitted' kc logs bare-probe
check 'the processes of one node are not those of the other' \
  is 1 sh -c "$TESTBED_ENTER node-1 ps -eo comm | grep -cx probe"

check 'a kubelet can be killed and started again' testbed kill kubelet-1
check 'its pods go on' says ' asked web-' asks host "http://$(address_of "$web_1"):8080"
check 'and it knows them' testbed start kubelet-1
check 'commands reach them' within 30 says ' asked web-' asks client http://web
check 'a node can lose its power' testbed kill node-2
check 'status says that it is gone' refuses 'not running' testbed status
check 'up starts it again' testbed up
check 'then all is ready' testbed status
check 'and its pods come back' within 60 says ' asked alone' asks alone http://127.0.0.1:8080
check 'and are found' within 30 everyone_answers client http://web

check "another's namespace is not taken" ip netns add "testbed-$second"
check 'but refused' refuses 'there is a network namespace' ./dev testbed up --name "$second" --node --no-kwok
check 'and left alone' ip netns delete "testbed-$second"
check 'a second testbed is killed while it comes up' killed_midway
inside=$(readlink "/proc/$(cut -d' ' -f1 "$other/pids/node-1")/ns/pid")
check 'it goes down all the same' ./dev testbed down --name "$second"
check 'with all of its processes' is 0 processes_in "$inside"
check 'the first is none the worse' testbed status

inside=$(readlink "/proc/$(cut -d' ' -f1 "$TESTBED_STATE/pids/node-1")/ns/pid")
check 'the first goes down' testbed down
check 'with all of its processes' is 0 processes_in "$inside"
check 'and with its state' test ! -e "$TESTBED_STATE"
check 'nothing is left' within 10 is '' remains
check 'the host is as before' host_is_as_before

echo "testbed: ok, $checks checks"
