#!/usr/bin/env bash
# The first process of a node, in namespaces of its own (network, mounts, processes, host name). It makes the node look
# like a machine, then becomes its init. Whatever is mounted from here on is nobody else's, and ends with this process.
# init.sh NODE COUNT FOLDER BINARIES API_SERVER, with the network of the nodes on file descriptor 3
set -euo pipefail

# shellcheck source=testbed/node/addresses.sh
source "$(dirname "${BASH_SOURCE[0]}")/addresses.sh"
umask 022

main() {
  local node=$1 count=$2 folder=$3 binaries=$4 gateway=$5
  hostname "node-$node"
  folders "$folder" "$binaries"
  kernel_settings
  network "$node" "$count" "$gateway"
  exec 3<&-
  exec /run/bin/pause
}

# The paths are those of any node, the files are in the folder: two nodes on one machine share neither.
folders() {
  mount --make-rprivate /
  # Named namespaces of others would live as long as this node.
  awk '$2 ~ "^/run/netns" { print $2 }' /proc/mounts | sort -r | xargs -r umount --lazy
  mount -t tmpfs -o mode=755 tmpfs /run
  mkdir -p /run/{node,bin,lock} "$1"/{lib,log}
  mount --bind "$1" /run/node
  mount --bind "$2" /run/bin
  mount --bind /run/node/lib /var/lib
  mount --bind /run/node/log /var/log
  mount --make-rshared /
}

# The kubelet wants these for the whole machine, and sets what differs. Here it finds what it wants, and the machine
# keeps what it has.
kernel_settings() {
  local setting
  mkdir /run/settings
  for setting in vm/overcommit_memory=1 vm/panic_on_oom=0 kernel/panic=10 kernel/panic_on_oops=1 \
    kernel/keys/root_maxkeys=1000000 kernel/keys/root_maxbytes=25000000; do
    local path=${setting%=*}
    [[ -e /proc/sys/$path ]] || continue
    echo "${setting#*=}" >"/run/settings/${path//\//.}"
    mount --bind "/run/settings/${path//\//.}" "/proc/sys/$path"
  done
}

# One cable to the segment of the nodes. Pods of other nodes are behind these, and see this one's with their own
# addresses; the outside sees the node's.
network() {
  local node=$1 count=$2 gateway=$3 other
  ip link set lo up
  # An earlier life of this node may have left its end of the cable.
  nsenter --net=/proc/self/fd/3 ip link delete "node-$node" 2>/dev/null || true
  ip link add eth0 type veth peer name "node-$node"
  ip link set "node-$node" netns /proc/self/fd/3
  nsenter --net=/proc/self/fd/3 ip link set "node-$node" master nodes up
  ip address add "$(address_of "$node")/24" dev eth0
  ip link set eth0 up
  ip route add default via "$gateway"
  for ((other = 1; other <= count; other++)); do
    [[ $other == "$node" ]] || ip route add "$(pods_of "$other")" via "$(address_of "$other")"
  done
  echo 1 >/proc/sys/net/ipv4/ip_forward
  iptables --table nat --append POSTROUTING --source "$REAL_POD_CIDR" ! --destination 10.0.0.0/8 --jump MASQUERADE
}

main "$@"
