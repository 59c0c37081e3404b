# shellcheck shell=bash
# The components: how each is started, and how it is known to be ready. To add one, give it a line in each of the
# functions here; those of nodes are in nodes.sh.
# shellcheck disable=SC2034 # The constants are for the other parts, too.

# name_components: all there can be with this many real nodes, and those that are wanted, in the order of their start.
name_components() {
  local node component
  COMPONENTS=(etcd apiserver controllers scheduler kwok)
  ((node_count == 0)) || COMPONENTS=(etcd apiserver forward controllers scheduler kwok)
  for ((node = 1; node <= node_count; node++)); do
    COMPONENTS+=("node-$node" "containerd-$node" "kubelet-$node" "kube-proxy-$node")
  done
  wanted=()
  for component in "${COMPONENTS[@]}"; do
    [[ -n ${without[$component]:-} ]] || wanted+=("$component")
  done
}

# Addresses inside the cluster. Without real nodes, only those are real that listen, all on loopback.
readonly SERVICE_CIDR=10.96.0.0/16
readonly KUBERNETES_SERVICE_IP=10.96.0.1
# The endpoint of the Service kubernetes: the API server accepts no loopback address here. Nothing listens there but
# with real nodes.
readonly ADVERTISED_IP=10.64.255.1
# Where KWOK takes the IPs of pods on nodes without podCIDR.
readonly SPARE_POD_CIDR=10.127.0.0/16

# A busy machine may need many times the usual 5 s.
readonly READY_SECONDS=90

# Lines of a log that are shown when its process has died.
readonly LOG_LINES=15

# Ports of one testbed, from its port base on; the last ones are in reserve.
readonly DEFAULT_PORT_BASE=26400
readonly PORTS=10
name_ports() {
  etcd_port=$port_base
  etcd_peer_port=$((port_base + 1))
  apiserver_port=$((port_base + 2))
  controllers_port=$((port_base + 3))
  scheduler_port=$((port_base + 4))
  kwok_port=$((port_base + 5))
}

ports_of() {
  case $1 in
    etcd) echo "$etcd_port $etcd_peer_port" ;;
    apiserver | forward) echo "$apiserver_port" ;;
    controllers) echo "$controllers_port" ;;
    scheduler) echo "$scheduler_port" ;;
    kwok) echo "$kwok_port" ;;
  esac
}

binary_of() {
  case $1 in
    apiserver) echo kube-apiserver ;;
    controllers) echo kube-controller-manager ;;
    scheduler) echo kube-scheduler ;;
    kubelet-*) echo kubelet ;;
    kube-proxy-*) echo kube-proxy ;;
    *) echo "$1" ;;
  esac
}

# Real nodes cannot reach the host, so the control plane is where they are.
is_in_network() {
  ((node_count > 0)) && [[ $1 != forward ]] && ! node_of "$1" >/dev/null
}

