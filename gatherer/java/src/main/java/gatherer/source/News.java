package gatherer.source;

import java.util.List;
import org.apache.flink.kafka.shaded.org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.flink.kafka.shaded.org.apache.kafka.common.TopicPartition;

/**
 * News of the fetching thread about a partition. `epoch` is that of the {@link Fetcher#assign} that started the
 * reading; news of an older epoch are outdated.
 */
sealed interface News {
    TopicPartition partition();

    int epoch();

    /**
     * @param next the offset behind the records, and behind what is no record of ours, such as markers of transactions
     */
    record Records(TopicPartition partition, int epoch, List<ConsumerRecord<byte[], byte[]>> records, long next,
            long receivedNanos) implements News {}

    /** When the brokers were asked, everything before `next` had been handed over, and the log had no more. */
    record Silence(TopicPartition partition, int epoch, long next, long askedMs, long askedNanos) implements News {}

    /** Reading continues at `offset`, which may be before the last record. */
    record Moved(TopicPartition partition, int epoch, long offset, Trouble trouble) implements News {}

    /** @param trouble null when it is over */
    record Change(TopicPartition partition, int epoch, Trouble trouble) implements News {}
}
