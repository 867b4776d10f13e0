package gatherer.source;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import org.apache.flink.kafka.shaded.org.apache.kafka.clients.admin.Admin;
import org.apache.flink.kafka.shaded.org.apache.kafka.clients.consumer.CloseOptions;
import org.apache.flink.kafka.shaded.org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.flink.kafka.shaded.org.apache.kafka.clients.consumer.InvalidOffsetException;
import org.apache.flink.kafka.shaded.org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.flink.kafka.shaded.org.apache.kafka.clients.consumer.LogTruncationException;
import org.apache.flink.kafka.shaded.org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.flink.kafka.shaded.org.apache.kafka.common.KafkaException;
import org.apache.flink.kafka.shaded.org.apache.kafka.common.TopicPartition;
import org.apache.flink.kafka.shaded.org.apache.kafka.common.errors.InterruptException;
import org.apache.flink.kafka.shaded.org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads partitions in a thread of its own. It sets a partition aside that can't be read, and tries it again later; the
 * others continue. It asks the brokers whether the log of a partition without new records has ended.
 */
final class Fetcher implements Runnable, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Fetcher.class);
    private static final Duration POLL = Duration.ofMillis(50);

    /**
     * The time between polls while each brings few records. Otherwise, every record would cost a request of its own,
     * most of what this thread and the broker do at some hundred ticks a second.
     */
    private static final long REST_NANOS = TimeUnit.MILLISECONDS.toNanos(50);

    private static final int FEW = 500;

    /** How long to read a partition alone to find out whether it can be read. */
    private static final Duration TRIAL = Duration.ofMillis(500);

    private static final Duration CALL = Duration.ofSeconds(5);
    private static final long RETRY_NANOS = TimeUnit.SECONDS.toNanos(5);
    private static final long MAX_RETRY_NANOS = TimeUnit.SECONDS.toNanos(60);

    /** The time without progress after which a partition counts as unreadable although its log has more. */
    private static final long STALLED_NANOS = TimeUnit.SECONDS.toNanos(30);

    private final SourceSettings settings;
    private final String name;
    private final Handover handover;
    private final Queue<Runnable> commands = new ConcurrentLinkedQueue<>();
    private final Map<TopicPartition, PartitionState> partitions = new HashMap<>();
    private final Thread thread;
    private volatile boolean closed;

    private KafkaConsumer<byte[], byte[]> consumer;
    private Admin admin;
    private LogEnds ends;

    /** When the last poll ended, if it brought few records; else null. */
    private Long restsSince;

    Fetcher(SourceSettings settings, String name, Handover handover) {
        this.settings = settings;
        this.name = name;
        this.handover = handover;
        thread = new Thread(this, "fetcher-" + name);
        thread.setDaemon(true);
        thread.setContextClassLoader(Fetcher.class.getClassLoader());
    }

    // Called by the task's thread.

    void start() {
        thread.start();
    }

    /** Starts reading a partition at `offset`. Its news carry `epoch`. */
    void assign(TopicPartition partition, int epoch, long offset) {
        commands.add(() -> partitions.put(partition, new PartitionState(epoch, offset)));
    }

    /** Stops reading a partition. */
    void unassign(TopicPartition partition) {
        commands.add(() -> partitions.remove(partition));
    }

    /**
     * Commits offsets, with troubles as metadata. They are for people; Flink's state has the progress, so a commit that
     * fails does no harm. By itself, the consumer would commit only when it reads something.
     */
    void commit(Map<TopicPartition, OffsetAndMetadata> offsets) {
        commands.add(() -> admin.alterConsumerGroupOffsets(settings.kafka().getProperty("group.id"), offsets));
    }

    @Override
    public void close() {
        closed = true;
        handover.close();
        thread.interrupt();
        try {
            thread.join(CALL.toMillis());
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
        }
    }

    // The fetching thread.

    @Override
    public void run() {
        try {
            admin = Admin.create(settings.kafkaOf(name + "-admin"));
            ends = new LogEnds(admin, settings.panes().idleMs());
            consumer = new KafkaConsumer<>(
                    settings.kafkaOf(name), new ByteArrayDeserializer(), new ByteArrayDeserializer());
            while (!closed && step()) {
                // Until the reader is closed.
            }
        } catch (InterruptedException | InterruptException stopped) {
            // The reader was closed.
        } catch (Throwable error) {
            if (!closed) {
                handover.fail(error);
            }
        } finally {
            Thread.interrupted(); // otherwise nothing could be closed
            if (admin != null) {
                admin.close(Duration.ZERO);
            }
            if (consumer != null) {
                consumer.close(CloseOptions.timeout(Duration.ZERO));
            }
        }
    }

    private boolean step() throws InterruptedException {
        for (Runnable command = commands.poll(); command != null; command = commands.poll()) {
            command.run();
        }
        List<News> news = new ArrayList<>();
        tryAgain(news);
        consume(readable());
        fetch(news);
        askForEnds(news);
        return news.isEmpty() || handover.put(news);
    }

    private Set<TopicPartition> readable() {
        Set<TopicPartition> readable = new HashSet<>();
        partitions.forEach((partition, state) -> {
            if (state.isReadable()) {
                readable.add(partition);
            }
        });
        return readable;
    }

    /** Makes the consumer read these partitions only, each from its offset. */
    private void consume(Set<TopicPartition> wanted) {
        Set<TopicPartition> before = consumer.assignment();
        if (!wanted.equals(before)) {
            partitions.forEach((partition, state) -> state.mustSeek |= !before.contains(partition));
            consumer.assign(wanted);
        }
        for (TopicPartition partition : wanted) {
            PartitionState state = partitions.get(partition);
            if (state.mustSeek) {
                consumer.seek(partition, state.next);
                state.mustSeek = false;
            }
        }
    }

    private void fetch(List<News> news) throws InterruptedException {
        if (consumer.assignment().isEmpty()) {
            Thread.sleep(POLL.toMillis());
            return;
        }
        rest();
        try {
            ConsumerRecords<byte[], byte[]> records = consumer.poll(POLL);
            restsSince = records.count() < FEW ? System.nanoTime() : null;
            take(records, news);
        } catch (InterruptException stopped) {
            throw stopped;
        } catch (InvalidOffsetException error) {
            moveAll(error, news);
        } catch (RuntimeException | Error error) {
            LOG.warn("A partition can't be read; looking which one", isOfAPartition(error));
            setAsideCulprits(news);
        }
    }

    /** Waits until the next poll is due. What the last one brought has been handed over by now. */
    private void rest() throws InterruptedException {
        if (restsSince != null) {
            TimeUnit.NANOSECONDS.sleep(restsSince + REST_NANOS - System.nanoTime());
        }
    }

    /** Errors that may concern a single partition: codecs in native libraries throw many kinds of errors. */
    private static Throwable isOfAPartition(Throwable error) {
        if (error instanceof VirtualMachineError fatal) {
            throw fatal;
        }
        return error;
    }

    private void take(ConsumerRecords<byte[], byte[]> records, List<News> news) {
        long now = System.nanoTime();
        // This includes partitions of which only markers of transactions were read.
        records.nextOffsets().forEach((partition, next) -> {
            PartitionState state = partitions.get(partition);
            state.next = next.offset();
            state.heardNanos = now;
            state.aheadNanos = 0;
            state.cutBackNanos = 0;
            works(partition, state, news);
            news.add(new News.Records(partition, state.epoch, records.records(partition), state.next, now));
        });
    }

    private void moveAll(InvalidOffsetException error, List<News> news) {
        for (TopicPartition partition : error.partitions()) {
            PartitionState state = partitions.get(partition);
            if (state != null) {
                move(partition, state, error, news);
            }
        }
    }

    /** Continues where the log continues: its beginning has passed our offset, or its end was cut back. */
    private void move(TopicPartition partition, PartitionState state, InvalidOffsetException error, List<News> news) {
        try {
            long begin = consumer.beginningOffsets(Set.of(partition), CALL).get(partition);
            long end = consumer.endOffsets(Set.of(partition), CALL).get(partition);
            OffsetAndMetadata diverged = error instanceof LogTruncationException cut
                    ? cut.divergentOffsets().get(partition)
                    : null;
            long from = state.next;
            long to = diverged != null ? diverged.offset() : Math.max(begin, Math.min(from, end));
            if (to < from && state.cutBackNanos == 0) {
                // Probably the topic was recreated. It is read from its beginning once that is discovered.
                state.cutBackNanos = System.nanoTime();
                leaveAlone(state, Math.max(RETRY_NANOS, TimeUnit.MILLISECONDS.toNanos(2 * settings.discoveryMs())));
                return;
            }
            state.cutBackNanos = 0;
            state.next = to;
            state.mustSeek = true;
            if (to > from) {
                lost(partition, state,
                        (to - from) + " records, offsets " + from + " to " + (to - 1)
                                + ", were deleted before they were read",
                        news);
            } else if (to < from) {
                lost(partition, state,
                        "the log was cut back: " + (from - to) + " records, offsets " + to + " to " + (from - 1)
                                + ", were read and are no more",
                        news);
            }
        } catch (RuntimeException failed) {
            setAside(partition, state, Trouble.of(failed), news);
        }
    }

    private static void lost(TopicPartition partition, PartitionState state, String what, List<News> news) {
        state.problem = null; // the loss replaces it, and does not end with the next record
        news.add(new News.Moved(partition, state.epoch, state.next, Trouble.now(Trouble.LOST, what)));
    }

    /** Finds the partitions that make Kafka's consumer fail, by reading each alone. */
    private void setAsideCulprits(List<News> news) {
        // Records that the consumer had collected when it failed may be lost, so it reads them again.
        partitions.values().forEach(state -> state.mustSeek = true);
        Map<TopicPartition, Long> suspects = new HashMap<>();
        readable().forEach(partition -> suspects.put(partition, partitions.get(partition).next));
        for (TopicPartition partition : ends.withMore(suspects)) {
            if (closed) {
                return;
            }
            tryAlone(partition, partitions.get(partition), news);
        }
    }

    /**
     * Reads one partition, and sets it aside when that fails. Others are not assigned, so they can't interfere.
     */
    private void tryAlone(TopicPartition partition, PartitionState state, List<News> news) {
        consume(Set.of());
        consume(Set.of(partition));
        try {
            take(consumer.poll(TRIAL), news);
        } catch (InvalidOffsetException error) {
            moveAll(error, news);
        } catch (InterruptException stopped) {
            throw stopped;
        } catch (RuntimeException | Error error) {
            setAside(partition, state, Trouble.of(isOfAPartition(error)), news);
        }
    }

    private static void setAside(TopicPartition partition, PartitionState state, Trouble trouble, List<News> news) {
        state.pauseNanos = Math.min(MAX_RETRY_NANOS, Math.max(RETRY_NANOS, 2 * state.pauseNanos));
        leaveAlone(state, state.pauseNanos);
        troubled(partition, state,
                new Trouble(trouble.problem(), "at offset " + state.next + ": " + trouble.detail(), trouble.sinceMs()),
                news);
    }

    private static void leaveAlone(PartitionState state, long nanos) {
        state.isAside = true;
        state.retryNanos = System.nanoTime() + nanos;
    }

    private void tryAgain(List<News> news) {
        long now = System.nanoTime();
        for (Map.Entry<TopicPartition, PartitionState> each : partitions.entrySet()) {
            PartitionState state = each.getValue();
            if (state.isAside && now >= state.retryNanos && !closed) {
                state.isAside = false;
                tryAlone(each.getKey(), state, news);
            }
        }
    }

    private void askForEnds(List<News> news) {
        ends.ask(partitions);
        for (LogEnds.Answer answer : ends.answers()) {
            PartitionState state = partitions.get(answer.partition());
            if (state == null || state.epoch != answer.epoch()) {
                continue;
            }
            if (answer.error() != null) {
                troubled(answer.partition(), state, Trouble.of(answer.error()), news);
            } else if (state.next == PartitionSplit.EARLIEST) {
                state.next = answer.offset();
                works(answer.partition(), state, news);
                // Nothing is before it. A log without records may be at its end already.
                news.add(new News.Records(answer.partition(), state.epoch, List.of(), state.next, System.nanoTime()));
            } else if (!state.isAside) {
                compare(answer, state, news);
            }
        }
    }

    private void compare(LogEnds.Answer answer, PartitionState state, List<News> news) {
        TopicPartition partition = answer.partition();
        long now = System.nanoTime();
        if (position(partition, state) >= answer.offset()) {
            state.next = Math.max(state.next, answer.offset());
            state.aheadNanos = 0;
            works(partition, state, news);
            news.add(new News.Silence(partition, state.epoch, state.next, answer.askedMs(), answer.askedNanos()));
        } else if (state.aheadNanos == 0) {
            state.aheadNanos = now;
        } else if (now - state.aheadNanos > STALLED_NANOS) {
            troubled(partition, state,
                    Trouble.now(Trouble.UNREADABLE,
                            "nothing comes after offset " + state.next + " though the log ends at " + answer.offset()
                                    + "; a producer may have left a transaction open"),
                    news);
        }
    }

    /** The consumer's position, which may be after markers of transactions. */
    private long position(TopicPartition partition, PartitionState state) {
        if (state.mustSeek || !consumer.assignment().contains(partition)) {
            return state.next;
        }
        try {
            return consumer.position(partition, Duration.ZERO);
        } catch (KafkaException unknown) {
            return state.next;
        }
    }

    private static void troubled(TopicPartition partition, PartitionState state, Trouble trouble, List<News> news) {
        if (state.problem == null || !state.problem.equals(trouble.problem())) {
            state.problem = trouble.problem();
            news.add(new News.Change(partition, state.epoch, trouble));
        }
    }

    private static void works(TopicPartition partition, PartitionState state, List<News> news) {
        state.pauseNanos = 0;
        if (state.problem != null) {
            state.problem = null;
            news.add(new News.Change(partition, state.epoch, null));
        }
    }

    /** The state of a partition in this thread. */
    static final class PartitionState {
        final int epoch;

        /** The next offset after the records that were handed over. */
        long next;

        long heardNanos = System.nanoTime();

        /** Since when the log has had more although nothing comes; 0 otherwise. */
        long aheadNanos;

        /** Since when the log has ended before our offset; 0 otherwise. */
        long cutBackNanos;

        /** Whether the consumer's position differs. */
        boolean mustSeek = true;

        /** Its problem, the time of the next try, and the length of the last pause. */
        boolean isAside;

        long retryNanos;
        long pauseNanos;
        String problem;

        PartitionState(int epoch, long next) {
            this.epoch = epoch;
            this.next = next;
        }

        boolean isReadable() {
            return !isAside && next != PartitionSplit.EARLIEST;
        }
    }
}
