#!/usr/bin/env bash
# Inside a testbed's own network namespace: the segment that its nodes stand on, and the address of its API server.
# network.sh API_SERVER NODE_COUNT
set -euo pipefail

# shellcheck source=testbed/node/addresses.sh
source "$(dirname "${BASH_SOURCE[0]}")/addresses.sh"

ip link set lo up
ip address add "$OUTSIDE_IP/32" dev lo
ip link add nodes type bridge
ip address add "$1/24" dev nodes
ip link set nodes up
echo 1 >/proc/sys/net/ipv4/ip_forward
for ((node = 1; node <= $2; node++)); do
  ip route add "$(pods_of "$node")" via "$(address_of "$node")"
done
