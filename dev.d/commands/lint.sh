# lint [--only STAGE]: format, lints, documentation, dependencies, lock files, length of files, lists of limits and metrics
# shellcheck shell=bash

readonly CARGO_DENY=0.20.2

# A file that is longer does more than one thing.
readonly MAX_CODE_LINES=600

# The advisory database is a git repository: a fetch that hangs must not hang the run.
readonly ADVISORIES_SECONDS=60

main() {
  need_rust
  begin lint "$@"
  stage format check_format
  stage scripts check_scripts
  stage lengths check_lengths
  stage locks check_locks
  stage trees check_trees
  stage limits check_page limits
  stage metrics check_page metrics
  stage clippy check_code
  stage docs env RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps ${CI:+--locked}
  stage deny check_dependencies
  finish
}

check_format() {
  cargo fmt --all --check
  cargo fmt --manifest-path fuzz/Cargo.toml --check
}

check_scripts() {
  local scripts=(dev .ci/run dev.d/*.sh dev.d/commands/*.sh testbed/*.sh testbed/node/*.sh testbed/envoy/bin/* charts/test.sh e2e/installed/*.sh) script
  for script in "${scripts[@]}"; do
    bash -n "$script"
  done
  if have shellcheck || apt_install shellcheck; then
    # SC2154: the scripts are parts of one, and use each other's variables.
    shellcheck --external-sources --exclude=SC2154 "${scripts[@]}"
  else
    note "shellcheck is not installed: the scripts were only parsed"
  fi
}

# Lines of code: neither blank nor comment, and before the file's unit tests.
check_lengths() {
  git ls-files -co --exclude-standard '*.rs' | xargs awk -v most="$MAX_CODE_LINES" '
    FNR == 1 { tests = 0 }
    /^#\[cfg\(test\)\]/ { tests = 1 }
    !tests && !/^[[:space:]]*(\/\/|$)/ { lines[FILENAME]++ }
    END {
      for (file in lines) {
        files++
        if (lines[file] > most) {
          print file ": " lines[file] " lines of code; at most " most ". Split it by what it does."
          long = 1
        }
      }
      print files + 0 " files, none longer than " most " lines of code" (long ? ", but those above" : "")
      exit long
    }'
}

# Both workspaces have a lock file, and a new dependency of one crate can change both. CI builds with --locked, so that
# what is forgotten here fails there.
check_locks() {
  local manifest status=0
  for manifest in Cargo.toml fuzz/Cargo.toml; do
    if cargo metadata --manifest-path "$manifest" --locked --format-version 1 >/dev/null; then
      echo "${manifest%.toml}.lock is up to date"
    else
      echo "${manifest%.toml}.lock is out of date. Run \`cargo fetch --manifest-path $manifest\`, and commit it."
      status=1
    fi
  done
  return "$status"
}

# The workspace has every feature; `portolan` alone does without those of a server.
check_code() {
  cargo clippy --workspace --all-targets ${CI:+--locked} -- -D warnings
  cargo clippy --package cli ${CI:+--locked} -- -D warnings
}

# The process with rights on every node, and what is built with coverage counters, must not have a Kubernetes client.
check_trees() {
  local status=0
  lacks_client Cargo.toml --package sniffer --features live || status=1
  lacks_client fuzz/Cargo.toml || status=1
  return "$status"
}

# lacks_client MANIFEST FLAG…
lacks_client() {
  local tree
  tree=$(cargo tree --edges normal --prefix none ${CI:+--locked} --manifest-path "$@")
  if grep -q '^kube ' <<<"$tree"; then
    echo "$*: depends on kube. \`cargo tree --manifest-path $* --invert kube\` shows how; see the features of cluster and mapper."
    return 1
  fi
  echo "$*: $(cut -d' ' -f1 <<<"$tree" | sort -u | grep -c .) crates, none of a Kubernetes client"
}

# check_page NAME: docs/NAME.md, which the function NAME of dev.d/NAME.sh makes from the code.
check_page() {
  # shellcheck source=/dev/null
  source "dev.d/$1.sh"
  "$1" | diff "docs/$1.md" - || {
    echo "docs/$1.md is out of date. Run ./dev $1, and commit it."
    return 1
  }
  echo "docs/$1.md is up to date"
}

check_dependencies() {
  need_tool cargo-deny "$CARGO_DENY"
  local deny=("$target/tools/bin/cargo-deny" deny)
  if timeout "$ADVISORIES_SECONDS" "${deny[@]}" fetch db >"$logs/advisories.log" 2>&1; then
    "${deny[@]}" check
  else
    note "the advisory database could not be fetched: known vulnerabilities were not checked"
    "${deny[@]}" check bans licenses sources
  fi
}
