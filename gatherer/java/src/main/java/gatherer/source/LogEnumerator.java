package gatherer.source;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import org.apache.flink.api.connector.source.SourceEvent;
import org.apache.flink.api.connector.source.SplitEnumerator;
import org.apache.flink.api.connector.source.SplitEnumeratorContext;
import org.apache.flink.api.connector.source.SplitsAssignment;
import org.apache.flink.kafka.shaded.org.apache.kafka.clients.admin.Admin;
import org.apache.flink.kafka.shaded.org.apache.kafka.clients.admin.ListOffsetsOptions;
import org.apache.flink.kafka.shaded.org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.flink.kafka.shaded.org.apache.kafka.clients.admin.TopicDescription;
import org.apache.flink.kafka.shaded.org.apache.kafka.common.IsolationLevel;
import org.apache.flink.kafka.shaded.org.apache.kafka.common.KafkaFuture;
import org.apache.flink.kafka.shaded.org.apache.kafka.common.TopicPartition;
import org.apache.flink.kafka.shaded.org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks for topics, assigns each new partition to the reader with the fewest, and tells all readers which topics exist.
 *
 * <p>Brokers that do not answer delay only new topics.
 */
final class LogEnumerator implements SplitEnumerator<PartitionSplit, EnumeratorState> {
    private static final Logger LOG = LoggerFactory.getLogger(LogEnumerator.class);
    private static final Duration PATIENCE = Duration.ofSeconds(5);

    private final SourceSettings settings;
    private final SplitEnumeratorContext<PartitionSplit> context;
    private final Admin admin;

    /** Every topic that was ever found, with its largest number of partitions. */
    private final Map<String, TopicInfo> known;

    private final List<PartitionSplit> unassigned;

    /** By reader: the number of its partitions, and the topics that were last sent to it. */
    private final Map<Integer, Integer> load = new HashMap<>();

    private final Map<Integer, Map<String, TopicInfo>> sent = new HashMap<>();

    /** The former ids of recreated topics. */
    private final Set<String> left = new HashSet<>();

    /** By topic, see {@link SymbolsFound}. */
    private final Map<String, Set<String>> symbols = new HashMap<>();

    /** Null before the brokers have answered. */
    private Map<String, TopicInfo> found;

    private boolean warned;

    LogEnumerator(SourceSettings settings, SplitEnumeratorContext<PartitionSplit> context, EnumeratorState state) {
        this.settings = settings;
        this.context = context;
        known = new TreeMap<>(state.known());
        unassigned = new ArrayList<>(state.unassigned());
        admin = Admin.create(settings.kafkaOf("topics"));
    }

    @Override
    public void start() {
        if (settings.untilNow()) {
            context.callAsync(this::look, this::foundAll);
        } else {
            context.callAsync(this::look, this::foundSome, 0, settings.discoveryMs());
        }
    }

    /** Runs in a thread of its own. */
    private Look look() throws Exception {
        List<String> ours = new ArrayList<>();
        for (String topic : admin.listTopics().names().get()) {
            if (settings.reads(topic)) {
                ours.add(topic);
            }
        }
        Map<String, TopicInfo> topics = new TreeMap<>();
        for (Map.Entry<String, KafkaFuture<TopicDescription>> each :
                admin.describeTopics(ours).topicNameValues().entrySet()) {
            try {
                TopicDescription topic = each.getValue().get();
                topics.put(each.getKey(), new TopicInfo(topic.topicId().toString(), topic.partitions().size()));
            } catch (ExecutionException error) {
                if (!(error.getCause() instanceof UnknownTopicOrPartitionException)) {
                    throw error;
                }
                // It was deleted a moment ago.
            }
        }
        return new Look(topics, settings.untilNow() ? ends(topics) : Map.of());
    }

    private Map<TopicPartition, Long> ends(Map<String, TopicInfo> topics) throws Exception {
        Map<TopicPartition, OffsetSpec> asked = new HashMap<>();
        topics.forEach((topic, info) -> {
            for (int partition = 0; partition < info.partitions(); partition++) {
                asked.put(new TopicPartition(topic, partition), OffsetSpec.latest());
            }
        });
        Map<TopicPartition, Long> ends = new HashMap<>();
        admin.listOffsets(asked, new ListOffsetsOptions(IsolationLevel.READ_COMMITTED))
                .all()
                .get()
                .forEach((partition, end) -> ends.put(partition, end.offset()));
        return ends;
    }

