# shellcheck shell=bash
# Images without a registry: from files that are here, straight into containerd.

# image NAME FILE…: makes it, and gives it to all nodes.
image() {
  local image archive node
  require_owner
  ((node_count > 0)) || fail "testbed $name has no real node to give an image to: ./dev testbed up --node"
  image=$(tagged "$1")
  archive=$state/images/${image//[\/:]/-}.tar
  shift
  make_image "$archive" "$image" "$@"
  for ((node = 1; node <= node_count; node++)); do
    import_into "$node" "$archive"
  done
  echo "testbed $name: image $image, $(($(stat -c %s "$archive") / 1024)) KiB"
}

# import ARCHIVE…: images that are made already, to all nodes.
import() {
  local archive node
  require_owner
  ((node_count > 0)) || fail "testbed $name has no real node to give an image to: ./dev testbed up --node"
  for archive in "$@"; do
    archive=$(from_caller "$archive")
    [[ -f $archive ]] || fail "there is no archive $archive"
    for ((node = 1; node <= node_count; node++)); do
      import_into "$node" "$archive"
    done
  done
}

# Any tag but latest: then Kubernetes looks for it on the node first, and asks no registry.
tagged() {
  case ${1##*/} in
    *:*) echo "$1" ;;
    *) echo "$1:testbed" ;;
  esac
}

# import_into N ARCHIVE
import_into() {
  on_node "$1" ctr --namespace k8s.io images import - <"$2" >/dev/null ||
    fail "node-$1 did not take the image $2; what containerd said is above"
}

# make_image ARCHIVE NAME FILE…: of one layer. A FILE is a file, which gets to /, or FILE:/PATH; or a folder, whose
# contents do. The first file is what the image runs, and has the capabilities of --file-cap.
make_image() {
  local work
  mkdir -p "$(dirname "$1")"
  work=$(mktemp -d "$(dirname "$1")/work.XXXXXX")
  # Not in a condition: there, errexit would not hold inside.
  set +e
  (
    set -e
    umask 022
    mkdir "$work/root"
    chmod 755 "$work/root"
    fill_image "$work" "${@:3}"
    pack_image "$work" "$1" "$2"
  )
  local status=$?
  set -e
  rm -rf "$work"
  [[ $status == 0 ]] || exit "$status"
}

# fill_image WORK FILE…
fill_image() {
  local root=$1/root source path entrypoint=''
  shift
  for source in "$@"; do
    path=''
    if [[ $source == *:/* ]]; then
      path=${source##*:} source=${source%:*}
    fi
    source=$(from_caller "$source")
    [[ -e $source ]] || fail "there is no $source to make an image from"
    if [[ -d $source ]]; then
      mkdir -p "$root$path"
      cp -a "$source/." "$root$path"
      continue
    fi
    path=${path:-/$(basename "$source")}
    mkdir -p "$(dirname "$root$path")"
    cp -a --dereference "$source" "$root$path"
    entrypoint=${entrypoint:-$path}
  done
  if [[ -n $file_cap ]]; then
    [[ -n $entrypoint ]] || fail "--file-cap is for the first file, but there are only folders"
    setcap "$file_cap" "$root$entrypoint" || fail "setcap takes no '$file_cap'; it takes such as cap_net_raw+ep"
  fi
  echo "$entrypoint" >"$root/../entrypoint"
}

# pack_image WORK ARCHIVE NAME: in the form of `docker save`.
pack_image() {
  local work=$1 entrypoint digest config architecture
  entrypoint=$(cat "$work/entrypoint")
  # Extended attributes go into PAX headers: SCHILY.xattr.security.capability.
  tar --create --file "$work/layer.tar" --directory "$work/root" --format pax \
    --pax-option 'exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime' \
    --xattrs --xattrs-include security.capability --numeric-owner --owner 0 --group 0 --sort name --mtime @0 .
  digest=$(sha256sum "$work/layer.tar" | cut -d' ' -f1)
  case $(uname -m) in
    x86_64) architecture=amd64 ;;
    aarch64) architecture=arm64 ;;
    *) architecture=$(uname -m) ;;
  esac
  cat >"$work/config" <<END
{"architecture": "$architecture", "os": "linux",
 "config": {${entrypoint:+"\"Entrypoint\": [\"$entrypoint\"], "}"WorkingDir": "/", "Env": ["PATH=/bin:/sbin:/usr/bin:/usr/sbin"]},
 "rootfs": {"type": "layers", "diff_ids": ["sha256:$digest"]}}
END
  config=$(sha256sum "$work/config" | cut -d' ' -f1).json
  mv "$work/config" "$work/$config"
  echo "[{\"Config\": \"$config\", \"RepoTags\": [\"$3\"], \"Layers\": [\"layer.tar\"]}]" >"$work/manifest.json"
  tar --create --file "$2" --directory "$work" "$config" layer.tar manifest.json
}

# The images that every testbed with nodes has: what pods stand on, the cluster's DNS, and what tests run.
own_images() {
  local images=$state/images file_cap='' image node
  [[ $images/pause.tar -nt $TESTBED_BIN/pause ]] ||
    make_image "$images/pause.tar" pause:testbed "$TESTBED_BIN/pause"
  [[ $images/coredns.tar -nt $TESTBED_BIN/coredns ]] ||
    make_image "$images/coredns.tar" coredns:testbed "$TESTBED_BIN/coredns"
  [[ $images/busybox.tar -nt $(command -v busybox) ]] || busybox_image "$images/busybox.tar"
  for ((node = 1; node <= node_count; node++)); do
    for image in pause coredns busybox; do
      # A node keeps its images with its disk.
      [[ $state/node-$node/$image.imported -nt $images/$image.tar ]] || {
        import_into "$node" "$images/$image.tar"
        touch "$state/node-$node/$image.imported"
      }
    done
  done
}

# All of busybox, and a page that says who asked whom: `httpd -f -h /www`, `wget -qO- http://…/cgi-bin/who`.
busybox_image() {
  local root applet
  mkdir -p "$state/images"
  root=$(mktemp -d "$state/images/busybox.XXXXXX")
  (
    umask 022
    chmod 755 "$root"
    mkdir -p "$root"/{bin,etc,tmp,www/cgi-bin}
    chmod 1777 "$root/tmp"
    cp "$(command -v busybox)" "$root/bin/busybox"
    for applet in $(busybox --list); do
      [[ $applet == busybox ]] || ln -s busybox "$root/bin/$applet"
    done
    printf 'root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n' >"$root/etc/passwd"
    cp testbed/node/who.sh "$root/www/cgi-bin/who"
    chmod 755 "$root/www/cgi-bin/who"
  )
  make_image "$1" busybox:testbed "$root"
  rm -rf "$root"
}
