# accuracy: simulates clusters with known truth for minutes, and writes docs/accuracy.md; ./dev test does a share
# shellcheck shell=bash

# shellcheck source=dev.d/figures.sh
source dev.d/figures.sh

main() {
  need_rust
  local out=$target/dev/accuracy
  mkdir -p "$out"
  cargo test --release ${CI:+--locked} --workspace --test accuracy --no-run
  local status=0
  cargo test --release ${CI:+--locked} --workspace --test accuracy -- --ignored --nocapture whole |
    tee "$out/log" || status=1
  # What is not true is not published.
  [[ $status == 0 ]] || return 1
  local part
  for part in RESULTS REFUSALS OUTSIDE SEEDS; do
    accuracy_part "$part" <"$out/log" >"$out/$part.md"
    [[ -s $out/$part.md ]] || {
      echo "dev: the run told nothing of $part: $out/log" >&2
      return 1
    }
  done
  fill_accuracy "$out" >docs/accuracy.md
  echo "wrote docs/accuracy.md"
}

# The lines of one part, without the empty ones around it.
accuracy_part() {
  awk -v wanted="$1" '
    /^@/ { inside = $1 == "@part" && $2 == wanted; next }
    inside && NF { print }'
}

fill_accuracy() {
  local out=$1
  awk -v date="$(date -u +%Y-%m-%d)" -v commit="$(git describe --always --dirty)" -v machine="$(machine)" \
    -v compiler="$(rustc --version)" -v seeds="$(cat "$out/SEEDS.md")" -v out="$out" '
    function file(name) { while ((getline line <(out "/" name ".md")) > 0) print line }
    /^@(RESULTS|REFUSALS|OUTSIDE)@$/ { gsub(/@/, ""); file($0); next }
    { gsub(/@DATE@/, date); gsub(/@COMMIT@/, commit); gsub(/@MACHINE@/, machine); gsub(/@COMPILER@/, compiler) }
    { gsub(/@SEEDS@/, seeds); print }' dev.d/accuracy.template.md
}
