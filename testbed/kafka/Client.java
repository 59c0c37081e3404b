import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.ExecutionException;

import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.acl.AccessControlEntry;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourceType;

/**
 * A user of brokers that does what it reads, a line each, and answers each with "done" or "failed" and why:
 *
 * <pre>
 * topics BROKER TOPIC…                    creates them
 * allow BROKER USER OPERATION TYPE NAME   a rule; a name that ends in * is a prefix
 * produce BROKER TOPIC COUNT
 * consume BROKER TOPIC GROUP COUNT        from the beginning
 * look BROKER TOPIC                       asks for its partitions
 * </pre>
 */
public final class Client {
    private final String user;

    private Client(String user) {
        this.user = user;
    }

    public static void main(String[] args) throws Exception {
        Client client = new Client(args[0]);
        BufferedReader commands = new BufferedReader(new InputStreamReader(System.in));
        for (String line = commands.readLine(); line != null; line = commands.readLine()) {
            String answer;
            try {
                client.run(line.split(" "));
                answer = "done";
            } catch (ExecutionException failed) {
                answer = "failed: " + failed.getCause();
            } catch (Exception failed) {
                answer = "failed: " + failed;
            }
            System.out.println(answer.replace('\n', ' '));
        }
    }

    private void run(String[] words) throws Exception {
        switch (words[0]) {
            case "topics" -> topics(words);
            case "allow" -> allow(words);
            case "produce" -> produce(words);
            case "consume" -> consume(words);
            case "look" -> look(words);
            default -> throw new IllegalArgumentException(words[0]);
        }
    }

    private Properties properties(String broker) {
        Properties all = new Properties();
        all.put("bootstrap.servers", broker);
        all.put("security.protocol", "SASL_PLAINTEXT");
        all.put("sasl.mechanism", "PLAIN");
        all.put("sasl.jaas.config", "org.apache.kafka.common.security.plain.PlainLoginModule required username=\""
            + user + "\" password=\"" + user + "\";");
        String text = "org.apache.kafka.common.serialization.String";
        for (String what : List.of("key", "value")) {
            all.put(what + ".serializer", text + "Serializer");
            all.put(what + ".deserializer", text + "Deserializer");
        }
        return all;
    }

    private void topics(String[] words) throws Exception {
        List<NewTopic> topics = new ArrayList<>();
        for (int i = 2; i < words.length; i++) {
            topics.add(new NewTopic(words[i], 1, (short) 1));
        }
        try (Admin admin = Admin.create(properties(words[1]))) {
            admin.createTopics(topics).all().get();
        }
    }

    private void allow(String[] words) throws Exception {
        String name = words[5];
        PatternType pattern = PatternType.LITERAL;
        if (name.endsWith("*")) {
            pattern = PatternType.PREFIXED;
            name = name.substring(0, name.length() - 1);
        }
        AclBinding rule = new AclBinding(
            new ResourcePattern(ResourceType.fromString(words[4]), name, pattern),
            new AccessControlEntry("User:" + words[2], "*", AclOperation.fromString(words[3]), AclPermissionType.ALLOW));
        try (Admin admin = Admin.create(properties(words[1]))) {
            admin.createAcls(List.of(rule)).all().get();
        }
    }

    private void produce(String[] words) throws Exception {
        Properties all = properties(words[1]);
        all.put("max.block.ms", "20000");
        try (KafkaProducer<String, String> producer = new KafkaProducer<>(all)) {
            for (int i = 0; i < Integer.parseInt(words[3]); i++) {
                producer.send(new ProducerRecord<>(words[2], "record " + i)).get();
            }
        }
    }

    private void consume(String[] words) {
        Properties all = properties(words[1]);
        all.put("group.id", words[3]);
        all.put("auto.offset.reset", "earliest");
        int wanted = Integer.parseInt(words[4]);
        long end = System.nanoTime() + Duration.ofSeconds(30).toNanos();
        try (KafkaConsumer<String, String> consumer = new KafkaConsumer<>(all)) {
            consumer.subscribe(List.of(words[2]));
            for (int got = 0; got < wanted;) {
                got += consumer.poll(Duration.ofMillis(500)).count();
                if (System.nanoTime() > end) {
                    throw new IllegalStateException(got + " records of " + wanted);
                }
            }
            consumer.commitSync();
        }
    }

    private void look(String[] words) {
        try (KafkaConsumer<String, String> consumer = new KafkaConsumer<>(properties(words[1]))) {
            consumer.partitionsFor(words[2], Duration.ofSeconds(20));
        }
    }
}
