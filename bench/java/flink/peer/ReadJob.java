package peer;

import gatherer.records.InputFormat;
import gatherer.records.Reading;
import gatherer.records.RecordParser;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import java.util.regex.Pattern;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.connector.kafka.source.reader.deserializer.KafkaRecordDeserializationSchema;
import org.apache.flink.kafka.shaded.org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.apache.flink.util.Collector;

/** Reads the same topics with Flink's own source and discards what it reads: the least that a job can cost. */
public final class ReadJob {
    private ReadJob() {
    }

    /**
     * Adds the job to an environment. It reads all topics that match the pattern to their present ends.
     *
     * @param topicStart null: look at each byte only; else what precedes the symbol in the name of a topic: read each
     *         record as the gatherer does
     */
    public static void add(StreamExecutionEnvironment environment, String servers, String topics, String topicStart) {
        KafkaSource<Long> source = KafkaSource.<Long>builder()
                                           .setBootstrapServers(servers)
                                           .setTopicPattern(Pattern.compile(topics))
                                           .setStartingOffsets(OffsetsInitializer.earliest())
                                           .setBounded(OffsetsInitializer.latest())
                                           .setDeserializer(topicStart == null ? new Bytes() : new Parse(topicStart))
                                           .build();
        environment.fromSource(source, WatermarkStrategy.noWatermarks(), "read").sinkTo(new DiscardingSink<>());
    }

    private abstract static class Read implements KafkaRecordDeserializationSchema<Long> {
        private static final long serialVersionUID = 1L;

        @Override
        public TypeInformation<Long> getProducedType() {
            return Types.LONG;
        }
    }

    private static final class Bytes extends Read {
        private static final long serialVersionUID = 1L;

        @Override
        public void deserialize(ConsumerRecord<byte[], byte[]> record, Collector<Long> out) throws IOException {
            long sum = 0;
            for (byte each : record.value()) {
                sum += each;
            }
            out.collect(sum);
        }
    }

    private static final class Parse extends Read {
        private static final long serialVersionUID = 1L;
        private static final long FUTURE_MS = 60_000;

        private final String topicStart;
        private transient Map<String, RecordParser> parsers;
        private transient Reading reading;

        Parse(String topicStart) {
            this.topicStart = topicStart;
        }

        @Override
        public void deserialize(ConsumerRecord<byte[], byte[]> record, Collector<Long> out) throws IOException {
            if (parsers == null) {
                parsers = new HashMap<>();
                reading = new Reading();
            }
            parsers.computeIfAbsent(record.topic(), topic -> InputFormat.positions(topicStart).parser(topic, FUTURE_MS))
                    .read(record.key(), record.value(), record.timestamp(), reading);
            out.collect(reading.units);
        }
    }
}
