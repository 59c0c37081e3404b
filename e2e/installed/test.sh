#!/usr/bin/env bash
# The images and the chart on real nodes, as an operator has them: ./dev e2e. Takes the folder of the images.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

root=$PWD
target=${CARGO_TARGET_DIR:-$root/target}
images=$1
# shellcheck source=dev.d/needs.sh
source dev.d/needs.sh
# shellcheck source=testbed/build.sh
source testbed/build.sh
# shellcheck source=testbed/checks.sh
source testbed/checks.sh
# shellcheck source=e2e/installed/footprint.sh
source e2e/installed/footprint.sh
# shellcheck source=e2e/installed/tutorials.sh
source e2e/installed/tutorials.sh

readonly NAMESPACE=otterize-system
# Until new pods have been called, and what they did was reported and resolved.
readonly SOON=120
bed=(--name "installed-$$")
work=$(mktemp -d)
clean_up() {
  rm -rf "$work"
  ./dev testbed down "${bed[@]}" >/dev/null 2>&1 || true
}
trap clean_up EXIT
export HELM_CACHE_HOME=$work/cache HELM_CONFIG_HOME=$work/config HELM_DATA_HOME=$work/data

# The command line that is in the image, on this machine.
case $(uname -m) in
  x86_64) portolan=$images/amd64/portolan ;;
  *) portolan=$images/arm64/portolan ;;
esac
portolan=${PORTOLAN:-$portolan}

release() {
  "$(binary helm)" "$@" --namespace "$NAMESPACE"
}

# upgrade FLAG…: anew, from the chart's defaults.
upgrade() {
  release upgrade --install portolan charts/portolan --reset-values --wait --timeout "${SOON}s" "$@" &&
    kc rollout status daemonset/otterize-network-sniffer --namespace "$NAMESPACE" --timeout "${SOON}s"
}

restart_mapper() {
  kc rollout restart deployment/otterize-network-mapper --namespace "$NAMESPACE" &&
    kc rollout status deployment/otterize-network-mapper --namespace "$NAMESPACE" --timeout "${SOON}s"
}

shop() {
  sed '/^#/d' e2e/installed/shop.txt
}

# Each workload serves, and calls whom it calls again and again.
shop_objects() {
  local name servers server calls
  printf '%s\n' 'apiVersion: v1' 'kind: Namespace' 'metadata: {name: shop}'
  while read -r name servers; do
    calls=''
    for server in $servers; do
      calls+="wget -qO- http://$server/cgi-bin/who; "
    done
    cat <<END
---
apiVersion: v1
kind: Service
metadata: {name: $name, namespace: shop}
spec: {selector: {app: $name}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: $name, namespace: shop}
spec:
  selector: {matchLabels: {app: $name}}
  template:
    metadata: {labels: {app: $name}}
    spec:
      terminationGracePeriodSeconds: 0
      automountServiceAccountToken: false
      containers:
        - name: $name
          image: busybox:testbed
          imagePullPolicy: Never
          command: [sh, -c, "httpd -p 8080 -h /www; while :; do ${calls}sleep 1; done"]
END
  done < <(shop)
}

# The truth, as the list is printed.
truth() {
  local name servers
  shop | sort | while read -r name servers; do
    [[ -n $servers ]] || continue
    echo "$name in namespace shop calls:"
    echo " - ${servers// /$'\n' - }"
  done
}

# Functions that are checked stop at the first failure by `&&`: errexit does not hold in them.

# The list has the truth, and nothing else.
list_is_true() {
  diff <(truth) <("$portolan" list --namespaces shop)
}

# The same as the operators' documents: every workload that calls, and how many targets in all.
export_is_true() {
  local documents
  documents=$("$portolan" export -o clientintents --namespaces shop) &&
    is "$(shop | awk 'NF > 1 { print $1 }' | sort)" clients <<<"$documents" &&
    is "$(shop | awk '{ calls += NF - 1 } END { print calls }')" grep -c '^ *- kubernetes:' <<<"$documents"
}

clients() {
  sed -n '/^metadata:/,/^spec:/s/^  name: //p' | sort
}

