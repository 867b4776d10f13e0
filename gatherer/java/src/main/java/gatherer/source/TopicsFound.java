package gatherer.source;

import java.util.Map;
import org.apache.flink.api.connector.source.SourceEvent;

/**
 * Tells a reader which of our topics exist. It reads a partition only once it knows that its topic was not recreated.
 */
record TopicsFound(Map<String, TopicInfo> topics) implements SourceEvent {}
