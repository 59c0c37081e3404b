# shellcheck shell=bash
# The addresses of real nodes. Fake ones have 10.64.0.1 and up, and pods from 10.128.0.0 on.
# shellcheck disable=SC2034 # The constants are for the other parts.

# Two are enough for traffic between nodes; the machine that all share sets the bound.
readonly MAX_NODES=9

readonly REAL_POD_CIDR=10.126.0.0/16
readonly CLUSTER_DNS_IP=10.96.0.10

# Outside the cluster, reached from every pod, and by the name outside.example: RFC 5737 keeps it for documentation.
readonly OUTSIDE_IP=203.0.113.10

address_of() {
  echo "10.64.255.$((10 + $1))"
}

pods_of() {
  echo "10.126.$1.0/24"
}
