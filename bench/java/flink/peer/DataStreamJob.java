package peer;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.LocalDate;
import java.time.LocalTime;
import java.util.regex.Pattern;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.AggregateFunction;
import org.apache.flink.api.common.serialization.AbstractDeserializationSchema;
import org.apache.flink.api.java.tuple.Tuple3;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.flink.connector.kafka.sink.KafkaSink;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.kafka.shaded.org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonFactory;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonParser;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonToken;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.StreamReadFeature;
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
                                                     .withTimestampAssigner((tick, before) -> tick.f1);
        environment.fromSource(source, watermarks, "ticks")
                .keyBy(tick -> tick.f0)
                .window(TumblingEventTimeWindows.of(Duration.ofSeconds(1)))
                .aggregate(new AddTicks())
                .keyBy(sums -> sums.symbol)
                .window(SlidingEventTimeWindows.of(Duration.ofSeconds(10), Duration.ofSeconds(1)))
                .aggregate(new AddSums(), new Ended())
                .sinkTo(sink);
    }

    /** One tick: symbol, epoch milliseconds, price. Flink writes and reads a tuple faster than a class with fields. */
    public static final class Tick extends Tuple3<String, Long, Double> {
        private static final long serialVersionUID = 1L;
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
            double price = tick.f2;
            symbol = tick.f0;
            count++;
            double apart = price - mean;
            mean += apart / count;
            squares += apart * (price - mean);
            min = Math.min(min, price);
            max = Math.max(max, price);
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

    /** Reads ticks, and skips everything else. It gives the same tick again: what follows has written it by then. */
    private static final class Parse extends AbstractDeserializationSchema<Tick> {
        private static final long serialVersionUID = 1L;
        private static final JsonFactory JSON =
                JsonFactory.builder().enable(StreamReadFeature.USE_FAST_DOUBLE_PARSER).build();

        private transient Tick tick;

        @Override
        public void open(InitializationContext context) {
            tick = new Tick();
        }

        @Override
        public Tick deserialize(byte[] value) {
            try (JsonParser json = JSON.createParser(value)) {
                return read(json) ? tick : null;
            } catch (IOException | DateTimeException invalid) {
                return null;
            }
        }

        private boolean read(JsonParser json) throws IOException {
            boolean hasTime = false;
            tick.f0 = null;
            tick.f2 = 0.0;
            json.nextToken();
            for (String name = json.nextFieldName(); name != null; name = json.nextFieldName()) {
                JsonToken token = json.nextToken();
                if (token == JsonToken.VALUE_STRING && name.equals("ts")) {
                    tick.f1 = time(json.getTextCharacters(), json.getTextOffset(), json.getTextLength());
                    hasTime = true;
                } else if (token == JsonToken.VALUE_STRING && name.equals("symbol")) {
                    tick.f0 = json.getText();
                } else if (token.isNumeric() && name.equals("price")) {
                    tick.f2 = json.getDoubleValue();
                } else {
                    json.skipChildren();
                }
            }
            return hasTime && tick.f0 != null && tick.f2 > 0;
        }

        /** Epoch milliseconds of {@code yyyy-MM-dd HH:mm:ss.SSS}, without the objects of a formatter. */
        private static long time(char[] text, int at, int length) {
            if (length != 23 || text[at + 4] != '-' || text[at + 7] != '-' || text[at + 10] != ' '
                    || text[at + 13] != ':' || text[at + 16] != ':' || text[at + 19] != '.') {
                throw new DateTimeException("no time");
            }
            LocalDate day = LocalDate.of(number(text, at, 4), number(text, at + 5, 2), number(text, at + 8, 2));
            LocalTime clock = LocalTime.of(
                    number(text, at + 11, 2), number(text, at + 14, 2), number(text, at + 17, 2));
            return (day.toEpochDay() * 86_400 + clock.toSecondOfDay()) * 1000 + number(text, at + 20, 3);
        }

        private static int number(char[] text, int at, int digits) {
            int number = 0;
            for (int each = at; each < at + digits; each++) {
                if (text[each] < '0' || text[each] > '9') {
                    throw new DateTimeException("no number");
                }
                number = 10 * number + text[each] - '0';
            }
            return number;
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