# Every node reports, and nothing waits for ever.
status_is_whole() {
  local node said
  said=$("$portolan" status) || return 1
  for node in $TESTBED_NODES; do
    grep -q "^$node .* ago " <<<"$said" || {
      echo "$node is not in: $said"
      return 1
    }
  done
}

sniffer() {
  kc get pods --namespace "$NAMESPACE" --selector app=otterize-network-sniffer --output 'jsonpath={.items[0].metadata.name}'
}

# may ACCOUNT VERB RESOURCE…: what the API server says of its rights.
may() {
  local account=$1
  shift
  kc auth can-i "$@" --as "system:serviceaccount:$NAMESPACE:$account" || true
}

# What the mapper says to somebody who comes over the network, without TLS and without a token. Not to one of the shop:
# who asks calls, and is on the map.
asked_from_a_pod() {
  kc exec stranger -- \
    wget -qO- "http://otterize-network-mapper.$NAMESPACE:9090/query?query=%7Bintents%7Bclient%7Bname%7D%7D%7D"
}

scale_shop() {
  kc scale deployment --all --replicas "$1" --namespace shop &&
    { [[ $1 != 0 ]] || kc wait --for=delete pod --all --namespace shop --timeout "${SOON}s"; }
}

# With the Kafka watcher, which reads the broker of the tutorial.
readonly kafka=(--set kafkawatcher.enable=true --set 'kafkawatcher.kafkaServers={kafka-0.kafka}')

# A volume of node-1, as an administrator would give one.
volume() {
  ./dev testbed enter node-1 "${bed[@]}" -- mkdir -p /var/lib/map &&
    kc create --filename - <<END
apiVersion: v1
kind: PersistentVolume
metadata: {name: map}
spec:
  capacity: {storage: 2Gi}
  accessModes: [ReadWriteOnce]
  persistentVolumeReclaimPolicy: Retain
  local: {path: /var/lib/map}
  nodeAffinity:
    required: {nodeSelectorTerms: [{matchExpressions: [{key: kubernetes.io/hostname, operator: In, values: [node-1]}]}]}
END
}

never_restarted() {
  is 0 sums_up kc get pods --namespace "$NAMESPACE" \
    --output 'jsonpath={range .items[*].status.containerStatuses[*]}{.restartCount}{"\n"}{end}'
}

# sums_up COMMAND…: of the numbers that it prints.
sums_up() {
  "$@" | awk '{ sum += $1 } END { print sum + 0 }'
}

left_behind() {
  kc get all,secrets,configmaps,serviceaccounts,roles,rolebindings,persistentvolumeclaims --namespace "$NAMESPACE" \
    --selector app.kubernetes.io/part-of=otterize --output name
  kc get clusterroles,clusterrolebindings --selector app.kubernetes.io/part-of=otterize --output name
}

./dev testbed up "${bed[@]}" --port-base auto --nodes 2 --no-kwok
eval "$(./dev testbed env "${bed[@]}")"
check 'containerd takes the images' ./dev testbed import "$images"/portolan-*.tar "${bed[@]}"
kc create namespace "$NAMESPACE" >/dev/null
kc label namespace "$NAMESPACE" pod-security.kubernetes.io/enforce=privileged >/dev/null

check 'helm install' upgrade
check 'helm test: a sniffer can do its job, and the mapper takes its reports' \
  release test portolan --timeout "${SOON}s"
check 'idle, no program takes more memory than its pod asks for' footprint
cat "$work/footprint"
rights_table
check 'the sniffer is not root' says '65532' kc get pod "$(sniffer)" --namespace "$NAMESPACE" \
  --output 'jsonpath={.spec.securityContext.runAsUser} {.spec.containers[0].securityContext.capabilities.add}'
check 'the sniffer may do nothing in the cluster' is no may otterize-network-sniffer get pods --all-namespaces
check 'the mapper may watch pods' is yes may otterize-network-mapper watch pods --all-namespaces
for what in 'get secrets' 'list configmaps' 'create pods/exec' 'patch deployments' 'get widgets.example.com'; do
  # shellcheck disable=SC2086 # two words
  check "the mapper may not $what" is no may otterize-network-mapper $what --all-namespaces
done

