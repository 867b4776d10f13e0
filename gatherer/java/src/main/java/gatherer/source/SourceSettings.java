package gatherer.source;

import gatherer.panes.PaneSettings;
import gatherer.records.InputFormat;
import java.io.Serializable;
import java.util.List;
import java.util.Properties;

/**
 * The settings of the source.
 *
 * @param inputs topics with prices; the first that matches a topic applies
 * @param limitsTopic the topic with limits
 * @param panes how ticks are added up
 * @param futureMs how far a tick's time may lie after its Kafka timestamp
 * @param discoveryMs how often new topics are looked for
 * @param kafka settings of Kafka's consumer, with a `group.id` to which progress is committed
 * @param untilNow whether the source ends with what the topics hold when it starts
 */
public record SourceSettings(List<InputFormat> inputs, String limitsTopic, PaneSettings panes, long futureMs,
        long discoveryMs, Properties kafka, boolean untilNow) implements Serializable {
    /** The input that a topic belongs to; null when it is not ours. */
    InputFormat inputOf(String topic) {
        for (InputFormat input : inputs) {
            if (input.matches(topic)) {
                return input;
            }
        }
        return null;
    }

    boolean reads(String topic) {
        return topic.equals(limitsTopic) || inputOf(topic) != null;
    }

    /** Kafka's settings for a client whose client.id ends with `name`. */
    Properties kafkaOf(String name) {
        Properties properties = new Properties();
        properties.putAll(kafka);
        properties.setProperty("client.id", kafka.getProperty("group.id") + "-" + name);
        return properties;
    }
}
