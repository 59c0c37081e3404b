# shellcheck shell=bash
# The Kafka and the Istio tutorial of the replaced system in small: a real broker with real clients, a real Envoy as
# sidecar.

# shellcheck source=testbed/kafka.sh
source testbed/kafka.sh

readonly KAFKA_TUTORIAL=otterize-tutorial-kafka-mapping
readonly ISTIO_TUTORIAL=otterize-tutorial-istio-mapping

# What a broker and its clients use of Java; java.desktop for events of Log4j.
readonly JAVA_MODULES=java.base,java.desktop,java.logging,java.management,java.naming,java.rmi,java.security.jgss,java.security.sasl,java.xml,jdk.management,jdk.unsupported

# Of the programs and libraries FILE…: what they load, as FILE:/PATH of an image.
libraries_of() {
  ldd "$@" | grep -o '/[^ ]*' | sort -u | while read -r library; do
    [[ $library == "$target"/* ]] || [[ $library == *: ]] || echo "$(readlink -f "$library"):$library"
  done
}

# A Java with no more than that is in the image, and not the machine's with its 260 MB.
need_java() {
  local java=$KAFKA/java stamp
  stamp="$(javac -version 2>&1) $JAVA_MODULES"
  [[ $(cat "$java.stamp" 2>/dev/null) != "$stamp" ]] || return 0
  rm -rf "$java"
  nice jlink --add-modules "$JAVA_MODULES" --strip-debug --no-header-files --no-man-pages --output "$java"
  echo "$stamp" >"$java.stamp"
}

# kafka:testbed, the broker of testbed/kafka/broker.sh and the client beside it.
kafka_image() {
  local root=$work/kafka applet libraries
  need_kafka
  need_java
  mkdir -p "$root"/{bin,kafka/4.1,tmp}
  cp -r --reflink=auto "$KAFKA/java" "$root/java"
  cp -r --reflink=auto "$KAFKA/4.1.jars" "$KAFKA/client" testbed/kafka/broker.sh "$root/kafka/"
  cp testbed/kafka/4.1/log4j2.yaml "$root/kafka/4.1/"
  cp "$(command -v bash)" "$(command -v busybox)" "$root/bin/"
  for applet in cat dirname mkdir sh sleep; do
    ln -s busybox "$root/bin/$applet"
  done
  ln -s /java/bin/java "$root/bin/java"
  mapfile -t libraries < <(libraries_of "$(command -v bash)" "$KAFKA"/java/bin/java \
    "$KAFKA"/java/lib/lib{java,net,nio,zip}.so "$KAFKA"/java/lib/server/libjvm.so)
  ./dev testbed image kafka "$root" "${libraries[@]}" "${bed[@]}"
  rm -rf "$root"
}

# envoy:testbed, the binary that the tests of the Istio watcher have too.
envoy_image() {
  local libraries
  ./dev testbed envoy
  mapfile -t libraries < <(libraries_of "$TESTBED_BIN/envoy")
  ./dev testbed image envoy "$TESTBED_BIN/envoy" "${libraries[@]}" "${bed[@]}"
}

# client_java USER: its command, which reads what to do.
client_java() {
  echo "java -Xmx96m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Dlog4j2.level=OFF -cp '/kafka/client:/kafka/4.1.jars/*' Client $1"
}

broker_objects() {
  cat <<END
apiVersion: v1
kind: Namespace
metadata: {name: kafka}
---
apiVersion: v1
kind: Service
metadata: {name: kafka, namespace: kafka}
spec: {clusterIP: None, selector: {app: kafka}, ports: [{port: 9092}]}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: kafka, namespace: kafka}
spec:
  serviceName: kafka
  selector: {matchLabels: {app: kafka}}
  template:
    metadata: {labels: {app: kafka}}
    spec:
      terminationGracePeriodSeconds: 0
      automountServiceAccountToken: false
      containers:
        - name: kafka
          image: kafka:testbed
          imagePullPolicy: Never
          env: [{name: POD_IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}]
          command: [bash, /kafka/broker.sh, kraft-4.1, /kafka/4.1.jars, /data, \$(POD_IP)]
          readinessProbe: {tcpSocket: {port: 9092}, periodSeconds: 2}
END
}

# In the broker's own pod, whose accesses are left out: nobody else calls for that.
make_topics() {
  local answers broker
  broker=$(kc get pod kafka-0 --namespace kafka --output 'jsonpath={.status.podIP}'):9092
  answers=$(kc exec --stdin kafka-0 --namespace kafka -- sh -c "$(client_java admin)" <<END
topics $broker mytopic transactions
allow $broker client READ GROUP my-group
allow $broker client READ TOPIC mytopic
allow $broker client DESCRIBE TOPIC transactions
allow $broker client-2 WRITE TOPIC mytopic
allow $broker client-2 DESCRIBE TOPIC transactions
END
  ) || return 1
  [[ $(uniq <<<"$answers") == 'done' ]] || {
    echo "$answers"
    return 1
  }
}

# The tutorial's two: one reads what the other writes, and both look for another topic.
kafka_clients() {
  local broker=kafka.kafka:9092
  printf '%s\n' 'apiVersion: v1' 'kind: Namespace' "metadata: {name: $KAFKA_TUTORIAL}"
  repeats "$KAFKA_TUTORIAL" client kafka "echo 'look $broker transactions'; echo 'consume $broker mytopic my-group 3'" \
    "$(client_java client)"
  repeats "$KAFKA_TUTORIAL" client-2 kafka "echo 'look $broker transactions'; echo 'produce $broker mytopic 3'" \
    "$(client_java client-2)"
}

# repeats NAMESPACE NAME IMAGE COMMANDS [READER]: a Deployment that does the same every few seconds.
repeats() {
  cat <<END
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: $2, namespace: $1}
spec:
  selector: {matchLabels: {app: $2}}
  template:
    metadata: {labels: {app: $2}}
    spec:
      terminationGracePeriodSeconds: 0
      automountServiceAccountToken: false
      containers:
        - name: $2
          image: $3:testbed
          imagePullPolicy: Never
          command:
            - sh
            - -c
            - |
              while :; do $4; sleep 5; done ${5:+| $5}
END
}

# Envoy answers by itself, and its configuration says who is who in place of Istio's: testbed/envoy/sidecar.yaml. The
# container beside it is there as the workload would be.
istio_objects() {
  local settings=(-e 's/ITS_ADDRESS/0.0.0.0/' -e "s/ITS_NAMESPACE/$ISTIO_TUTORIAL/" -e s/ITS_WORKLOAD/nginx/
    -e s/ITS_SERVICE/nginx-service/ -e s/ITS_PATH/request_path/)
  cat <<END
apiVersion: v1
kind: Namespace
metadata: {name: $ISTIO_TUTORIAL}
---
apiVersion: v1
kind: Service
metadata: {name: nginx-service, namespace: $ISTIO_TUTORIAL}
spec: {selector: {app: nginx}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: envoy, namespace: $ISTIO_TUTORIAL}
data:
  sidecar.yaml: |
$(sed "${settings[@]}" -e 's/^/    /' testbed/envoy/sidecar.yaml)
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: nginx, namespace: $ISTIO_TUTORIAL}
spec:
  selector: {matchLabels: {app: nginx}}
  template:
    metadata: {labels: {app: nginx, security.istio.io/tlsMode: istio}}
    spec:
      terminationGracePeriodSeconds: 0
      automountServiceAccountToken: false
      containers:
        - name: nginx
          image: busybox:testbed
          imagePullPolicy: Never
          command: [httpd, -f, -p, "80", -h, /www]
        - name: istio-proxy
          image: envoy:testbed
          imagePullPolicy: Never
          args: [--config-path, /etc/envoy/sidecar.yaml, --concurrency, "1", --use-dynamic-base-id, --log-level, warn]
          readinessProbe: {tcpSocket: {port: 15090}, periodSeconds: 2}
          volumeMounts: [{name: envoy, mountPath: /etc/envoy}]
      volumes: [{name: envoy, configMap: {name: envoy}}]
END
  repeats "$ISTIO_TUTORIAL" client busybox "wget -qO- --header 'X-Source: client' http://nginx-service/client-path"
  repeats "$ISTIO_TUTORIAL" client2 busybox \
    "wget -qO- --header 'X-Source: client2' --post-data '' http://nginx-service/client2-path"
}

# listed NAMESPACE / exported NAMESPACE: as its tutorial says, and nothing else. The replaced tool's list, which names a broker
# twice, as a server and as a broker, has the same topics, methods and paths.
listed() {
  diff "e2e/installed/$1.list" <("$portolan" list --namespaces "$1") &&
    diff <(details <"e2e/installed/$1.list") <("$portolan" network-mapper list --namespaces "$1" | details)
}

details() {
  grep -o -e '- Kafka topic: .*' -e '- path .*'
}

exported() {
  diff "e2e/installed/$1.yaml" <("$portolan" export -o clientintents --namespaces "$1")
}
