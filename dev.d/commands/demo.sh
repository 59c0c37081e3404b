# demo [flags]: builds the portolan command, draws the map of a recorded shop, and opens it as a page
# shellcheck shell=bash

main() {
  need_rust
  cargo build --release --package cli --bin portolan
  local portolan=$target/release/portolan
  if [[ $# != 0 ]]; then
    exec "$portolan" demo "$@"
  fi
  "$portolan" demo
  local page=$target/demo.html
  "$portolan" demo --quiet --format html --output "$page"
  if ! opens "$page"; then
    echo "dev: there is no desktop to open a page on. The map to search and look around is ${page#"$root/"}." >&2
  fi
}

# opens FILE: in the browser of whoever sits here. Fails where nobody does.
opens() {
  if have open && [[ $(uname) == Darwin ]]; then
    open "$1"
  elif have xdg-open && [[ -n ${DISPLAY:-}${WAYLAND_DISPLAY:-} ]]; then
    xdg-open "$1" >/dev/null 2>&1
  else
    return 1
  fi
}
