# demo [flags]: builds the portolan command and draws the map of a recorded shop
# shellcheck shell=bash

main() {
  need_rust
  cargo build --release --package cli --bin portolan
  exec "$target/release/portolan" demo "$@"
}
