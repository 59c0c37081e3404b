# shellcheck shell=bash
# docs/limits.md, made from the code.

limits() {
  cat <<'TEXT'
# Limits

Every table, queue, request and wait has a bound. This page is made from the code by `./dev limits`; lint says when it
is out of date. Whatever finds no room is refused or makes room for something newer, and is counted: see the metrics
of each process. Settings are not listed here: `portolan-mapper --help` tells them with their defaults.

TEXT
  git ls-files -co --exclude-standard 'crates/*/src/*.rs' | grep -v '^crates/testkit/' | LC_ALL=C sort |
    xargs awk -f dev.d/limits.awk
}
