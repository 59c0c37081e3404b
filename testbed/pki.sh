# shellcheck shell=bash
# Keys, certificates, tokens and kubeconfigs, made once for each state folder. Nothing here is worth stealing, but a
# machine has other users: tokens are random, and only the owner can read the folder.

make_pki() {
  local node
  pki=$state/pki
  [[ ! -f $pki/complete ]] || return 0
  rm -rf "$pki"
  mkdir -p "$pki"
  # Extensions are given with each certificate, and none comes from the machine's own configuration.
  printf '[req]\ndistinguished_name=dn\n[dn]\n' >"$pki/openssl.cnf"
  certificate ca /CN=testbed-ca basicConstraints=critical,CA:TRUE keyUsage=critical,keyCertSign,cRLSign
  # One for all that listens.
  certificate server /CN=testbed extendedKeyUsage=serverAuth \
    "subjectAltName=IP:127.0.0.1,IP:$ADVERTISED_IP,IP:$KUBERNETES_SERVICE_IP,DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local"
  certificate front-proxy /CN=front-proxy extendedKeyUsage=clientAuth
  certificate apiserver /O=system:masters/CN=apiserver extendedKeyUsage=clientAuth
  certificate admin /O=system:masters/CN=admin extendedKeyUsage=clientAuth
  certificate kwok /O=system:masters/CN=kwok extendedKeyUsage=clientAuth
  certificate controllers /CN=system:kube-controller-manager extendedKeyUsage=clientAuth
  certificate scheduler /CN=system:kube-scheduler extendedKeyUsage=clientAuth
  certificate kube-proxy /CN=system:kube-proxy extendedKeyUsage=clientAuth
  for ((node = 1; node <= node_count; node++)); do
    certificate "node-$node" "/O=system:nodes/CN=system:node:node-$node" extendedKeyUsage=clientAuth
  done
  openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$pki/service-accounts.key"
  openssl pkey -in "$pki/service-accounts.key" -pubout -out "$pki/service-accounts.pub"
  printf '%s,%s,%s,"%s"\n' \
    "$(openssl rand -hex 16)" token-admin token-admin system:masters \
    "$(openssl rand -hex 16)" nobody nobody nobodies >"$pki/tokens.csv"
  touch "$pki/complete"
}

# certificate NAME SUBJECT EXTENSION…: signed by the authority, but for its own.
certificate() {
  local name=$1 subject=$2 extension options=()
  shift 2
  [[ $name == ca ]] || options=(-CA "$pki/ca.crt" -CAkey "$pki/ca.key")
  for extension in "$@"; do
    options+=(-addext "$extension")
  done
  openssl req -x509 -config "$pki/openssl.cnf" -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 \
    -subj "$subject" "${options[@]}" -keyout "$pki/$name.key" -out "$pki/$name.crt" 2>"$pki/openssl.log" ||
    fail "openssl (3.0 or newer) could not make the certificate $name: $(tail -n 1 "$pki/openssl.log")"
}

# For people and tests beside the state, for components in pki.
write_kubeconfigs() {
  local component
  kubeconfig "$state/kubeconfig" "$(certificate_user admin)"
  kubeconfig "$state/kubeconfig-token" "token: $(token_of token-admin)"
  kubeconfig "$state/kubeconfig-nobody" "token: $(token_of nobody)"
  for component in controllers scheduler kwok; do
    kubeconfig "$pki/$component.kubeconfig" "$(certificate_user "$component")"
  done
  ((node_count > 0)) || return 0
  for component in kube-proxy $(seq --format 'node-%.0f' "$node_count"); do
    kubeconfig "$pki/$component.kubeconfig" "$(certificate_user "$component")" "$ADVERTISED_IP"
  done
}

certificate_user() {
  echo "client-certificate-data: $(base64 -w 0 "$pki/$1.crt"), client-key-data: $(base64 -w 0 "$pki/$1.key")"
}

token_of() {
  awk -F, -v user="$1" '$2 == user { print $1 }' "$pki/tokens.csv"
}

# kubeconfig FILE USER [ADDRESS]: self-contained, so that it may be copied elsewhere.
kubeconfig() {
  cat >"$1" <<END
apiVersion: v1
kind: Config
clusters:
- name: testbed
  cluster: {server: "https://${3:-127.0.0.1}:$apiserver_port", certificate-authority-data: $(base64 -w 0 "$pki/ca.crt")}
users:
- name: testbed
  user: {$2}
contexts:
- name: testbed
  context: {cluster: testbed, user: testbed}
current-context: testbed
END
}
