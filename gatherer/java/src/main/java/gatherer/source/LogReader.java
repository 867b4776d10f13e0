package gatherer.source;

import gatherer.Update;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.apache.flink.api.connector.source.ReaderOutput;
import org.apache.flink.api.connector.source.SourceEvent;
import org.apache.flink.api.connector.source.SourceReader;
import org.apache.flink.api.connector.source.SourceReaderContext;
import org.apache.flink.core.io.InputStatus;
import org.apache.flink.kafka.shaded.org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.flink.kafka.shaded.org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.flink.kafka.shaded.org.apache.kafka.common.TopicPartition;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads the partitions of one subtask: a {@link Fetcher} fetches records, the task's thread judges and adds them up.
 */
final class LogReader implements SourceReader<Update, PartitionSplit> {
    private static final Logger LOG = LoggerFactory.getLogger(LogReader.class);

    /** How many records to handle before the task may do other work. */
    private static final int AT_ONCE = 1000;

    private static final int MOST_UNCOMMITTED = 100;
    private static final long COMMIT_ALL_NANOS = TimeUnit.SECONDS.toNanos(10);

    private static final CompletableFuture<Void> NOW = CompletableFuture.completedFuture(null);

    private final SourceSettings settings;
    private final SourceReaderContext context;
    private final Handover handover = new Handover();
    private final Fetcher fetcher;
    private final Map<TopicPartition, PartitionReader> partitions = new LinkedHashMap<>();
    private final TreeMap<Long, Map<TopicPartition, OffsetAndMetadata>> uncommitted = new TreeMap<>();
    private final Map<TopicPartition, OffsetAndMetadata> committed = new HashMap<>();
    private long committedAllNanos = System.nanoTime();

    /** Null until the enumerator has sent the topics. */
    private Map<String, TopicInfo> topics;

    /** Symbols by topic: those to send to the other readers, and those that any reader has found. */
    private final Map<String, Set<String>> found = new HashMap<>();

    private final Map<String, Set<String>> symbols = new HashMap<>();

    /** Partitions whose topic has changed, or has symbols that are new to them. */
    private final Set<PartitionReader> changed = new HashSet<>();

    private ReaderOutput<Update> output;
    private List<News> news = List.of();
    private int nextNews;
    private int nextRecord;
    private boolean noMoreSplits;

    LogReader(SourceSettings settings, SourceReaderContext context) {
        this.settings = settings;
        this.context = context;
        fetcher = new Fetcher(settings, String.valueOf(context.getIndexOfSubtask()), handover);
    }

    @Override
    public void start() {
        fetcher.start();
    }

    @Override
    public InputStatus pollNext(ReaderOutput<Update> to) {
        output = to;
        tellOthers();
        tellPartitions();
        if (nextNews == news.size()) {
            List<News> next = handover.poll();
            if (next == null) {
                return isFinished() ? InputStatus.END_OF_INPUT : InputStatus.NOTHING_AVAILABLE;
            }
            news = next;
            nextNews = 0;
            nextRecord = 0;
        } else if (handle(news.get(nextNews))) {
            nextNews++;
            nextRecord = 0;
        }
        return InputStatus.MORE_AVAILABLE;
    }

    private void tellOthers() {
        if (!found.isEmpty()) {
            context.sendSourceEventToCoordinator(new SymbolsFound(new HashMap<>(found)));
            found.clear();
        }
    }

    /** Handles events, which came when there was no output yet. */
    private void tellPartitions() {
        for (PartitionReader partition : changed) {
            String topic = partition.topicPartition().topic();
            if (isThere(partition)) {
                partition.expect(symbols.getOrDefault(topic, Set.of()));
            } else {
                partition.abandon();
            }
        }
        changed.clear();
    }

    private boolean isThere(PartitionReader partition) {
        TopicInfo topic = topics.get(partition.topicPartition().topic());
        return topic != null && topic.partitions() > partition.topicPartition().partition();
    }

    private boolean isFinished() {
        return noMoreSplits && partitions.values().stream().allMatch(PartitionReader::isFinished);
    }

    /** Handles news or a part of it; returns whether it is done. */
    private boolean handle(News each) {
        PartitionReader partition = partitions.get(each.partition());
        if (partition == null || partition.epoch() != each.epoch()) {
            return true;
        }
        if (each instanceof News.Records records) {
            List<ConsumerRecord<byte[], byte[]>> found = records.records();
            int until = Math.min(found.size(), nextRecord + AT_ONCE);
            while (nextRecord < until) {
                partition.add(found.get(nextRecord++));
            }
            if (nextRecord < found.size()) {
                return false;
            }
            if (!found.isEmpty()) {
                partition.received(records.receivedNanos());
            }
            partition.reached(records.next());
        } else if (each instanceof News.Moved moved) {
            LOG.warn("{}: {}", partition.topicPartition(), moved.trouble().detail());
            partition.moved(moved);
        } else if (each instanceof News.Silence silence) {
            partition.silent(silence);
        } else if (each instanceof News.Change change) {
            setTrouble(partition, change.trouble());
        }
        return true;
    }

