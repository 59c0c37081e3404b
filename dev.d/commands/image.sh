# image [flags] [ROLE…]: container images of the built programs, without a container engine; ./dev image help
# shellcheck shell=bash

# Roles in the order of their images. A role is a package that has a program of this name.
readonly ROLES=(mapper sniffer kafka-watcher istio-watcher cli)

# The most bytes that a program may have: it is on every node, or it is pulled when the mapper must be back soon.
readonly -A LARGEST=([sniffer]=5000000 [mapper]=18000000)

# What programs call the folder of the repository, wherever it is.
readonly SOURCES=/portolan

cargo_home() {
  echo "${CARGO_HOME:-$HOME/.cargo}"
}

usage() {
  cat <<END
Usage: ./dev image [flags] [ROLE…]

Makes target/images/portolan-ROLE.tar for each role, and lists of what its programs are made of beside it. The archives
are OCI image layouts that docker load, ctr images import and skopeo (oci-archive:) take. The same programs give the same
bytes.

  ROLE                 one of: ${ROLES[*]} (default: all that are there)
  --arch LIST          amd64, arm64 or amd64,arm64 (default: this machine's)
  --repository NAME    what stands before the images' names (default: portolan)
  --output DIR         where they get to (default: target/images)
END
}

main() {
  local arches='' repository=portolan output=$target/images roles=()
  while [[ $# != 0 ]]; do
    case $1 in
      help | -h | --help) usage && return ;;
      --arch | --repository | --output)
        [[ -n ${2:-} ]] || wrong "$1 needs a value"
        case $1 in
          --arch) arches=${2//,/ } ;;
          --repository) repository=$2 ;;
          --output) case $2 in /*) output=$2 ;; *) output=$OLDPWD/$2 ;; esac ;;
        esac
        shift
        ;;
      -*) wrong "no flag $1" ;;
      *)
        [[ " ${ROLES[*]} " == *" $1 "* ]] || wrong "no role $1"
        [[ -d crates/$1 ]] || wrong "there is no program of role $1 yet"
        roles+=("$1")
        ;;
    esac
    shift
  done
  [[ ${#roles[@]} != 0 ]] || mapfile -t roles < <(roles_that_are_there)
  need_rust
  local arch role
  for arch in ${arches:-$(host_arch)}; do
    need_target "$arch"
    for role in "${roles[@]}"; do
      build_program "$role" "$arch" "$output/$arch"
    done
  done
  cargo build --package image --quiet ${CI:+--locked}
  for role in "${roles[@]}"; do
    pack "$role" "$repository" "$output"
  done
}

wrong() {
  echo "dev: $1; ./dev image help lists what there is" >&2
  exit 2
}

roles_that_are_there() {
  local role
  for role in "${ROLES[@]}"; do
    [[ ! -d crates/$role ]] || echo "$role"
  done
}

program_of() {
  case $1 in
    cli) echo portolan ;;
    *) echo "portolan-$1" ;;
  esac
}

host_arch() {
  case $(uname -m) in
    x86_64) echo amd64 ;;
    aarch64 | arm64) echo arm64 ;;
    *) missing "a machine of x86-64 or 64-bit ARM (this one is $(uname -m))" "give --arch amd64 or --arch arm64" ;;
  esac
}

# The name of an architecture among compilers.
machine_of() {
  case $1 in
    amd64) echo x86_64 ;;
    arm64) echo aarch64 ;;
    *) wrong "no architecture $1" ;;
  esac
}

triple_of() {
  echo "$(machine_of "$1")-unknown-linux-musl"
}

# What translates for an architecture: Rust's library, and a compiler for the C in ring and mimalloc. musl and not glibc:
# its licence is permissive, as all that is linked.
need_target() {
  local triple machine
  triple=$(triple_of "$1") machine=$(machine_of "$1")
  if have rustup && [[ ! -d $(rustc --print sysroot)/lib/rustlib/$triple ]]; then
    rustup target add "$triple" >&2
  fi
  if [[ $1 == "$(host_arch)" ]]; then
    need musl-gcc musl-tools
    return
  fi
  need "$machine-linux-gnu-gcc" "gcc-${machine//_/-}-linux-gnu" "libc6-dev-$1-cross"
  export "CC_${machine}_unknown_linux_musl=$machine-linux-gnu-gcc"
  export "CARGO_TARGET_${machine^^}_UNKNOWN_LINUX_MUSL_LINKER=rust-lld"
  need "qemu-$machine-static" qemu-user-static
}

# build_program ROLE ARCH FOLDER: it, and the list of what it is made of. Each package alone: together, cargo would give
# each the features of all.
build_program() {
  local role=$1 arch=$2 folder=$3 program triple flags emulator=()
  program=$(program_of "$role") triple=$(triple_of "$arch")
  flags="--remap-path-prefix=$root=$SOURCES --remap-path-prefix=$(cargo_home)/registry/src=/crates"
  echo "dev: building $program for $arch" >&2
  # The time is for parts in C that want to say when they were built (GCC manual, "Environment Variables Affecting GCC").
  SOURCE_DATE_EPOCH=0 RUSTFLAGS=$flags cargo build --profile image --target "$triple" --package "$role" --bin "$program" --quiet ${CI:+--locked}
  mkdir -p "$folder"
  cp "$target/$triple/image/$program" "$folder/$program"
  [[ $arch == "$(host_arch)" ]] || emulator=("qemu-$(machine_of "$arch")-static")
  is_fit "$folder/$program" "${LARGEST[$role]:-}" "${emulator[@]+"${emulator[@]}"}"
  list_materials "$role" "$triple" "$folder/$program"
}

# is_fit PROGRAM LARGEST EMULATOR…: it runs with nothing around it, knows its version and its flags, is not too large, and
# says neither when nor where it was built.
is_fit() {
  local program=$1 largest=$2 size said
  shift 2
  if LC_ALL=C readelf --program-headers "$program" | grep -q INTERP; then
    echo "dev: $program is not static: it wants a loader" >&2
    return 1
  fi
  said=$("$@" "$program" --version)
  [[ $said == "$(basename "$program") $(version)"* ]] || {
    echo "dev: $program --version says '$said', not $(version)" >&2
    return 1
  }
  "$@" "$program" --help | grep -q Usage || {
    echo "dev: $program --help shows no usage" >&2
    return 1
  }
  if LC_ALL=C grep -aoE '(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [ 0-9][0-9] 2[0-9]{3}' "$program" ||
    { [[ $root != "$SOURCES" ]] && grep -aoF "$root/" "$program"; } || grep -aoF "$(cargo_home)/" "$program"; then
    echo "dev: $program holds the day or the folder in which it was built: others would not get the same bytes" >&2
    return 1
  fi
  size=$(stat -c %s "$program")
  if [[ -n $largest ]] && ((size > largest)); then
    echo "dev: $program has $size bytes; at most $largest" >&2
    return 1
  fi
}

version() {
  sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml
}

# list_materials PACKAGE TRIPLE PROGRAM. Of the compiler come Rust's library and musl, of the version that is in it.
list_materials() {
  local rust
  rust=$(rustc --version | cut -d' ' -f2)
  cargo tree --package "$1" --target "$2" --edges normal,no-proc-macro --prefix depth --charset ascii \
    --format '{p}	{l}	{r}' ${CI:+--locked} >"$3.tree"
  cargo run --package image --quiet ${CI:+--locked} -- bom --tree "$3.tree" --lock Cargo.lock --program "$3" \
    --built-in "std=$rust=MIT OR Apache-2.0" --built-in "musl=$(musl_version "$2")=MIT" --output "$3.cdx.json"
  rm "$3.tree"
}

# Rust brings its own, and its archive says which.
musl_version() {
  LC_ALL=C grep --text --only-matching --max-count 1 '1\.2\.[0-9]\+' \
    "$(rustc --print sysroot)/lib/rustlib/$1/lib/self-contained/libc.a"
}

# Of the last change, so that the same sources give the same bytes.
epoch() {
  echo "${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}"
}

# pack ROLE REPOSITORY OUTPUT: of all architectures that are in OUTPUT and were built from these sources.
pack() {
  local role=$1 output=$3 program arch platforms=() capability=() archive
  program=$(program_of "$role") archive=$output/portolan-$role.tar
  for arch in ${arches:-$(host_arch)}; do
    platforms+=(--platform "$arch=$output/$arch")
  done
  [[ $role != sniffer ]] || capability=(--capability net_raw)
  "$target/debug/image" write --reference "$2/portolan-$role:$(version)" --program "$program" "${platforms[@]}" \
    "${capability[@]+"${capability[@]}"}" --label "version=$(version)" --label "title=$program" \
    --label licenses=Apache-2.0 --epoch "$(epoch)" --output "$archive"
  for arch in ${arches:-$(host_arch)}; do
    printf '%-24s %-5s program %10d bytes\n' "$2/portolan-$role:$(version)" "$arch" "$(stat -c %s "$output/$arch/$program")"
  done
  printf '%-24s %s, %d bytes, sha256 %s\n' '' "${archive#"$root/"}" "$(stat -c %s "$archive")" "$(sha256sum "$archive" | cut -c1-12)…"
}
