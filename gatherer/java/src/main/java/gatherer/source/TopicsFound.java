package gatherer.source;

import java.util.Map;
import org.apache.flink.api.connector.source.SourceEvent;

/**
 * Tells a reader which of our topics exist. It reads a partition only after it has heard that its topic is the same as
 * before.
 */
record TopicsFound(Map<String, TopicInfo> topics) implements SourceEvent {}
