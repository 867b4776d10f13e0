package gatherer.source;

import java.util.List;
import org.apache.flink.kafka.shaded.org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.flink.kafka.shaded.org.apache.kafka.common.TopicPartition;

/**
 * What the fetching thread has found out about a partition. `epoch` is that of the {@link Fetcher#assign} that asked
 * for it: what was asked before is out of date.
 */
sealed interface News {
    TopicPartition partition();

    int epoch();

    /**
     * @param next the offset behind the records, and behind what is no record of ours, such as markers of transactions
     */
    record Records(TopicPartition partition, int epoch, List<ConsumerRecord<byte[], byte[]>> records, long next,
            long receivedNanos) implements News {}

    /** When this was asked, all up to `next` had been handed over, and the log had nothing behind it. */
    record Silence(TopicPartition partition, int epoch, long next, long askedMs, long askedNanos) implements News {}

    /** Reading goes on at `offset`, which may be before what was read. */
    record Moved(TopicPartition partition, int epoch, long offset, Trouble trouble) implements News {}

    /** @param trouble null when it is over */
    record Change(TopicPartition partition, int epoch, Trouble trouble) implements News {}
}
