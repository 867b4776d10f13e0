package peer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Arrays;
import java.util.List;
import java.util.Properties;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.Suppressed;
import org.apache.kafka.streams.kstream.Suppressed.BufferConfig;
import org.apache.kafka.streams.kstream.TimeWindows;
import org.apache.kafka.streams.state.Stores;
import org.apache.kafka.streams.state.WindowStore;

/**
 * Windows of ten seconds every second in Kafka Streams, with ticks added up per second first. Stores are in memory,
 * and the cache keeps a change per tick from the changelog.
 */
public final class StreamsPeer {
    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss.SSS");
    private static final Duration BOUND = Duration.ofMillis(500);

    private StreamsPeer() {
    }

    private record Tick(String symbol, long ms, double price) {}

    /** Sums that can be merged (Chan, Golub and LeVeque). */
    private record Sums(long count, double mean, double squares, double min, double max) {
        static final Sums NONE = new Sums(0, 0, 0, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY);

        Sums plus(Tick tick) {
            double apart = tick.price - mean;
            double middle = mean + apart / (count + 1);
            return new Sums(count + 1, middle, squares + apart * (tick.price - middle), Math.min(min, tick.price),
                    Math.max(max, tick.price));
        }

        Sums plus(Sums other) {
            double apart = other.mean - mean;
            long both = count + other.count;
            return new Sums(both, mean + apart * other.count / both,
                    squares + other.squares + apart * apart * count * other.count / both, Math.min(min, other.min),
                    Math.max(max, other.max));
        }

        byte[] toBytes() {
            return ByteBuffer.allocate(40)
                    .putLong(count)
                    .putDouble(mean)
                    .putDouble(squares)
                    .putDouble(min)
                    .putDouble(max)
                    .array();
        }

        static Sums of(byte[] bytes) {
            ByteBuffer in = ByteBuffer.wrap(bytes);
            return new Sums(in.getLong(), in.getDouble(), in.getDouble(), in.getDouble(), in.getDouble());
        }

        String toJson(String symbol, long end) {
            return "{\"symbol\":\"" + symbol + "\",\"window_end\":" + end + ",\"count\":" + count + ",\"min\":" + min
                    + ",\"max\":" + max + ",\"mean\":" + mean
                    + ",\"stddev\":" + (count < 2 ? "null" : Double.toString(Math.sqrt(squares / (count - 1)))) + "}";
        }
    }

    private static Serde<Tick> ticks() {
        ObjectMapper mapper = new ObjectMapper();
        return Serdes.serdeFrom((topic, tick)
                                        -> { throw new UnsupportedOperationException(); },
                (topic, bytes) -> {
                    try {
                        JsonNode record = mapper.readTree(bytes);
                        long ms = LocalDateTime.parse(record.path("ts").asText(), TIME)
                                          .toInstant(ZoneOffset.UTC)
                                          .toEpochMilli();
                        Tick tick = new Tick(record.path("symbol").textValue(), ms, record.path("price").asDouble());
                        return tick.symbol != null && tick.price > 0 ? tick : null;
                    } catch (IOException | DateTimeException invalid) {
                        return null;
                    }
                });
    }

    private static Materialized<String, Sums, WindowStore<Bytes, byte[]>> store(
            String name, Serde<Sums> sums, Duration size) {
        return Materialized
                .<String, Sums>as(Stores.inMemoryWindowStore(name, size.plus(BOUND).multipliedBy(2), size, false))
                .withKeySerde(Serdes.String())
                .withValueSerde(sums)
                .withCachingEnabled();
    }

    private static void build(StreamsBuilder builder, List<String> topics, String output) {
        Serde<Sums> serde = Serdes.serdeFrom((topic, sums)
                                                     -> sums == null ? null : sums.toBytes(),
                (topic, bytes) -> bytes == null ? null : Sums.of(bytes));
        Duration second = Duration.ofSeconds(1);
        Duration ten = Duration.ofSeconds(10);
        // A record without a tick has no time and is skipped.
        KStream<String, Sums> panes =
                builder.stream(topics,
                               Consumed.with(Serdes.String(), ticks())
                                       .withTimestampExtractor(
                                               (record, before) -> record.value() instanceof Tick tick ? tick.ms : -1))
                        .groupByKey(Grouped.keySerde(Serdes.String()))
                        .windowedBy(TimeWindows.ofSizeAndGrace(second, BOUND))
                        .aggregate(
                                () -> Sums.NONE, (symbol, tick, sums) -> sums.plus(tick), store("panes", serde, second))
                        .suppress(Suppressed.untilWindowCloses(BufferConfig.unbounded()))
                        .toStream((window, sums) -> window.key());
        panes.groupByKey(Grouped.with(Serdes.String(), serde))
                .windowedBy(TimeWindows.ofSizeAndGrace(ten, BOUND).advanceBy(second))
                .aggregate(() -> Sums.NONE, (symbol, pane, sums) -> sums.plus(pane), store("windows", serde, ten))
                .suppress(Suppressed.untilWindowCloses(BufferConfig.unbounded()))
                .toStream()
                .map((window, sums)
                                -> new org.apache.kafka.streams.KeyValue<>(
                                        window.key(), sums.toJson(window.key(), window.window().end())))
                .to(output, Produced.with(Serdes.String(), Serdes.String()));
    }

    /** Arguments: the brokers, the topic of the windows, the name of the group, the topics of the ticks. */
    public static void main(String[] arguments) {
        Properties settings = new Properties();
        settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, arguments[0]);
        settings.put(StreamsConfig.APPLICATION_ID_CONFIG, arguments[2]);
        settings.put(StreamsConfig.STATE_DIR_CONFIG, "state");
        settings.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 1000);
        settings.put(StreamsConfig.consumerPrefix("auto.offset.reset"), "earliest");
        StreamsBuilder builder = new StreamsBuilder();
        build(builder, Arrays.asList(arguments).subList(3, arguments.length), arguments[1]);
        KafkaStreams streams = new KafkaStreams(builder.build(), settings);
        Runtime.getRuntime().addShutdownHook(new Thread(streams::close));
        streams.setUncaughtExceptionHandler(error -> {
            error.printStackTrace();
            return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        });
        streams.start();
    }
}