    private static void setTrouble(PartitionReader partition, Trouble trouble) {
        if (trouble != null) {
            LOG.warn("{} can't be read ({}): {}", partition.topicPartition(), trouble.label(), trouble.detail());
        } else if (partition.trouble() != null) {
            LOG.info("{} can be read again", partition.topicPartition());
        }
        partition.setTrouble(trouble);
    }

    @Override
    public CompletableFuture<Void> isAvailable() {
        return nextNews < news.size() ? NOW : handover.available();
    }

    @Override
    public void addSplits(List<PartitionSplit> splits) {
        for (PartitionSplit split : splits) {
            Consumer<String> foundHere =
                    symbol -> found.computeIfAbsent(split.topic(), unknown -> new HashSet<>()).add(symbol);
            PartitionReader partition = new PartitionReader(
                    settings, split, update -> output.collect(update), foundHere);
            partitions.put(partition.topicPartition(), partition);
            // Events are not state; after a restart they are sent again.
            if (partition.sharesSymbols()) {
                partition.symbols().forEach(foundHere);
            }
            if (topics != null) {
                read(partition);
            }
        }
    }

    @Override
    public void handleSourceEvents(SourceEvent event) {
        if (event instanceof SymbolsFound others) {
            others.symbols().forEach(
                    (topic, more) -> symbols.computeIfAbsent(topic, unknown -> new HashSet<>()).addAll(more));
            for (PartitionReader partition : partitions.values()) {
                if (topics != null && others.symbols().containsKey(partition.topicPartition().topic())) {
                    changed.add(partition);
                }
            }
            handover.wake();
            return;
        }
        Map<String, TopicInfo> before = topics;
        topics = ((TopicsFound) event).topics();
        for (PartitionReader partition : partitions.values()) {
            String topic = partition.topicPartition().topic();
            if (before == null || !Objects.equals(before.get(topic), topics.get(topic))) {
                read(partition);
            }
        }
    }

    /** Reads a partition if its topic exists, from the beginning if the topic was recreated. */
    private void read(PartitionReader partition) {
        TopicPartition topicPartition = partition.topicPartition();
        changed.add(partition);
        handover.wake();
        if (!isThere(partition)) {
            fetcher.unassign(topicPartition);
            setTrouble(partition, Trouble.now(Trouble.GONE, topicPartition + " does not exist"));
            return;
        }
        if (!partition.confirm(topics.get(topicPartition.topic()))) {
            LOG.warn("{} was recreated; reading starts at its beginning", topicPartition);
        }
        setTrouble(partition, null);
        fetcher.assign(topicPartition, partition.epoch(), partition.offset());
    }

    @Override
    public void notifyNoMoreSplits() {
        noMoreSplits = true;
        handover.wake();
    }

    @Override
    public List<PartitionSplit> snapshotState(long checkpointId) {
        List<PartitionSplit> splits = new ArrayList<>();
        Map<TopicPartition, OffsetAndMetadata> reached = new HashMap<>();
        for (PartitionReader partition : partitions.values()) {
            splits.add(partition.snapshot());
            boolean isGone = partition.trouble() != null && partition.trouble().problem().equals(Trouble.GONE);
            if (partition.offset() >= 0 && !isGone) {
                String metadata = partition.trouble() == null ? "" : partition.trouble().toMetadata();
                reached.put(partition.topicPartition(), new OffsetAndMetadata(partition.offset(), metadata));
            }
        }
        uncommitted.put(checkpointId, reached);
        if (uncommitted.size() > MOST_UNCOMMITTED) {
            uncommitted.pollFirstEntry();
        }
        return splits;
    }

    @Override
    public void notifyCheckpointComplete(long checkpointId) {
        Map<TopicPartition, OffsetAndMetadata> reached = uncommitted.get(checkpointId);
        uncommitted.headMap(checkpointId, true).clear();
        if (reached == null) {
            return;
        }
        if (System.nanoTime() - committedAllNanos > COMMIT_ALL_NANOS) {
            // A commit may have failed, and commits of silent partitions expire.
            committed.clear();
            committedAllNanos = System.nanoTime();
        }
        reached.entrySet().removeIf(each -> each.getValue().equals(committed.get(each.getKey())));
        if (!reached.isEmpty()) {
            committed.putAll(reached);
            fetcher.commit(reached);
        }
    }

    @Override
    public void close() {
        fetcher.close();
    }
}
