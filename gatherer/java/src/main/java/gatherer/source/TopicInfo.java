package gatherer.source;

import java.io.Serializable;

/**
 * A topic as the brokers describe it.
 *
 * @param id changes when the topic is recreated; brokers before 2.8 give all topics the same
 */
record TopicInfo(String id, int partitions) implements Serializable {}
