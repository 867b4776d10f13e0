package gatherer.source;

import java.io.Serializable;

/**
 * A topic as the brokers describe it.
 *
 * @param id another one when the topic was deleted and created again; brokers before 2.8 give all the same
 */
record TopicInfo(String id, int partitions) implements Serializable {}
