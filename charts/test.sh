#!/usr/bin/env bash
# The chart's own test: `./dev test --only chart`. With --render it needs no cluster. UPDATE_GOLDEN=1 writes what is
# rendered anew.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

root=$PWD
target=${CARGO_TARGET_DIR:-$root/target}
# shellcheck source=dev.d/needs.sh
source dev.d/needs.sh
# shellcheck source=testbed/build.sh
source testbed/build.sh
# shellcheck source=testbed/checks.sh
source testbed/checks.sh

# What is rendered may look different to other versions.
readonly KUBERNETES=1.35.4
readonly NAMESPACE=otterize-system

build helm
helm=$(binary helm)
work=$(mktemp -d)
bed=(--name "chart-$$")
clean_up() {
  rm -rf "$work"
  [[ -z ${TESTBED_STATE:-} ]] || ./dev testbed down "${bed[@]}" >/dev/null
}
trap clean_up EXIT
export HELM_CACHE_HOME=$work/cache HELM_CONFIG_HOME=$work/config HELM_DATA_HOME=$work/data

# render VALUES: without keys and certificates, which are others each time.
render() {
  "$helm" template network-mapper charts/portolan --namespace "$NAMESPACE" --kube-version "$KUBERNETES" --values "$1" |
    awk '
      /-----BEGIN CERTIFICATE-----/ { print "    (a certificate)"; skip = 1 }
      !skip { sub(/^  (ca.crt|tls.crt|tls.key): LS0t.*/, "  (a part of the certificate)"); print }
      /-----END CERTIFICATE-----/ { skip = 0 }'
}

# has_no_twins CASE: no key twice in one place, which YAML forbids and Helm takes.
has_no_twins() {
  awk '
    /^---/ { delete seen }
    match($0, /^ *(- )?[A-Za-z.\/-]+:( |$)/) {
      key = substr($0, 1, RLENGTH); indent = match(key, /[^ ]/)
      for (place in seen) if (seen[place] > indent) delete seen[place]
      if (key ~ /^ *- /) for (place in seen) if (seen[place] > indent - 1) delete seen[place]
      sub(/:.*/, "", key); sub(/- /, "  ", key); indent = match(key, /[^ ]/)
      if (key in seen) { print FILENAME ": twice:" key; bad = 1 }
      seen[key] = indent
    }
    END { exit bad }' "charts/tests/accepted/$1.golden"
}

# as_before CASE: rendered as its golden file.
as_before() {
  local golden=charts/tests/accepted/$1.golden
  render "charts/tests/accepted/$1.yaml" >"$work/rendered"
  if [[ -n ${UPDATE_GOLDEN:-} ]]; then
    cp "$work/rendered" "$golden"
  fi
  diff "$golden" "$work/rendered"
}

