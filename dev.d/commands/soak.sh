# soak [KILLS [EDGES]]: kills the mapper 1 000 times under load, measures the store, and writes docs/reliability.md
# shellcheck shell=bash

source dev.d/figures.sh
source dev.d/tests.sh
source dev.d/e2e.sh

main() {
  need_rust
  local kills=${1:-1000} edges=${2:-1000000} out=$target/dev/soak
  rm -rf "$out"
  mkdir -p "$out"
  cargo test -p mapper ${CI:+--locked} --test it --no-run
  cargo build --release -p mapper ${CI:+--locked} --bin portolan-mapper
  cargo test --release -p mapper ${CI:+--locked} --test reliability --no-run

  # In this process: every step of the file, wrong bits, faults of the disk, jumps of the clock.
  cargo test -p mapper ${CI:+--locked} --test it -- --nocapture store:: 2>&1 | tee "$out/it.log"
  PORTOLAN_SOAK_DIR=$out PORTOLAN_EDGES=$edges cargo test --release -p mapper ${CI:+--locked} --test reliability -- \
    --ignored --nocapture whole 2>&1 | tee "$out/measured.log"
  # The built mapper.
  soak_built "$kills" "$out" 2>&1 | tee "$out/built.log"

  local part
  for part in RATES START; do
    soak_part "$part" <"$out/measured.log" >"$out/$part.md"
  done
  soak_counts "$kills" "$out" >"$out/COUNTS.md"
  fill_soak "$out" >docs/reliability.md
  # A map of a million edges is large.
  rm -rf "$out/reliability"
  echo "wrote docs/reliability.md"
}

# In a shell of its own: the testbed goes when it ends.
soak_built() (
  logs=$2
  export PORTOLAN_KILLS=$1 PORTOLAN_BIG_MAP=$2/reliability/again
  release=$target/release/portolan-mapper end_to_end store_
)

# The lines of one part.
soak_part() {
  awk -v wanted="$1" '
    /^@/ { inside = $1 == "@part" && $2 == wanted; next }
    inside { print }'
}

# soak_line NAME FILE: the numbers behind @NAME.
soak_line() {
  sed -n "s/^@$1 //p" "$2" | tail -n 1
}

soak_counts() {
  local kills=$1 out=$2 kept refused resets ends cuts aside bits bits_aside lives restart memory
  read -r kills kept refused resets <<<"$(soak_line kills "$out/built.log")"
  read -r restart memory <<<"$(soak_line restart "$out/built.log")"
  read -r ends <<<"$(soak_line ends "$out/it.log")"
  read -r cuts aside <<<"$(soak_line cuts "$out/it.log")"
  read -r bits bits_aside <<<"$(soak_line bits "$out/it.log")"
  read -r lives <<<"$(soak_line lives "$out/it.log")"
  cat <<ROWS
| what | how often | what came of it |
|---|---:|---|
| \`kill -9\` of the built mapper at a random moment under load, with resets in between | $(grouped "${kills:?}") | of $(grouped "${kept:?}") reports answered with \`true\` nothing was lost, nothing counted twice, nothing from before one of $(grouped "${resets:?}") resets came back; $(grouped "${refused:?}") were refused |
| the file cut off after every single step that was ever done to it: the process killed, or the machine without power, where only some of what was written since the last sync is there | $(grouped "${ends:?}") | nothing lost |
| random lives: reports, resets, kills, ends, pods that are known late | $(grouped "${lives:?}") | nothing lost, nothing twice; after an orderly end the map is equal |
| the file cut at every 4 096 bytes | $(grouped "${cuts:?}") | $(grouped "${aside:?}") set aside and told, the others whole |
| wrong bits at random places of the file | $(grouped "${bits:?}") | $(grouped "${bits_aside:?}") set aside and told, the others whole |
| start of the built mapper on the map of a kill, until it is ready | 1 | ${restart:?} s, ${memory:?} MiB of memory |
ROWS
}

# 1234567: 1 234 567.
grouped() {
  sed ':again; s/\B[0-9]\{3\}\>/ &/; t again' <<<"$1"
}

fill_soak() {
  local out=$1
  awk -v date="$(date -u +%Y-%m-%d)" -v commit="$(git describe --always --dirty)" -v machine="$(machine)" \
    -v compiler="$(rustc --version)" -v load="$(load_average)" \
    -v edges="$(grouped "$(soak_line edges "$out/measured.log")")" -v out="$out" '
    function file(name) { while ((getline line <(out "/" name ".md")) > 0) print line }
    /^@(COUNTS|RATES|START)@$/ { gsub(/@/, ""); file($0); next }
    { gsub(/@DATE@/, date); gsub(/@COMMIT@/, commit); gsub(/@MACHINE@/, machine); gsub(/@COMPILER@/, compiler) }
    { gsub(/@LOAD@/, load); gsub(/@EDGES@/, edges); print }' dev.d/reliability.template.md
}
