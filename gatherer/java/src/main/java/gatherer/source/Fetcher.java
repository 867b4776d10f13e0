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
import org.apache.flink.kafka.shaded.org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.flink.kafka.shaded.org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.flink.kafka.shaded.org.apache.kafka.clients.consumer.InvalidOffsetException;
import org.apache.flink.kafka.shaded.org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.flink.kafka.shaded.org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.flink.kafka.shaded.org.apache.kafka.common.KafkaException;
import org.apache.flink.kafka.shaded.org.apache.kafka.common.TopicPartition;
import org.apache.flink.kafka.shaded.org.apache.kafka.common.errors.InterruptException;
import org.apache.flink.kafka.shaded.org.apache.kafka.common.errors.WakeupException;
import org.apache.flink.kafka.shaded.org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads partitions in a thread of its own. One that can't be read is set aside and tried again; the others go on. Of
 * one that brings nothing, the brokers are asked whether its log has ended.
 */
final class Fetcher implements Runnable, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Fetcher.class);
    private static final Duration POLL = Duration.ofMillis(50);

    /** How long a partition alone may take to show that it can't be read. */
    private static final Duration TRIAL = Duration.ofMillis(500);

    private static final Duration CALL = Duration.ofSeconds(5);
    private static final long RETRY_NANOS = TimeUnit.SECONDS.toNanos(5);
    private static final long MAX_RETRY_NANOS = TimeUnit.SECONDS.toNanos(60);

    /** After how long without records, though the log has more, a partition counts as unreadable. */
    private static final long STALLED_NANOS = TimeUnit.SECONDS.toNanos(30);

    private final Handover handover;
    private final KafkaConsumer<byte[], byte[]> consumer;
    private final LogEnds ends;
    private final Queue<Runnable> commands = new ConcurrentLinkedQueue<>();
    private final Map<TopicPartition, Place> places = new HashMap<>();
    private final Thread thread;
    private volatile boolean closed;

    Fetcher(SourceSettings settings, String name, Handover handover) {
        this.handover = handover;
        consumer = new KafkaConsumer<>(
                settings.kafkaOf(name), new ByteArrayDeserializer(), new ByteArrayDeserializer());
        ends = new LogEnds(Admin.create(settings.kafkaOf(name + "-ends")), settings.panes().idleMs());
        thread = new Thread(this, "fetcher-" + name);
        thread.setDaemon(true);
        thread.setContextClassLoader(Fetcher.class.getClassLoader());
    }

    // Called by the task's thread.

    void start() {
        thread.start();
    }

    /** Reads a partition from now on, from `offset`. What is found carries `epoch`. */
    void assign(TopicPartition place, int epoch, long offset) {
        commands.add(() -> {
            places.put(place, new Place(epoch, offset));
            consume();
        });
    }

    /** Reads a partition no more. */
    void unassign(TopicPartition place) {
        commands.add(() -> {
            places.remove(place);
            consume();
        });
    }

    /** Commits offsets, with what is wrong as metadata. Progress is state of Flink's: these are for people to see. */
    void commit(Map<TopicPartition, OffsetAndMetadata> offsets) {
        commands.add(() -> consumer.commitAsync(offsets, (committed, error) -> {
            if (error != null) {
                LOG.debug("Offsets could not be committed", error);
            }
        }));
    }

    @Override
    public void close() {
        closed = true;
        handover.close();
        consumer.wakeup();
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
            while (!closed) {
                for (Runnable command = commands.poll(); command != null; command = commands.poll()) {
                    command.run();
                }
                List<News> news = new ArrayList<>();
                tryAgain(news);
                fetch(news);
                askForEnds(news);
                if (!news.isEmpty() && !handover.put(news)) {
                    return;
                }
            }
        } catch (InterruptedException | InterruptException stopped) {
            Thread.currentThread().interrupt();
        } catch (Throwable error) {
            if (!closed) {
                handover.fail(error);
            }
        } finally {
            consumer.close(CloseOptions.timeout(Duration.ZERO));
            ends.close();
        }
    }

    /** Makes the consumer read what can be read. */
    private void consume() {
        Set<TopicPartition> readable = new HashSet<>();
        places.forEach((place, state) -> {
            if (state.isReadable()) {
                readable.add(place);
            }
        });
        Set<TopicPartition> before = consumer.assignment();
        Set<TopicPartition> added = new HashSet<>(readable);
        added.removeAll(before);
        if (!readable.equals(before)) {
            consumer.assign(readable);
        }
        for (TopicPartition place : readable) {
            if (added.contains(place) || places.get(place).mustSeek) {
                consumer.seek(place, places.get(place).next);
                places.get(place).mustSeek = false;
            }
        }
    }

    private void fetch(List<News> news) throws InterruptedException {
        if (consumer.assignment().isEmpty()) {
            Thread.sleep(POLL.toMillis());
            return;
        }
        try {
            take(consumer.poll(POLL), news);
        } catch (InterruptException | WakeupException stopped) {
            // The loop sees why.
        } catch (InvalidOffsetException error) {
            error.partitions().forEach(place -> skip(place, news));
        } catch (RuntimeException | LinkageError error) {
            LOG.warn("A partition can't be read; looking which one", error);
            setAsideCulprits(news);
        }
    }

    private void take(ConsumerRecords<byte[], byte[]> records, List<News> news) {
        long now = System.nanoTime();
        for (TopicPartition place : records.partitions()) {
            Place state = places.get(place);
            if (state == null) {
                continue; // it was fetched before it was unassigned
            }
            List<ConsumerRecord<byte[], byte[]>> found = records.records(place);
            state.next = Math.max(found.get(found.size() - 1).offset() + 1, position(place, state));
            state.heardNanos = now;
            works(place, state, news);
            news.add(new News.Records(place, state.epoch, found, state.next, now));
        }
    }

    /** Where the consumer is, which may be behind markers of transactions. */
    private long position(TopicPartition place, Place state) {
        try {
            return consumer.position(place, Duration.ZERO);
        } catch (KafkaException unknown) {
            return state.next;
        }
    }

    /** Goes on where the log goes on: it has been cut below what was read, or back. */
    private void skip(TopicPartition place, List<News> news) {
        Place state = places.get(place);
        try {
            long begin = consumer.beginningOffsets(Set.of(place), CALL).get(place);
            long end = consumer.endOffsets(Set.of(place), CALL).get(place);
            long from = state.next;
            state.next = from < begin ? begin : end;
            consumer.seek(place, state.next);
            if (from < begin) {
                String lost = (begin - from) + " records, offsets " + from + " to " + (begin - 1)
                        + ", were deleted before they were read";
                news.add(new News.Change(place, state.epoch, Trouble.now(Trouble.LOST, lost)));
            }
        } catch (RuntimeException error) {
            setAside(place, state, Trouble.of(error), news);
        }
    }

    /** Finds out which partitions make Kafka's consumer fail, by reading each by itself. */
    private void setAsideCulprits(List<News> news) {
        // What the consumer had collected when it failed may be lost: it reads it again.
        Map<TopicPartition, Place> suspects = new HashMap<>(places);
        suspects.values().removeIf(state -> !state.isReadable());
        suspects.values().forEach(state -> state.mustSeek = true);
        consume();
        suspects.forEach((place, state) -> {
            if (ends.hasMore(place, state.next)) {
                tryAlone(place, state, news);
            }
        });
        consumer.resume(consumer.assignment());
    }

    /** Reads one partition, and sets it aside when that fails. */
    private void tryAlone(TopicPartition place, Place state, List<News> news) {
        consumer.pause(consumer.assignment());
        consumer.resume(Set.of(place));
        try {
            take(consumer.poll(TRIAL), news);
        } catch (InvalidOffsetException error) {
            skip(place, news);
        } catch (InterruptException error) {
            throw error;
        } catch (RuntimeException | LinkageError error) {
            setAside(place, state, Trouble.of(error), news);
        }
    }

    private void setAside(TopicPartition place, Place state, Trouble trouble, List<News> news) {
        state.pauseNanos = Math.min(MAX_RETRY_NANOS, Math.max(RETRY_NANOS, 2 * state.pauseNanos));
        state.retryNanos = System.nanoTime() + state.pauseNanos;
        state.isAside = true;
        troubled(place, state,
                new Trouble(trouble.problem(), "at offset " + state.next + ": " + trouble.detail(), trouble.sinceMs()),
                news);
        consume();
    }

    private void tryAgain(List<News> news) {
        long now = System.nanoTime();
        List<TopicPartition> due = new ArrayList<>();
        places.forEach((place, state) -> {
            if (state.isAside && now >= state.retryNanos) {
                due.add(place);
            }
        });
        for (TopicPartition place : due) {
            Place state = places.get(place);
            state.isAside = false;
            consume();
            tryAlone(place, state, news);
        }
        if (!due.isEmpty()) {
            consumer.resume(consumer.assignment());
        }
    }

    private void askForEnds(List<News> news) {
        ends.ask(places);
        ends.answers().forEach(answer -> {
            Place state = places.get(answer.place());
            if (state == null || state.epoch != answer.epoch()) {
                return;
            }
            if (answer.error() != null) {
                troubled(answer.place(), state, Trouble.of(answer.error()), news);
            } else if (state.next == PartitionSplit.EARLIEST) {
                state.next = answer.offset();
                works(answer.place(), state, news);
                consume();
            } else if (!state.isAside) {
                compare(answer, state, news);
            }
        });
    }

    private void compare(LogEnds.Answer answer, Place state, List<News> news) {
        TopicPartition place = answer.place();
        if (position(place, state) >= answer.offset()) {
            state.next = Math.max(state.next, answer.offset());
            works(place, state, news);
            news.add(new News.Silence(place, state.epoch, state.next, answer.askedMs(), answer.askedNanos()));
        } else if (System.nanoTime() - state.heardNanos > STALLED_NANOS) {
            troubled(place, state,
                    Trouble.now(Trouble.UNREADABLE,
                            "nothing comes after offset " + state.next + " though the log ends at " + answer.offset()
                                    + "; a producer may have left a transaction open"),
                    news);
        }
    }

    private static void troubled(TopicPartition place, Place state, Trouble trouble, List<News> news) {
        if (state.problem == null || !state.problem.equals(trouble.problem())) {
            state.problem = trouble.problem();
            news.add(new News.Change(place, state.epoch, trouble));
        }
    }

    private static void works(TopicPartition place, Place state, List<News> news) {
        state.pauseNanos = 0;
        if (state.problem != null) {
            state.problem = null;
            news.add(new News.Change(place, state.epoch, null));
        }
    }

    /** What is known of a partition here. */
    static final class Place {
        final int epoch;

        /** Behind what was handed over. */
        long next;

        long heardNanos = System.nanoTime();
        boolean mustSeek = true;

        /** Whether it can't be read, when it is tried again, and how long it was left alone last. */
        boolean isAside;

        long retryNanos;
        long pauseNanos;
        String problem;

        Place(int epoch, long next) {
            this.epoch = epoch;
            this.next = next;
        }

        boolean isReadable() {
            return !isAside && next != PartitionSplit.EARLIEST;
        }
    }
}
