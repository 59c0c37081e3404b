# shellcheck shell=bash
# Figures that a program prints become part of a document.

# table_of NAME: the table after `@part NAME`.
table_of() {
  awk -v wanted="$1" '
    /^@part / { inside = $2 == wanted }
    /^\|/ && inside'
}

# What it all was measured on.
machine() {
  echo "$(sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo | head -n 1), $(nproc) cores, $(
    awk '/MemTotal/ { printf "%.0f GiB", $2 / 1048576 }' /proc/meminfo
  ), Linux $(uname -r)"
}

load_average() {
  cut -d' ' -f1 /proc/loadavg
}