    private void foundAll(Look look, Throwable error) {
        if (error != null) {
            throw new IllegalStateException("the topics could not be listed", error);
        }
        foundSome(look, null);
    }

    private void foundSome(Look look, Throwable error) {
        if (error != null) {
            if (!warned) {
                LOG.warn("Topics could not be listed; new ones are not seen until they can", error);
            }
            warned = true;
            return;
        }
        warned = false;
        // A broker that lags behind may still describe a topic that was recreated since.
        look.topics.replaceAll((topic, info) -> left.contains(info.id()) ? known.get(topic) : info);
        found = look.topics;
        found.forEach((topic, info) -> {
            TopicInfo before = known.get(topic);
            if (before != null && !before.id().equals(info.id())) {
                left.add(before.id());
            }
            int had = before == null ? 0 : before.partitions();
            for (int partition = had; partition < info.partitions(); partition++) {
                LOG.info("Reading partition {} of {}", partition, topic);
                long stop = look.ends.getOrDefault(new TopicPartition(topic, partition), PartitionSplit.NEVER);
                unassigned.add(PartitionSplit.unread(topic, partition, info, stop));
            }
            // A topic that was recreated with fewer partitions may get the others back.
            known.put(topic, new TopicInfo(info.id(), Math.max(had, info.partitions())));
        });
        handOut();
    }

    private void handOut() {
        if (found == null || context.registeredReaders().size() < context.currentParallelism()) {
            return; // otherwise the first reader would get everything
        }
        for (int reader : context.registeredReaders().keySet()) {
            if (!found.equals(sent.get(reader))) {
                context.sendEventToSourceReader(reader, new TopicsFound(found));
                sent.put(reader, found);
            }
        }
        Map<Integer, List<PartitionSplit>> assignment = new HashMap<>();
        for (PartitionSplit split : unassigned) {
            int reader = leastLoaded();
            load.merge(reader, 1, Integer::sum);
            assignment.computeIfAbsent(reader, unknown -> new ArrayList<>()).add(split);
        }
        unassigned.clear();
        if (!assignment.isEmpty()) {
            context.assignSplits(new SplitsAssignment<>(assignment));
        }
        if (settings.untilNow()) {
            context.registeredReaders().keySet().forEach(context::signalNoMoreSplits);
        }
    }

    private int leastLoaded() {
        int best = -1;
        for (int reader : context.registeredReaders().keySet()) {
            if (best < 0 || load.getOrDefault(reader, 0) < load.getOrDefault(best, 0)) {
                best = reader;
            }
        }
        return best;
    }

    @Override
    public void handleSplitRequest(int subtask, String host) {
        // Readers do not ask; partitions are assigned to them.
    }

    @Override
    public void handleSourceEvent(int subtask, SourceEvent event) {
        Map<String, Set<String>> fresh = new HashMap<>();
        ((SymbolsFound) event).symbols().forEach((topic, found) -> {
            Set<String> known = symbols.computeIfAbsent(topic, unknown -> new HashSet<>());
            Set<String> added = new HashSet<>(found);
            added.removeAll(known);
            known.addAll(added);
            fresh.put(topic, added);
        });
        for (int reader : context.registeredReaders().keySet()) {
            context.sendEventToSourceReader(reader, new SymbolsFound(fresh));
        }
    }

    @Override
    public void addSplitsBack(List<PartitionSplit> splits, int subtask) {
        unassigned.addAll(splits);
        load.remove(subtask);
        sent.remove(subtask);
        handOut();
    }

    @Override
    public void addReader(int subtask) {
        sent.remove(subtask);
        context.sendEventToSourceReader(subtask, new SymbolsFound(new HashMap<>(symbols)));
        handOut();
    }

    @Override
    public EnumeratorState snapshotState(long checkpointId) {
        return new EnumeratorState(known, List.copyOf(unassigned));
    }

    @Override
    public void close() throws IOException {
        admin.close(PATIENCE);
    }

    /** The brokers' answer: topics, and the ends of their partitions if those were asked for. */
    private record Look(Map<String, TopicInfo> topics, Map<TopicPartition, Long> ends) {}
}