shop_objects >"$work/shop.yaml"
check 'a shop opens' kc create --filename "$work/shop.yaml"
check 'and is there' kc wait --for condition=Available deployment --all --namespace shop --timeout "${SOON}s"
check 'the list is the truth' within "$SOON" list_is_true
check 'so is what is exported' export_is_true
check 'the status knows both nodes' within "$SOON" status_is_whole
check 'a stranger comes' kc run stranger --image busybox:testbed --image-pull-policy Never --command -- sleep 3600
check 'and stays' kc wait --for condition=Ready pod/stranger --timeout "${SOON}s"
check 'who comes without a token gets no list' refuses '403' asked_from_a_pod

check 'the mapper starts anew' restart_mapper
check 'the list is the truth again' within "$SOON" list_is_true
check 'all pods of the shop are others' kc delete pods --all --namespace shop
check 'the list is the truth still' within "$SOON" list_is_true

check 'a volume' volume
check 'an upgrade puts the map onto it' upgrade --set mapper.persistence.enabled=true
check 'the list is the truth' within "$SOON" list_is_true
check 'the shop closes' scale_shop 0
check 'the mapper starts anew' restart_mapper
check 'the map is that of the volume' within "$SOON" list_is_true
check 'the shop opens again' scale_shop 1

check 'an upgrade to more rights' upgrade --set mapper.persistence.enabled=true --set sniffer.profile=full
check 'what they add is there' release test portolan --timeout "${SOON}s"
check 'the list is the truth' within "$SOON" list_is_true
# The Istio watcher is there since the first installation, and no pod has a sidecar.
check 'no program was started again' never_restarted

kafka_image
envoy_image
broker_objects >"$work/broker.yaml"
istio_objects >"$work/istio.yaml"
check 'a broker of Kafka, and an Envoy' kc create --filename "$work/broker.yaml" --filename "$work/istio.yaml"
check 'the broker is there' kc rollout status statefulset/kafka --namespace kafka --timeout "${SOON}s"
check 'it has topics' make_topics
kafka_clients >"$work/clients.yaml"
check 'it has clients' kc create --filename "$work/clients.yaml"
check 'an upgrade follows its log' upgrade "${kafka[@]}"
for tutorial in "$KAFKA_TUTORIAL" "$ISTIO_TUTORIAL"; do
  check "the list is that of $tutorial" within "$SOON" listed "$tutorial"
  check 'so is what is exported' within "$SOON" exported "$tutorial"
done
check 'the Kafka watcher may get logs there' is yes may otterize-kafka-watcher get pods/log --namespace kafka
check 'and nowhere else' is no may otterize-kafka-watcher get pods/log --namespace shop
check 'it keeps how far it was' within "$SOON" kc get configmap portolan-kafka-watcher --namespace "$NAMESPACE"
check 'the Istio watcher may watch pods' is yes may otterize-istio-watcher watch pods --all-namespaces
check 'and run nothing in them' is no may otterize-istio-watcher create pods/exec --all-namespaces
check 'the list of the shop is the truth' within "$SOON" list_is_true
check 'the tutorials end' kc delete namespace kafka "$KAFKA_TUTORIAL" "$ISTIO_TUTORIAL" --timeout "${SOON}s"

check 'helm uninstall' release uninstall portolan --wait --timeout "${SOON}s"
check 'what is left behind is the map' within "$SOON" is persistentvolumeclaim/otterize-network-mapper-data left_behind

# As docs/migrating.md says. Images of what is replaced are not here, so that its pods do not start.
check 'what is replaced is there' release install network-mapper charts/tests/replaced --values e2e/installed/replaced.yaml
release get values network-mapper --output yaml >"$work/values.yaml"
check 'an upgrade with its own values' release upgrade network-mapper charts/portolan --reset-values \
  --values "$work/values.yaml" --wait --timeout "${SOON}s"
check 'helm test' release test network-mapper --timeout "${SOON}s"
check 'the list is the truth' within "$SOON" list_is_true
check 'helm rollback' release rollback network-mapper
check 'it is uninstalled too' release uninstall network-mapper --wait --timeout "${SOON}s"
check 'and leaves no more behind' within "$SOON" is persistentvolumeclaim/otterize-network-mapper-data left_behind
echo "test result: ok. $checks passed"
