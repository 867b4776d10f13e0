package gatherer.source;

import gatherer.Update;
import gatherer.panes.Feeding;
import gatherer.panes.PartitionPanes;
import gatherer.records.InputFormat;
import gatherer.records.Reading;
import gatherer.records.RecordParser;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.apache.flink.kafka.shaded.org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.flink.kafka.shaded.org.apache.kafka.common.TopicPartition;
import org.apache.flink.kafka.shaded.org.apache.kafka.common.record.TimestampType;

/** One partition in the task's thread; it turns records into updates. */
final class PartitionReader {
    /** How far the clocks of the brokers and of this machine may be apart. */
    private static final long CLOCKS_APART_MS = 5000;

    private final TopicPartition topicPartition;
    private final long stop;
    private final long idleMs;
    private final Consumer<Update> output;
    private final Reading reading = new Reading();

    /** Null for a topic with limits. */
    private final RecordParser parser;

    private final PartitionPanes panes;
    private final boolean sharesSymbols;

    private String topicId;
    private int partitions;
    private long offset;
    private boolean isFinished;

    /** When the last record came, by {@link System#nanoTime}; whether its timestamp is the broker's. */
    private long receivedNanos = System.nanoTime();

    private boolean isDatedByBroker;

    /** Whether the last record was old when it came: read after a restart, or long after it was appended. */
    private boolean isOld = true;

    /** Incremented when reading moves; records that were fetched before are outdated. */
    private int epoch;

    private Trouble trouble;

    /** @param found takes each new symbol of a topic whose symbols may be on any partition */
    PartitionReader(SourceSettings settings, PartitionSplit split, Consumer<Update> output, Consumer<String> found) {
        topicPartition = new TopicPartition(split.topic(), split.partition());
        topicId = split.topicId();
        partitions = split.partitions();
        offset = split.offset();
        stop = split.stop();
        idleMs = settings.panes().idleMs();
        isDatedByBroker = split.datedByBroker();
        this.output = output;
        InputFormat input = split.topic().equals(settings.limitsTopic()) ? null : settings.inputOf(split.topic());
        parser = input == null ? null : input.parser(split.topic(), settings.futureMs());
        Feeding feeding = feeding(input, split.topic(), found);
        sharesSymbols = feeding.onlySymbol() == null && feeding.isOnEveryPartition();
        boolean hasPanes = input != null || split.panes().length > 0;
        panes = !hasPanes
                ? null
                : new PartitionPanes(settings.panes(), split.topic(), split.partition(), feeding, partitions, output);
        if (panes != null && split.panes().length > 0) {
            try {
                panes.read(new DataInputStream(new ByteArrayInputStream(split.panes())));
            } catch (IOException error) {
                throw new UncheckedIOException("the state of " + topicPartition + " can't be read", error);
            }
        }
    }

    private static Feeding feeding(InputFormat input, String topic, Consumer<String> found) {
        if (input == null) {
            return Feeding.several(); // the input is no longer wanted
        }
        if (input.symbolOf(topic) != null) {
            return Feeding.one(input.symbolOf(topic));
        }
        return input.isOnAnyPartition() ? Feeding.anywhere(found) : Feeding.several();
    }

    TopicPartition topicPartition() {
        return topicPartition;
    }

    int epoch() {
        return epoch;
    }

    long offset() {
        return offset;
    }

    Trouble trouble() {
        return trouble;
    }

    void setTrouble(Trouble found) {
        trouble = found;
    }

    boolean isFinished() {
        return isFinished;
    }

    /** Returns whether the topic is still the same; starts over when it was recreated. */
    boolean confirm(TopicInfo topic) {
        epoch++;
        boolean isSame = topic.id().equals(topicId);
        if (!isSame) {
            topicId = topic.id();
            offset = 0;
        }
        partitions = topic.partitions();
        if (panes != null) {
            panes.setPartitions(partitions);
        }
        return isSame;
    }

    void add(ConsumerRecord<byte[], byte[]> record) {
        if (record.offset() < offset || record.offset() >= stop) {
            return;
        }
        offset = record.offset() + 1;
        isDatedByBroker = record.timestampType() == TimestampType.LOG_APPEND_TIME;
        if (parser == null) {
            output.accept(limits(record));
        } else {
            parser.read(record.key(), record.value(), record.timestamp(), reading);
            panes.add(reading, record.offset(), record.timestamp(), record.value());
        }
    }

    private static Update limits(ConsumerRecord<byte[], byte[]> record) {
        String symbol = record.key() == null ? null : new String(record.key(), StandardCharsets.UTF_8);
        Update update = Update.of(Update.LIMITS, symbol, record.topic(), record.partition());
        update.content = record.value();
        update.offset = record.offset();
        update.writtenMs = record.timestamp();
        return update;
    }

    /** Notes that the topic has these symbols. */
    void expect(Set<String> symbols) {
        if (panes != null) {
            symbols.forEach(panes::expect);
        }
    }

    /** Whether the other partitions of the topic must learn the symbols that are found here. */
    boolean sharesSymbols() {
        return sharesSymbols;
    }

    /** The symbols of this partition. */
    Set<String> symbols() {
        return panes == null ? Set.of() : panes.symbols();
    }

    /** Notes that all records of a batch have been added; it came at `nanos` of {@link System#nanoTime}. */
    void received(long nanos) {
        receivedNanos = nanos;
        long receivedMs = System.currentTimeMillis() - TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - nanos);
        isOld = panes != null && receivedMs - panes.lastAppendMs() > idleMs;
    }

    /** Continues at another offset, which may be before the last record. */
    void moved(News.Moved news) {
        offset = news.offset();
        trouble = news.trouble();
    }

    /** Notes that the topic is gone, so that nobody waits for this partition. */
    void abandon() {
        if (panes != null) {
            panes.abandon();
        }
    }

    /** Notes that everything before this offset has been handled. */
    void reached(long next) {
        offset = Math.max(offset, next);
        if (offset >= stop && !isFinished) {
            isFinished = true;
            if (panes != null) {
                panes.finish();
            }
        }
    }

    /** Notes that the log had nothing after `next` when the brokers were asked. */
    void silent(News.Silence news) {
        reached(news.next());
        if (panes == null || isFinished) {
            return;
        }
        // Our clock measures the time since the record came. When that was long after it was appended, the broker's
        // timestamp measures more.
        long elapsedMs = TimeUnit.NANOSECONDS.toMillis(news.askedNanos() - receivedNanos);
        if (isOld && isDatedByBroker && panes.hasRecords()) {
            elapsedMs = Math.max(elapsedMs, news.askedMs() - CLOCKS_APART_MS - panes.lastAppendMs());
        }
        panes.silent(elapsedMs);
    }

    PartitionSplit snapshot() {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        if (panes != null) {
            try {
                panes.write(new DataOutputStream(bytes));
            } catch (IOException impossible) {
                throw new UncheckedIOException(impossible);
            }
        }
        return new PartitionSplit(topicPartition.topic(), topicPartition.partition(), topicId, partitions, offset, stop,
                isDatedByBroker, bytes.toByteArray());
    }
}