launch_component() {
  local command=() config way=() address=127.0.0.1
  if node_of "$1" >/dev/null; then
    launch_node_component "$1"
    return
  fi
  if is_in_network "$1"; then
    way=(nsenter --net="$(network_path)" --) address=0.0.0.0
  fi
  command=("${way[@]+"${way[@]}"}" "$(binary "$(binary_of "$1")")")
  case $1 in
    etcd)
      # Without fsync: this data need not outlive a power cut, and disks of CI machines are slow.
      launch etcd "${command[@]}" --name testbed --data-dir "$state/etcd" --unsafe-no-fsync --log-level warn \
        --quota-backend-bytes 8589934592 \
        --listen-client-urls "http://127.0.0.1:$etcd_port" --advertise-client-urls "http://127.0.0.1:$etcd_port" \
        --listen-peer-urls "http://127.0.0.1:$etcd_peer_port" \
        --initial-advertise-peer-urls "http://127.0.0.1:$etcd_peer_port" \
        --initial-cluster "testbed=http://127.0.0.1:$etcd_peer_port"
      ;;
    apiserver)
      # Many requests at once: tests with thousands of pods must not wait for each other. InternalDNS first: fake
      # nodes have it, and it leads to KWOK, whatever their InternalIP.
      launch apiserver "${command[@]}" --etcd-servers "http://127.0.0.1:$etcd_port" \
        --bind-address "$address" --secure-port "$apiserver_port" --advertise-address "$ADVERTISED_IP" \
        --tls-cert-file "$pki/server.crt" --tls-private-key-file "$pki/server.key" \
        --client-ca-file "$pki/ca.crt" --token-auth-file "$pki/tokens.csv" --authorization-mode Node,RBAC \
        --service-cluster-ip-range "$SERVICE_CIDR" --allow-privileged \
        --service-account-issuer https://kubernetes.default.svc.cluster.local \
        --service-account-key-file "$pki/service-accounts.pub" \
        --service-account-signing-key-file "$pki/service-accounts.key" \
        --requestheader-client-ca-file "$pki/ca.crt" --requestheader-allowed-names front-proxy \
        --requestheader-username-headers X-Remote-User --requestheader-group-headers X-Remote-Group \
        --requestheader-extra-headers-prefix X-Remote-Extra- \
        --proxy-client-cert-file "$pki/front-proxy.crt" --proxy-client-key-file "$pki/front-proxy.key" \
        --kubelet-client-certificate "$pki/apiserver.crt" --kubelet-client-key "$pki/apiserver.key" \
        --kubelet-preferred-address-types InternalDNS,InternalIP \
        --max-requests-inflight 2000 --max-mutating-requests-inflight 1000 --profiling=false
      ;;
    forward)
      launch forward "${command[@]}" "127.0.0.1:$apiserver_port" "$(network_path)" "127.0.0.1:$apiserver_port"
      ;;
    controllers)
      config=$pki/controllers.kubeconfig
      launch controllers "${command[@]}" --kubeconfig "$config" \
        --authentication-kubeconfig "$config" --authorization-kubeconfig "$config" \
        --bind-address 127.0.0.1 --secure-port "$controllers_port" \
        --tls-cert-file "$pki/server.crt" --tls-private-key-file "$pki/server.key" \
        --leader-elect=false --use-service-account-credentials --root-ca-file "$pki/ca.crt" \
        --service-account-private-key-file "$pki/service-accounts.key" \
        --cluster-signing-cert-file "$pki/ca.crt" --cluster-signing-key-file "$pki/ca.key" \
        --kube-api-qps 2000 --kube-api-burst 4000 --concurrent-deployment-syncs 20 --concurrent-replicaset-syncs 20 \
        --concurrent-service-endpoint-syncs 10
      ;;
    scheduler)
      config=$pki/scheduler.kubeconfig
      launch scheduler "${command[@]}" --kubeconfig "$config" \
        --authentication-kubeconfig "$config" --authorization-kubeconfig "$config" \
        --bind-address 127.0.0.1 --secure-port "$scheduler_port" \
        --tls-cert-file "$pki/server.crt" --tls-private-key-file "$pki/server.key" \
        --leader-elect=false --kube-api-qps 2000 --kube-api-burst 4000
      ;;
    kwok)
      local stages=testbed/kwok/stages.yaml
      if [[ -f $state/log/kwok.log ]]; then
        # The earlier one still holds the leases of its nodes, and this one would wait 40 s for them.
        kc delete leases --all --namespace kube-node-lease >/dev/null
        # Nor does it know yet which addresses are in use, and nothing tells when it does (stage pod-keep-address). So
        # new pods wait until it has been through all that run.
        sed 's/durationMilliseconds: 0}/durationMilliseconds: 3000}/' "$stages" >"$state/stages.yaml"
        stages=$state/stages.yaml
      fi
      local configs=(--config "$stages")
      for config in "$state"/kwok/*.yaml; do
        [[ ! -f $config ]] || configs+=(--config "$config")
      done
      launch kwok "${command[@]}" "${configs[@]}" --kubeconfig "$pki/kwok.kubeconfig" \
        --manage-all-nodes=false --manage-nodes-with-annotation-selector kwok.x-k8s.io/node=fake \
        --cidr "$SPARE_POD_CIDR" --node-ip 127.0.0.1 --node-port "$kwok_port" \
        --server-address "127.0.0.1:$kwok_port" \
        --tls-cert-file "$pki/server.crt" --tls-private-key-file "$pki/server.key" --node-lease-duration-seconds 40
      ;;
  esac
}

is_ready() {
  pid_of "$1" >/dev/null || return 1
  if node_of "$1" >/dev/null; then
    is_node_component_ready "$1"
    return
  fi
  local way=()
  ! is_in_network "$1" || way=(nsenter --net="$(network_path)" --)
  case $1 in
    etcd) answers "http://127.0.0.1:$etcd_port/health" ;;
    apiserver | forward) answers "https://127.0.0.1:$apiserver_port/readyz" ;;
    controllers) answers "https://127.0.0.1:$controllers_port/healthz" ;;
    scheduler) answers "https://127.0.0.1:$scheduler_port/healthz" ;;
    kwok) answers "https://127.0.0.1:$kwok_port/healthz" ;;
  esac
}

# By the status alone: what is in the answer is nobody's business here. Asked from the namespace that `way` leads to.
answers() {
  "${way[@]+"${way[@]}"}" curl --silent --fail --output /dev/null --max-time 5 --noproxy '*' \
    --cacert "$pki/ca.crt" --cert "$pki/admin.crt" --key "$pki/admin.key" "$1"
}

# start COMPONENT…: all at once, those that do not run already. Fails with the end of the log of one that died.
start() {
  local component port
  for component in "$@"; do
    ! pid_of "$component" >/dev/null || continue
    for port in $(ports_of "$component"); do
      is_in_network "$component" || is_free "$port" ||
        fail "port $port, for $component, is taken by another process, perhaps of another testbed. Choose other ports: --port-base N, or --port-base auto"
    done
    launch_component "$component"
  done
  for component in "$@"; do
    wait_until "$component" is_ready "$component"
  done
}

# wait_until COMPONENT CONDITION…: gives up when the component has died, or in time.
wait_until() {
  local component=$1 deadline=$((SECONDS + READY_SECONDS))
  shift
  until "$@"; do
    if ! pid_of "$component" >/dev/null; then
      give_up "$component died. Its last words"
    elif ((SECONDS > deadline)); then
      give_up "$component was not ready within $READY_SECONDS s. Its last words"
    fi
    sleep 0.1
  done
}

give_up() {
  echo "testbed: $1:" >&2
  tail -n "$LOG_LINES" "$state/log/$component.log" >&2
  exit 1
}
