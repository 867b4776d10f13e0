package peer;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.regex.Pattern;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.AggregateFunction;
import org.apache.flink.api.common.serialization.AbstractDeserializationSchema;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.flink.connector.kafka.sink.KafkaSink;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.kafka.shaded.org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.ObjectMapper;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.windowing.ProcessWindowFunction;
import org.apache.flink.streaming.api.windowing.assigners.SlidingEventTimeWindows;
import org.apache.flink.streaming.api.windowing.assigners.TumblingEventTimeWindows;
import org.apache.flink.streaming.api.windowing.windows.TimeWindow;
import org.apache.flink.util.Collector;

/**
 * What a good engineer writes in a day: a window of ten seconds every second, by Flink's own windows. Ticks are added
 * up per second first; a sliding window would add each of them ten times.
 */
public final class DataStreamJob {
    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss.SSS");

    private DataStreamJob() {
    }

    /** Adds the job to an environment. It reads all topics that match the pattern to their present ends. */
    public static void add(StreamExecutionEnvironment environment, String servers, String topics, String output) {
        KafkaSource<Tick> source = KafkaSource.<Tick>builder()
                                           .setBootstrapServers(servers)
                                           .setTopicPattern(Pattern.compile(topics))
                                           .setStartingOffsets(OffsetsInitializer.earliest())
                                           .setBounded(OffsetsInitializer.latest())
                                           .setValueOnlyDeserializer(new Parse())
                                           .build();
        KafkaSink<Sums> sink =
                KafkaSink.<Sums>builder().setBootstrapServers(servers).setRecordSerializer(new Write(output)).build();
        WatermarkStrategy<Tick> watermarks = WatermarkStrategy.<Tick>forBoundedOutOfOrderness(Duration.ofMillis(500))
                                                     .withTimestampAssigner((tick, before) -> tick.ms);
        environment.fromSource(source, watermarks, "ticks")
                .keyBy(tick -> tick.symbol)
                .window(TumblingEventTimeWindows.of(Duration.ofSeconds(1)))
                .aggregate(new AddTicks())
                .keyBy(sums -> sums.symbol)
                .window(SlidingEventTimeWindows.of(Duration.ofSeconds(10), Duration.ofSeconds(1)))
                .aggregate(new AddSums(), new Ended())
                .sinkTo(sink);
    }

    /** One tick. */
    public static final class Tick {
        public String symbol;
        public long ms;
        public double price;
    }

    /** Sums that can be merged (Chan, Golub and LeVeque). */
    public static final class Sums {
        public String symbol;
        public long end;
        public long count;
        public double mean;
        public double squares;
        public double min = Double.POSITIVE_INFINITY;
        public double max = Double.NEGATIVE_INFINITY;

        void add(Tick tick) {
            symbol = tick.symbol;
            count++;
            double apart = tick.price - mean;
            mean += apart / count;
            squares += apart * (tick.price - mean);
            min = Math.min(min, tick.price);
            max = Math.max(max, tick.price);
        }

        void add(Sums other) {
            symbol = other.symbol;
            double apart = other.mean - mean;
            long both = count + other.count;
            squares += other.squares + apart * apart * count * other.count / both;
            mean += apart * other.count / both;
            count = both;
            min = Math.min(min, other.min);
            max = Math.max(max, other.max);
        }

        String toJson() {
            return "{\"symbol\":\"" + symbol + "\",\"window_end\":" + end + ",\"count\":" + count + ",\"min\":" + min
                    + ",\"max\":" + max + ",\"mean\":" + mean
                    + ",\"stddev\":" + (count < 2 ? "null" : Double.toString(Math.sqrt(squares / (count - 1)))) + "}";
        }
    }

    /** Reads ticks, and skips everything else. */
    private static final class Parse extends AbstractDeserializationSchema<Tick> {
        private static final long serialVersionUID = 1L;

        private transient ObjectMapper mapper;

        @Override
        public void open(InitializationContext context) {
            mapper = new ObjectMapper();
        }

        @Override
        public Tick deserialize(byte[] value) {
            try {
                JsonNode record = mapper.readTree(value);
                Tick tick = new Tick();
                tick.symbol = record.path("symbol").textValue();
                tick.price = record.path("price").asDouble();
                tick.ms =
                        LocalDateTime.parse(record.path("ts").asText(), TIME).toInstant(ZoneOffset.UTC).toEpochMilli();
                return tick.symbol != null && tick.price > 0 ? tick : null;
            } catch (IOException | DateTimeException invalid) {
                return null;
            }
        }
    }

    private static final class Write implements KafkaRecordSerializationSchema<Sums> {
        private static final long serialVersionUID = 1L;

        private final String topic;

        Write(String topic) {
            this.topic = topic;
        }

        @Override
        public ProducerRecord<byte[], byte[]> serialize(Sums sums, KafkaSinkContext context, Long timestamp) {
            return new ProducerRecord<>(topic, sums.symbol.getBytes(StandardCharsets.UTF_8),
                    sums.toJson().getBytes(StandardCharsets.UTF_8));
        }
    }

    private abstract static class Adding<IN> implements AggregateFunction<IN, Sums, Sums> {
        private static final long serialVersionUID = 1L;

        @Override
        public Sums createAccumulator() {
            return new Sums();
        }

        @Override
        public Sums getResult(Sums sums) {
            return sums;
        }

        @Override
        public Sums merge(Sums one, Sums other) {
            one.add(other);
            return one;
        }
    }

    private static final class AddTicks extends Adding<Tick> {
        private static final long serialVersionUID = 1L;

        @Override
        public Sums add(Tick tick, Sums sums) {
            sums.add(tick);
            return sums;
        }
    }

    private static final class AddSums extends Adding<Sums> {
        private static final long serialVersionUID = 1L;

        @Override
        public Sums add(Sums pane, Sums sums) {
            sums.add(pane);
            return sums;
        }
    }

    private static final class Ended extends ProcessWindowFunction<Sums, Sums, String, TimeWindow> {
        private static final long serialVersionUID = 1L;

        @Override
        public void process(String symbol, Context context, Iterable<Sums> found, Collector<Sums> out) {
            for (Sums sums : found) {
                sums.end = context.window().getEnd();
                out.collect(sums);
            }
        }
    }
}
