package gatherer.source;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.apache.flink.kafka.shaded.org.apache.kafka.clients.admin.Admin;
import org.apache.flink.kafka.shaded.org.apache.kafka.clients.admin.ListOffsetsOptions;
import org.apache.flink.kafka.shaded.org.apache.kafka.clients.admin.ListOffsetsResult;
import org.apache.flink.kafka.shaded.org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.flink.kafka.shaded.org.apache.kafka.common.IsolationLevel;
import org.apache.flink.kafka.shaded.org.apache.kafka.common.KafkaFuture;
import org.apache.flink.kafka.shaded.org.apache.kafka.common.TopicPartition;
import org.apache.flink.kafka.shaded.org.apache.kafka.common.errors.InterruptException;

/**
 * Asks the brokers where logs begin and end, without waiting for the answers. A log ends after the last record that all
 * in-sync replicas have, open transactions included. Only such an end proves that nothing follows.
 */
final class LogEnds {
    private static final int CALL_MS = 5000;

    /** How often to ask for a partition without new records, and for one whose clock runs on in a silence. */
    private static final long SELDOM_NANOS = TimeUnit.SECONDS.toNanos(5);

    private static final long OFTEN_NANOS = TimeUnit.MILLISECONDS.toNanos(500);

    private final Admin admin;
    private final long idleNanos;
    private final Map<TopicPartition, Question> open = new HashMap<>();
    private final Map<TopicPartition, Long> answeredNanos = new HashMap<>();

    LogEnds(Admin admin, long idleMs) {
        this.admin = admin;
        idleNanos = TimeUnit.MILLISECONDS.toNanos(idleMs);
    }

    /** Asks for the end of each partition that is due, or for its beginning when its offset is unknown. */
    void ask(Map<TopicPartition, Fetcher.PartitionState> partitions) {
        long now = System.nanoTime();
        answeredNanos.keySet().retainAll(partitions.keySet());
        Map<TopicPartition, OffsetSpec> asked = new HashMap<>();
        partitions.forEach((partition, state) -> {
            boolean isUnknown = state.next == PartitionSplit.EARLIEST;
            long every = isUnknown || now - state.heardNanos > idleNanos - 2 * OFTEN_NANOS ? OFTEN_NANOS : SELDOM_NANOS;
            long last = answeredNanos.getOrDefault(partition, now - SELDOM_NANOS);
            if (!open.containsKey(partition) && now - last >= every && (isUnknown || now - state.heardNanos >= every)) {
                asked.put(partition, isUnknown ? OffsetSpec.earliest() : OffsetSpec.latest());
            }
        });
        if (asked.isEmpty()) {
            return;
        }
        long nowMs = System.currentTimeMillis();
        ListOffsetsResult result = admin.listOffsets(asked, options());
        asked.keySet().forEach(partition
                -> open.put(partition,
                        new Question(partitions.get(partition).epoch, nowMs, now, result.partitionResult(partition))));
    }

    /** The answers that have come since the last call. */
    List<Answer> answers() {
        List<Answer> answers = new ArrayList<>();
        for (Iterator<Map.Entry<TopicPartition, Question>> each = open.entrySet().iterator(); each.hasNext();) {
            Map.Entry<TopicPartition, Question> entry = each.next();
            Question question = entry.getValue();
            if (!question.answer.isDone()) {
                continue;
            }
            each.remove();
            answeredNanos.put(entry.getKey(), System.nanoTime());
            long offset = -1;
            Throwable error = null;
            try {
                offset = question.answer.get().offset();
            } catch (ExecutionException failed) {
                error = failed.getCause();
            } catch (InterruptedException stopped) {
                Thread.currentThread().interrupt();
                return answers;
            }
            answers.add(
                    new Answer(entry.getKey(), question.epoch, question.askedMs, question.askedNanos, offset, error));
        }
        return answers;
    }

    /**
     * The partitions whose log has more at the given offset, or is unknown. Waits for the answers.
     */
    Set<TopicPartition> withMore(Map<TopicPartition, Long> offsets) {
        Map<TopicPartition, OffsetSpec> asked = new HashMap<>();
        offsets.keySet().forEach(partition -> asked.put(partition, OffsetSpec.latest()));
        ListOffsetsResult result = admin.listOffsets(asked, options());
        Set<TopicPartition> found = new HashSet<>();
        offsets.forEach((partition, offset) -> {
            try {
                if (result.partitionResult(partition).get().offset() > offset) {
                    found.add(partition);
                }
            } catch (ExecutionException unknown) {
                found.add(partition);
            } catch (InterruptedException stopped) {
                throw new InterruptException(stopped);
            }
        });
        return found;
    }

    private static ListOffsetsOptions options() {
        return new ListOffsetsOptions(IsolationLevel.READ_UNCOMMITTED).timeoutMs(CALL_MS);
    }

    private record Question(
            int epoch, long askedMs, long askedNanos, KafkaFuture<ListOffsetsResult.ListOffsetsResultInfo> answer) {}

    /** @param error null when there is an offset */
    record Answer(TopicPartition partition, int epoch, long askedMs, long askedNanos, long offset, Throwable error) {}
}
