#!/usr/bin/env bash
# The testbed's own test, with testbeds of its own: ./dev testbed test. Its last line says how much was checked.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

first=smoke-$$
second=$first-b
# shellcheck source=testbed/checks.sh
source testbed/checks.sh

clean_up() {
  local each
  for each in "$first" "$second"; do
    ./dev testbed down --name "$each" >/dev/null 2>&1 || true
  done
}
trap clean_up EXIT

# testbed VERB…: of the first.
testbed() {
  ./dev testbed "$@" --name "$first"
}

# How many distinct addresses out of the nodes' ranges the running pods have.
pod_addresses() {
  kc get pods --selector app=web --field-selector status.phase=Running \
    --output jsonpath='{range .items[*]}{.status.podIP}{"\n"}{end}' | sort -u | grep -c '^10\.128\.[012]\.'
}

slice_addresses() {
  kc get endpointslices --selector kubernetes.io/service-name=web \
    --output jsonpath='{range .items[*].endpoints[?(@.conditions.ready==true)]}{.addresses[0]}{"\n"}{end}' |
    sort -u | grep -c .
}

# Processes that have the state folder in their command line. Not those of a testbed whose name is longer.
left_over() {
  local file
  for file in /proc/[0-9]*/cmdline; do
    ! tr '\0' ' ' 2>/dev/null <"$file" | grep -qF -e "$TESTBED_STATE/" || echo "$file"
  done | wc -l
}

check 'a testbed comes up' testbed up
eval "$(testbed env)"
check 'up again changes nothing' says 'is up already' testbed up
check 'status says that all is ready' testbed status
check 'fake nodes become ready' says 'has 2 fake nodes' testbed nodes 2
check 'more of them come to those that are there' says 'has 3 fake nodes' testbed nodes 3

check 'workloads are accepted' kc create --filename testbed/smoke.yaml
check 'three pods run, with addresses of their nodes' within 30 is 3 pod_addresses
check 'the EndpointSlice of the Service has three addresses' within 30 is 3 slice_addresses
check 'a Job completes' kc wait --for condition=Complete job/once --timeout 30s

check 'an administrator may come with a token' \
  says yes kc --kubeconfig "$TESTBED_STATE/kubeconfig-token" auth can-i delete pods
check 'a user without rights is refused' \
  refuses 'cannot list resource "pods"' kc --kubeconfig "$TESTBED_STATE/kubeconfig-nobody" get pods
check 'a service account is known by its token' \
  is 'system:serviceaccount:default:default portolan' review "$(kc create token default --audience portolan)"
check 'a token for another audience is not taken' \
  is ' ' review "$(kc create token default --audience other)"

check 'a second testbed comes up beside it' ./dev testbed up --name "$second" --no-scheduler --no-kwok
other=$(dirname "$TESTBED_STATE")/$second
check 'it has nothing of the first' says 'No resources found' kc --kubeconfig "$other/kubeconfig" get nodes
check "another's state is not started on" \
  refuses "belongs to the testbed '$second'" testbed up --state "$other"
check "another's state is not taken down" \
  refuses "belongs to the testbed '$second'" testbed down --state "$other"
check "another's ports are not taken" \
  refuses 'is taken by another process' ./dev testbed up --name "$first-c" --port-base "$TESTBED_PORT_BASE"
check 'what was refused left nothing behind' test ! -e "$(dirname "$TESTBED_STATE")/$first-c"
check "a folder with other files is not touched" \
  refuses "is no testbed's state" ./dev testbed up --name "$first-c" --state testbed

check 'the API server can be killed' testbed kill apiserver
check 'status says that it is gone' refuses 'not running' testbed status
check 'and started again' testbed start apiserver
check 'what it knew is still there' is 3 pod_addresses
check 'controllers find it again' kc scale deployment/web --replicas 5
check 'and go on' within 60 is 5 slice_addresses
check 'etcd can be stopped' testbed stop etcd
check 'and started again by up' testbed up
check 'then all is ready again' within 30 testbed status
testbed kill kwok >/dev/null
check 'KWOK can be killed and started again' testbed start kwok
check 'more pods are wanted' kc scale deployment/web --replicas 7
check 'and run at once, no two with the same address' within 20 is 7 pod_addresses
check 'a component can be paused' testbed signal controllers STOP
check 'and go on' testbed signal controllers CONT

# As if the scheduler had died, and another process had got its number.
testbed stop scheduler
sleep 300 &
stranger=$!
echo "$stranger 1 another-boot" >"$TESTBED_STATE/pids/scheduler"
check 'a process that only has the number of ours is not killed' refuses 'does not run' testbed kill scheduler
check 'the first goes down' testbed down
check 'the stranger still runs' kill -0 "$stranger"
kill "$stranger"
check 'nothing of the first runs' is 0 left_over
check 'nor is its state left' test ! -e "$TESTBED_STATE"
check 'the second is none the worse' ./dev testbed status --name "$second"
check 'the second goes down' ./dev testbed down --name "$second"
check 'down again is no error' says 'is not up' ./dev testbed down --name "$second"
TESTBED_STATE=$other
check 'nothing of the second runs' is 0 left_over

echo "testbed: ok, $checks checks"
