# lint [--only STAGE]: format, lints, documentation, dependencies, lock files, length of files
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
  stage clippy cargo clippy --workspace --all-targets ${CI:+--locked} -- -D warnings
  stage docs env RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps ${CI:+--locked}
  stage deny check_dependencies
  finish
}

check_format() {
  cargo fmt --all --check
  cargo fmt --manifest-path fuzz/Cargo.toml --check
}

check_scripts() {
  local scripts=(dev .ci/run dev.d/*.sh dev.d/commands/*.sh testbed/*.sh) script
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
