# e2e [FOLDER]: images and chart on real nodes: install, list, restart, upgrade, uninstall; with the images of FOLDER, or new ones
# shellcheck shell=bash

main() {
  local images=${1:-}
  if [[ $EUID != 0 ]]; then
    echo "dev: real nodes need root: run this as root (sudo)" >&2
    exit 1
  fi
  if [[ -z $images ]]; then
    ./dev image
    images=$target/images
  fi
  case $images in /*) ;; *) images=$OLDPWD/$images ;; esac
  # shellcheck source=testbed/build.sh
  source testbed/build.sh
  build helm
  exec e2e/installed/test.sh "$images"
}
