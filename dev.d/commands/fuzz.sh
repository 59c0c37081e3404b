# fuzz [TARGET [SECONDS|FILE]]: looks for inputs that break a target (default: each, 60 s), or tries one input again
# shellcheck shell=bash

source dev.d/fuzzing.sh

main() {
  local name=${1:-} what=${2:-60} corpus
  if [[ -n $name && ! -f fuzz/targets/$name.rs ]]; then
    echo "dev: no fuzz target $name; there are: $(fuzz_targets | tr '\n' ' ')" >&2
    exit 2
  fi
  need_rust
  fuzz_build
  if [[ -f $what ]]; then
    fuzz_run "$name" "$what"
    return
  fi
  for name in ${name:-$(fuzz_targets)}; do
    # What was found interesting stays, and the next run begins there.
    corpus=$target/fuzz/corpus/$name
    mkdir -p "$corpus"
    echo "== fuzz: $name, $what s"
    fuzz_run "$name" -max_total_time="$what" "$corpus" "fuzz/seeds/$name"
  done
}
