#!/usr/bin/env bash
# broker.sh zookeeper|zk-3.9|kraft-3.9|kraft-4.1 JARS FOLDER ADDRESS: becomes a broker, or the ZooKeeper of one, that listens on
# this address and keeps its data in the folder. Users are admin, client, client-2 and mallory; their passwords are their names.
set -euo pipefail
kind=$1 jars=$2 folder=$3 address=$4
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
mkdir -p "$folder"

# Small, and quick to start; names of addresses are asked for, and there may be no DNS server.
java=(java -Xmx320m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Djdk.net.hosts.file=/etc/hosts -cp "$jars/*")

if [[ $kind == zookeeper ]]; then
  exec "${java[@]}" "-Dlog4j.configuration=file:$here/3.9/log4j.properties" -Dzookeeper.admin.enableServer=false \
    org.apache.zookeeper.server.ZooKeeperServerMain 2181 "$folder/zookeeper"
fi

users='user_admin="admin" user_client="client" user_client-2="client-2" user_mallory="mallory"'
cat >"$folder/server.properties" <<END
listener.name.sasl_plaintext.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required username="admin" password="admin" $users;
sasl.enabled.mechanisms=PLAIN
sasl.mechanism.inter.broker.protocol=PLAIN
super.users=User:admin;User:ANONYMOUS
allow.everyone.if.no.acl.found=false
log.dirs=$folder/data
num.partitions=1
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
inter.broker.listener.name=SASL_PLAINTEXT
END

if [[ $kind == zk-* ]]; then
  cat >>"$folder/server.properties" <<END
broker.id=1
zookeeper.connect=127.0.0.1:2181
zookeeper.connection.timeout.ms=60000
listeners=SASL_PLAINTEXT://$address:9092
authorizer.class.name=kafka.security.authorizer.AclAuthorizer
END
else
  cat >>"$folder/server.properties" <<END
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:9093
listeners=SASL_PLAINTEXT://$address:9092,CONTROLLER://127.0.0.1:9093
advertised.listeners=SASL_PLAINTEXT://$address:9092
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
END
fi

if [[ $kind == *-4.1 ]]; then
  java+=("-Dlog4j2.configurationFile=$here/4.1/log4j2.yaml")
else
  java+=("-Dlog4j.configuration=file:$here/3.9/log4j.properties")
fi
if [[ $kind == kraft-* && ! -e $folder/data/meta.properties ]]; then
  "${java[@]}" kafka.tools.StorageTool format --ignore-formatted -t MkU3OEVBNTcwNTJENDM2Qk \
    -c "$folder/server.properties" >"$folder/format.log" 2>&1
fi
exec "${java[@]}" kafka.Kafka "$folder/server.properties"