templates() {
  check "it passes helm's own checks" "$helm" lint --strict --quiet charts/portolan
  local values case
  for values in charts/tests/accepted/*.yaml; do
    case=$(basename "$values" .yaml)
    check "values are accepted: $case" "$helm" lint --strict --quiet --values "$values" charts/portolan
    check "they are rendered as before: $case" as_before "$case"
    check "no key stands twice: $case" has_no_twins "$case"
  done
  for values in charts/tests/refused/*.yaml; do
    case=$(basename "$values" .yaml)
    check "values are refused: $case" refuses "$(cat "charts/tests/refused/$case.txt")" render "$values"
  done
  check 'the rules are found' says tokenreviews rules_of_all default
  check 'no right is a wildcard, and none is for Secrets' lacks '"\*"\|secrets' rules_of_all default everything secret
  check 'no right is to run commands in pods' lacks 'pods/exec' rules_of_all default everything replaced secret
  check 'but where it is told' says 'pods/exec' rules_of_all open
}

lacks() {
  ! "${@:2}" | grep -n -- "$1"
}

# The rules of roles, as they are rendered.
rules_of_all() {
  local case
  for case in "$@"; do
    awk '/^rules:/ { inside = 1 } /^---/ { inside = 0 } inside' "charts/tests/accepted/$case.golden"
  done
}

# applies CASE: the API server takes every object, with its own checks.
applies() {
  "$helm" template network-mapper charts/portolan --namespace "$NAMESPACE" --kube-version "$KUBERNETES" \
    --values "charts/tests/accepted/$1.yaml" --no-hooks | kc create --dry-run=server --filename -
}

release() {
  "$helm" "$@" --namespace "$NAMESPACE"
}

field() {
  kc get "$1" --namespace "$NAMESPACE" --output "jsonpath=$2"
}

certificate() {
  field secret/otterize-network-mapper-tls '{.data.tls\.crt}'
}

# The objects that have a label of ours, or that Helm made, by kind and name.
objects() {
  kc get all,secrets,configmaps,serviceaccounts,roles,rolebindings,persistentvolumeclaims,networkpolicies \
    --namespace "$NAMESPACE" --selector app.kubernetes.io/managed-by=Helm --output name
  kc get clusterroles,clusterrolebindings --selector app.kubernetes.io/managed-by=Helm --output name
}

in_a_cluster() {
  local values case service selector made uid='{.metadata.uid}'
  ./dev testbed up "${bed[@]}" --port-base auto >/dev/null
  ./dev testbed nodes 2 "${bed[@]}" >/dev/null
  eval "$(./dev testbed env "${bed[@]}")"
  for case in "$NAMESPACE" kafka streams shop; do
    kc create namespace "$case" >/dev/null
  done
  check 'kinds of others are there' kc create --filename charts/tests/definitions.yaml
  check 'and served' kc wait --for condition=Established --all customresourcedefinitions --timeout 30s
  for values in charts/tests/accepted/*.yaml; do
    case=$(basename "$values" .yaml)
    check "the API server takes what is rendered: $case" within 10 applies "$case"
  done

  check 'the installation names what has no effect' says 'global.telemetry: no telemetry is ever sent' \
    release install dry charts/portolan --dry-run=server --values charts/tests/accepted/replaced.yaml \
    --set global.telemetry.enabled=true
  check 'what is replaced is installed' release install network-mapper charts/tests/replaced --wait --timeout 60s \
    --values charts/tests/accepted/replaced.yaml
  service=$(field service/otterize-network-mapper "$uid")
  selector=$(field deployment/otterize-network-mapper '{.spec.selector}')
  check 'values of the replaced chart are not taken along with its images' \
    refuses 'is an image of the replaced network mapper' \
    release upgrade network-mapper charts/portolan --reuse-values
  # As docs/migrating.md says.
  release get values network-mapper --output yaml >"$work/values.yaml"
  check 'an upgrade with its own values replaces it in place' \
    release upgrade network-mapper charts/portolan --reset-values --values "$work/values.yaml" --wait --timeout 60s
  check 'there is a way back' release rollback network-mapper --wait --timeout 60s
  check 'to its image' is otterize/network-mapper:v3.0.19 \
    field deployment/otterize-network-mapper '{.spec.template.spec.containers[*].image}'
  check 'and forth again' release upgrade network-mapper charts/portolan --reset-values --wait --timeout 60s
  check 'the Service is the same' is "$service" field service/otterize-network-mapper "$uid"
  check 'the selector is the same' is "$selector" field deployment/otterize-network-mapper '{.spec.selector}'
  check 'the image is another' is portolan/portolan-mapper:0.1.0 \
    field deployment/otterize-network-mapper '{.spec.template.spec.containers[*].image}'
  check 'what is of no use any more is gone' refuses 'not found' field configmap/otterize-network-mapper-store "$uid"
  made=$(certificate)
  check 'a volume comes with the next upgrade' \
    release upgrade network-mapper charts/portolan --reset-values --set mapper.persistence.enabled=true
  check 'and pods follow one another' is Recreate field deployment/otterize-network-mapper '{.spec.strategy.type}'
  check 'the certificate stays' is "$made" certificate
  check 'without the volume they overlap again' \
    release upgrade network-mapper charts/portolan --reset-values --wait --timeout 60s
  check 'as the Deployment says' is RollingUpdate field deployment/otterize-network-mapper '{.spec.strategy.type}'
  check 'another domain makes another certificate' \
    release upgrade network-mapper charts/portolan --reset-values --set clusterDomain=corp.example
  check 'which is not the old one' test "$(certificate)" != "$made"
  check 'it is uninstalled' release uninstall network-mapper --wait --timeout 60s
  check 'and leaves the map behind' is persistentvolumeclaim/otterize-network-mapper-data objects
}

templates
[[ ${1:-} == --render ]] || in_a_cluster
echo "test result: ok. $checks passed"
