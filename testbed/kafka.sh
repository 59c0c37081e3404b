# shellcheck shell=bash
# Real Kafka brokers: their libraries come once from Maven into target/testbed/kafka, and again only when a pom has changed.

readonly KAFKA=$target/testbed/kafka
readonly KAFKA_VERSIONS=(3.9 4.1)

need_kafka() {
  local version
  need javac openjdk-17-jdk-headless
  mkdir -p "$KAFKA"
  exec 7>"$KAFKA/lock"
  flock 7
  for version in "${KAFKA_VERSIONS[@]}"; do
    get_kafka "$version"
  done
  if [[ $(cat "$KAFKA/client.stamp" 2>/dev/null) != "$(kafka_client_ingredients)" ]]; then
    rm -rf "$KAFKA/client"
    javac -cp "$KAFKA/4.1.jars/*" -d "$KAFKA/client" testbed/kafka/Client.java
    kafka_client_ingredients >"$KAFKA/client.stamp"
  fi
  exec 7>&-
}

kafka_client_ingredients() {
  sha256sum testbed/kafka/Client.java testbed/kafka/4.1/pom.xml
}

get_kafka() {
  local version=$1 jars=$KAFKA/$1.jars pom=testbed/kafka/$1/pom.xml stamp
  stamp=$(sha256sum "$pom")
  [[ $(cat "$KAFKA/$version.stamp" 2>/dev/null) != "$stamp" ]] || return 0
  need mvn maven
  echo "testbed: getting Kafka $version (once)"
  rm -rf "$jars"
  nice -n 10 mvn -B -q -f "$pom" dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$jars" || {
    echo "testbed: Kafka $version could not be had from Maven; what it said is above" >&2
    return 1
  }
  echo "$stamp" >"$KAFKA/$version.stamp"
}
