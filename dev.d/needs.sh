# shellcheck shell=bash
# What the commands need on the machine: installed where that is possible, named with the remedy where it is not.

# Toolchains that rust-toolchain.toml names come by themselves where rustup is there.
need_rust() {
  need_compiler
  if ! have cargo && [[ -x $HOME/.cargo/bin/cargo ]]; then
    PATH=$HOME/.cargo/bin:$PATH
  fi
  if ! have cargo && ! apt_install rustup; then
    install_rustup
  fi
  local wanted found
  wanted=$(sed -n 's/^channel = "\(.*\)"/\1/p' rust-toolchain.toml)
  found=$(rustc --version 2>/dev/null | cut -d' ' -f2) || found=none
  if [[ $found != "$wanted" ]] && have rustup; then
    rustup toolchain install "$wanted" --profile minimal --component clippy,rustfmt >&2
  elif [[ $found != "$wanted" ]]; then
    missing "Rust $wanted (found: $found)" "install rustup (https://rustup.rs), which brings the version that is pinned here"
  fi
}

install_rustup() {
  need curl curl ca-certificates
  echo "dev: installing Rust with rustup" >&2
  curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs |
    sh -s -- -y --quiet --no-modify-path --profile minimal --default-toolchain none >&2 ||
    missing "Rust" "install rustup (https://rustup.rs)"
  PATH=$HOME/.cargo/bin:$PATH
}

# Rust links with cc; the fuzzer's runtime is C++.
need_compiler() {
  if ! have cc || ! have c++; then
    apt_install build-essential ||
      missing "a C and a C++ compiler (cc, c++)" "install your system's build tools, such as gcc and g++, or Xcode's"
  fi
}

# need COMMAND PACKAGE…
need() {
  local command=$1
  shift
  have "$command" || apt_install "$@" || missing "$command" "install the package $1"
}

# need_go VERSION: from 1.21 on, Go gets the version that a module wants by itself, unless that is forbidden.
need_go() {
  local least=$1
  if ! have go && [[ -x /usr/local/go/bin/go ]]; then
    PATH=/usr/local/go/bin:$PATH
  fi
  have go || apt_install golang-go || true
  if have go && [[ $(go env GOTOOLCHAIN) == auto ]]; then
    least=1.21
  fi
  if ! have go || ! printf '%s\n' "go$least" "$(go env GOVERSION)" | sort -VC; then
    missing "Go $1 (found: $(go version 2>/dev/null || echo none))" "install it from https://go.dev/dl"
  fi
}

# A tool from crates.io, kept under target/: need_tool NAME VERSION. A debug build starts a second later, and is
# there minutes sooner.
need_tool() {
  local name=$1 version=$2
  if [[ $("$target/tools/bin/$name" --version 2>/dev/null) != *" $version" ]]; then
    echo "dev: installing $name $version into target/tools" >&2
    CARGO_TARGET_DIR=$target/tools/build cargo install "$name" --version "$version" --locked --debug \
      --root "$target/tools" --quiet ||
      missing "$name $version" "cargo install $name --version $version --locked --root target/tools"
    rm -rf "$target/tools/build"
  fi
}

have() {
  command -v "$1" >/dev/null
}

# Fails where there is no apt-get, or no right to use it without a question.
apt_install() {
  have apt-get || return 1
  local as_root=()
  if [[ $(id -u) != 0 ]]; then
    have sudo && sudo -n true 2>/dev/null || return 1
    as_root=(sudo -n)
  fi
  echo "dev: installing $* with apt-get" >&2
  export DEBIAN_FRONTEND=noninteractive
  "${as_root[@]+"${as_root[@]}"}" apt-get update -qq >&2 &&
    "${as_root[@]+"${as_root[@]}"}" apt-get install -y -qq --no-install-recommends "$@" >&2
}

missing() {
  echo "dev: $1 is missing and could not be installed. To go on: $2." >&2
  exit 1
}
