# shellcheck shell=bash
# The fuzz targets, on stable Rust: how they are built and run. Their flags are in fuzz/.cargo/config.toml.

# In `./dev test`: enough to find what breaks at once, the same inputs on every run.
readonly BRIEF_RUNS=100000
readonly BRIEF_SECONDS=10

# One input that takes longer, or needs more memory, is a finding: real ones take microseconds.
readonly INPUT_SECONDS=20
readonly MEMORY_MIB=1024

fuzz_targets() {
  basename -s .rs fuzz/targets/*.rs
}

fuzz_build() {
  # From its folder, where its flags are; RUSTFLAGS of the caller would replace them.
  (cd fuzz && env -u RUSTFLAGS CARGO_TARGET_DIR="$target/fuzz" cargo build --release ${CI:+--locked})
}

# fuzz_run TARGET FLAG-OR-FOLDER-OR-FILE…
fuzz_run() {
  local name=$1 host
  shift
  host=$(rustc -vV | sed -n 's/^host: //p')
  mkdir -p "$target/fuzz/findings/$name"
  "$target/fuzz/$host/release/$name" -artifact_prefix="$target/fuzz/findings/$name/" \
    -timeout="$INPUT_SECONDS" -rss_limit_mb="$MEMORY_MIB" "$@"
}

# Every target whose name holds the filter: the seeds, then a bounded number of changes to them.
fuzz_briefly() {
  local names name runs status=0 corpus=$target/fuzz/brief log
  names=$(fuzz_targets | grep -F -e "$1") || return 0
  fuzz_build
  for name in $names; do
    log=$logs/fuzz-$name.log
    # New inputs go into the first folder: an empty one, so that each run begins alike.
    rm -rf "$corpus"
    mkdir -p "$corpus"
    if fuzz_run "$name" -seed=1 -runs="$BRIEF_RUNS" -max_total_time="$BRIEF_SECONDS" -print_final_stats=1 \
      "$corpus" "fuzz/seeds/$name" >"$log" 2>&1; then
      runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
      echo "fuzz target $name: ok, ${runs:?the fuzzer did not say how much it did} inputs"
    else
      fuzz_finding "$name" "$log"
      status=1
    fi
  done
  return "$status"
}

# What broke, on which input (in base64 too, as a CI machine's files are soon gone), and how to try it again.
fuzz_finding() {
  local name=$1 log=$2 input
  grep -m 1 -A 3 -e 'panicked at' -e 'ERROR: libFuzzer' "$log" || tail -n 20 "$log"
  grep '^Base64: ' "$log" || true
  input=$(sed -n 's/.*Test unit written to //p' "$log")
  echo "fuzz target $name: FAILED; again: ./dev fuzz $name ${input#"$root/"} (its output: ${log#"$root/"})"
}
