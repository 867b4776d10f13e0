package gatherer.source;

import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.concurrent.TimeoutException;
import org.apache.flink.kafka.shaded.org.apache.kafka.common.errors.AuthorizationException;
import org.apache.flink.kafka.shaded.org.apache.kafka.common.errors.CorruptRecordException;
import org.apache.flink.kafka.shaded.org.apache.kafka.common.errors.RetriableException;
import org.apache.flink.kafka.shaded.org.apache.kafka.common.errors.UnknownTopicIdException;
import org.apache.flink.kafka.shaded.org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.apache.flink.kafka.shaded.org.apache.kafka.common.errors.UnsupportedCompressionTypeException;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.ObjectMapper;

/**
 * What is wrong with a partition.
 *
 * @param problem one of the codes that `kafka_topic/README.md` explains
 * @param detail a sentence
 */
record Trouble(String problem, String detail, long sinceMs) {
    static final String GONE = "gone", LEADERLESS = "leaderless", CORRUPT = "corrupt", CODEC = "codec";
    static final String DENIED = "denied", UNREADABLE = "unreadable", LOST = "lost";

    private static final int LONGEST_DETAIL = 600;
    private static final DateTimeFormatter TIME =
            DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss.SSS").withZone(ZoneOffset.UTC);
    private static final ObjectMapper JSON = new ObjectMapper();

    static Trouble now(String problem, String detail) {
        return new Trouble(problem, detail, System.currentTimeMillis());
    }

    /** The trouble of a partition for which Kafka's clients threw an exception. */
    static Trouble of(Throwable error) {
        String problem = UNREADABLE;
        StringBuilder detail = new StringBuilder();
        for (Throwable cause = error; cause != null; cause = cause.getCause()) {
            String found = problemOf(cause);
            problem = found == null ? problem : found;
            String message = cause.getMessage() == null ? "" : cause.getMessage();
            if (detail.indexOf(message) < 0) {
                detail.append(detail.isEmpty() ? "" : ": ").append(message);
            }
        }
        return now(problem, detail.isEmpty() ? error.getClass().getSimpleName() : detail.toString());
    }

    /** For the log. Kafka's client has one error for a leader that is missing and for one that does not answer. */
    String label() {
        return problem.equals(LEADERLESS) ? "no leader answers" : problem;
    }

    private static String problemOf(Throwable cause) {
        String message = String.valueOf(cause.getMessage());
        if (cause instanceof UnknownTopicOrPartitionException || cause instanceof UnknownTopicIdException) {
            return GONE;
        }
        if (cause instanceof AuthorizationException) {
            return DENIED;
        }
        if (cause instanceof LinkageError || cause instanceof UnsupportedCompressionTypeException
                || message.contains("compression type")) {
            return CODEC;
        }
        if (cause instanceof CorruptRecordException || message.contains("corrupt") || message.contains("is invalid")
                || message.contains("decompress") || message.contains("fetching the next record")) {
            return CORRUPT;
        }
        if (cause instanceof TimeoutException || cause instanceof RetriableException) {
            return LEADERLESS;
        }
        return null;
    }

    /**
     * The metadata of the committed offset. It ends with a NUL: librdkafka, which `pipectl status` uses, copies the
     * metadata without one, and would read beyond its end.
     */
    String toMetadata() {
        String shown = detail.length() > LONGEST_DETAIL ? detail.substring(0, LONGEST_DETAIL) : detail;
        return JSON.createObjectNode()
                       .put("problem", problem)
                       .put("detail", shown)
                       .put("since", TIME.format(Instant.ofEpochMilli(sinceMs)))
                + "\u0000";
    }
}
