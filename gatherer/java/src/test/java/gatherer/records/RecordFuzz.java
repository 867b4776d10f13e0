package gatherer.records;

import java.io.ByteArrayOutputStream;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.Consumer;

/**
 * Records of every kind, most of them almost right, read in both ways.
 *
 * <p>{@code main} compares as many as it is told (a million by itself), then says how long each way takes for a plain
 * tick.
 */
final class RecordFuzz {
    static final long WRITTEN_MS = 1_795_309_400_000L;
    static final long FUTURE_MS = 60_000;

    /** A tick of each format, with its key. */
    record Kind(String name, InputFormat format, String topic, String key, List<String> ticks) {}

    static final List<Kind> KINDS = List.of(
            new Kind("positions", InputFormat.positions("position."), "position.AAPL", "AAPL",
                    List.of("{'ts': '2026-11-22 01:02:03.004', 'symbol': 'AAPL', 'price': 238.32}",
                            "{'ts':'2026-11-22 01:02:03','symbol':'AAPL','price':238}",
                            " { 'price' : 0.1 , 'symbol' : 'AAPL' , 'ts' : '2026-02-28 23:59:59.123456789' } ",
                            "{'ts': '2024-02-29 00:00:00.1', 'symbol': 'AAPL', 'price': 999999999.99999999}",
                            "{'ts': '2026-11-22 01:02:03.04', 'symbol': 'AAPL', 'price': 0.30000000000000004, 'id': "
                                    + "12, 'x': [1]}",
                            "{'id': 'a1', 'ok': true, 'no': null, 'ts': '2000-01-01 00:00:00.000', 'symbol': 'AAPL', "
                                    + "'price': 1e-8}")),
            new Kind("key", only("{'topic': 'prices'}"), "prices", "BRK.B",
                    List.of("{'ts': '2026-11-22 01:02:03.004', 'price': 238.32}",
                            "{'ts': '2049-12-31 23:59:59.999', 'price': '238.32'}",
                            "{'venue': 'X', 'size': -1.5, 'ts': '2026-11-22 01:02:03.004', 'price': 238.32}")),
            new Kind("nested",
                    only("{'pattern': 'md[.].+', 'symbol': 'field', 'time': 'iso8601',"
                            + "'fields': {'time': 'q.at', 'symbol': 's', 'price': 'q.px'}, 'symbols': {'EUR/USD': "
                            + "'EURUSD'}}"),
                    "md.fx", "",
                    List.of("{'s': 'EUR/USD', 'q': {'at': '2026-11-22T01:02:03.004Z', 'px': 1.08}}",
                            "{'q': {'px': '1.08', 'at': '2026-11-22T01:02:03+05:30'}, 's': 'GBPUSD'}",
                            "{'s': 'EUR/USD', 'q': {'at': '2026-11-22T01:02-0930'}, 'q': {'px': 1.08, 'bid': {}}}")),
            epoch("epoch_s", "1795309323.004", "1795309323", "'1795309323.5'"),
            epoch("epoch_ms", "1795309323004", "'1795309323004'", "1.795309323004e12"),
            epoch("epoch_us", "1795309323004567", "1795309323004567.8", "'1795309323004567'"),
            new Kind("topic",
                    only("{'pattern': 'md[.](?<symbol>[^.]+)[.]ticks', 'symbol': 'topic', 'time': 'record',"
                            + "'fields': {'price': 'p'}, 'symbols': {'EUR_USD': 'EURUSD'}}"),
                    "md.EUR_USD.ticks", null, List.of("{'p': 1.08}", "{'p':'1.08000'}", "{'v': 1, 'p': 12}")));

    /** What breaks readers. */
    private static final String[] TOKENS = {"'", "\\", "{", "}", "[", "]", ",", ":", " ", "\n", "\t", "-", "+", ".",
            "0", "9", "e5", "E-3", "00", "null", "true", "false", "NaN", "\u00e9", "\u0000", "\u007f", "\\u0074", "\\'",
            "ts", "symbol", "price", "AAPL", "-0", "-0.5", "1e999999999", "1e99999999999", "1e2147483647",
            "1e-2147483647", "1e-2147483640", "0.000000005", "0.0000000049", "999999999.999999995", "1000000000",
            "238.323232325", "2026-02-30", "2026-13-01", "24:00:00", "23:59:60", "2050-01-01", "1999-12-31", "/USD",
            "'ts':1,", "'price':2,", "{}", "[]", "//", "12345678901234567890", "T", "Z", "+02:00", "\ufeff",
            "1795309523004", "2026-11-22 01:05:00.000"};

    private RecordFuzz() {
    }

    static InputFormat only(String json) {
        return InputFormat.parse("[" + json.replace('\'', '"') + "]").get(0);
    }

    private static Kind epoch(String form, String... times) {
        List<String> ticks = new ArrayList<>();
        for (String time : times) {
            ticks.add("{'E': " + time + ", 's': 'BTC-USD', 'p': '-37.5'}");
            ticks.add("{'p':0,'s':'ETH-USD','E':" + time + "}");
        }
        String json = "{'topic': 'trades', 'symbol': 'field', 'time': '" + form + "', 'non_positive': true,"
                + "'fields': {'time': 'E', 'symbol': 's', 'price': 'p'}}";
        return new Kind(form, only(json), "trades", null, ticks);
    }

    /**
     * Reads `count` records of each kind in both ways.
     *
     * @return how many there were of each outcome: tick or a reason
     * @throws AssertionError for a record that the two ways read differently
     */
    static Map<String, Integer> compare(int count, long seed) {
        Map<String, Integer> outcomes = new TreeMap<>();
        Random random = new Random(seed);
        Reading fast = new Reading();
        Reading careful = new Reading();
        for (Kind kind : KINDS) {
            RecordParser parser = kind.format.parser(kind.topic, FUTURE_MS);
            RecordParser other = kind.format.parser(kind.topic, FUTURE_MS);
            for (int left = count; left > 0; left--) {
                byte[] value = random.nextInt(1000) == 0 ? null : record(kind, random);
                byte[] key = key(kind, random);
                parser.read(key, value, WRITTEN_MS, fast);
                other.readCarefully(key, value, WRITTEN_MS, careful);
                if (!same(fast, careful)) {
                    throw new AssertionError(kind.name + ", key " + text(key) + ": " + text(value)
                            + "\nfast: " + said(fast) + "\ncareful: " + said(careful));
                }
                outcomes.merge(fast.isTick() ? "tick" : fast.reason, 1, Integer::sum);
            }
        }
        return outcomes;
    }

    private static boolean same(Reading one, Reading other) {
        return Objects.equals(one.symbol, other.symbol) && one.ms == other.ms && one.units == other.units
                && Objects.equals(one.reason, other.reason) && Objects.equals(one.detail, other.detail);
    }

    private static String said(Reading reading) {
        return reading.symbol + ", " + reading.ms + ", " + reading.units + ", " + reading.reason + ": "
                + reading.detail;
    }

    static byte[] bytes(String text) {
        return text.replace('\'', '"').getBytes(StandardCharsets.UTF_8);
    }

    private static String text(byte[] bytes) {
        return bytes == null ? null : new String(bytes, StandardCharsets.UTF_8);
    }

    private static byte[] key(Kind kind, Random random) {
        if (kind.key == null || random.nextInt(100) == 0) {
            return null;
        }
        byte[] key = bytes(kind.key);
        return random.nextInt(20) == 0 ? mutated(key, random) : key;
    }

    private static byte[] record(Kind kind, Random random) {
        byte[] record = bytes(kind.ticks.get(random.nextInt(kind.ticks.size())));
        for (int left = random.nextInt(4); left > 0; left--) {
            record
            = mutated(record, random);
        }
        return random.nextInt(100) == 0 ? encoded(record, random) : record;
    }

    /** The same in another encoding that JSON may have. */
    private static byte[] encoded(byte[] record, Random random) {
        String[] names = {"UTF-16", "UTF-16LE", "UTF-32", "UTF-32LE"};
        return new String(record, StandardCharsets.UTF_8).getBytes(Charset.forName(names[random.nextInt(4)]));
    }

    private static byte[] mutated(byte[] bytes, Random random) {
        int at = random.nextInt(bytes.length + 1);
        int to = Math.min(bytes.length, at + random.nextInt(6));
        ByteArrayOutputStream made = new ByteArrayOutputStream();
        made.write(bytes, 0, at);
        switch (random.nextInt(8)) {
            case 0 -> made.write(bytes, to, bytes.length - to); // some bytes are gone
            case 1 -> made.write(bytes, at, to - at); // all behind is gone
            case 2 -> { // some come twice
                made.write(bytes, at, to - at);
                made.write(bytes, at, bytes.length - at);
            }
            case 3 -> { // a digit is another one, or a bit is
                byte[] rest = Arrays.copyOfRange(bytes, at, bytes.length);
                if (rest.length > 0) {
                    rest[0] = (byte) (Bytes.isDigit(rest[0]) ? '0' + random.nextInt(10)
                                                             : rest[0] ^ 1 << random.nextInt(8));
                }
                made.writeBytes(rest);
            }
            case 4 -> { // a number is another one
                int number = at;
                while (number < bytes.length && !Bytes.isDigit(bytes[number])) {
                    made.write(bytes[number++]);
                }
                int behind = number;
                while (behind < bytes.length && (Bytes.isDigit(bytes[behind]) || bytes[behind] == '.')) {
                    behind++;
                }
                made.writeBytes(bytes(TOKENS[random.nextInt(TOKENS.length)]));
                made.write(bytes, behind, bytes.length - behind);
            }
            default -> { // something new stands before, or in place of some
                made.writeBytes(bytes(TOKENS[random.nextInt(TOKENS.length)]));
                int from = random.nextBoolean() ? at : to;
                made.write(bytes, from, bytes.length - from);
            }
        }
        return made.toByteArray();
    }

    public static void main(String[] arguments) {
        int count = arguments.length == 0 ? 1_000_000 : Integer.parseInt(arguments[0]);
        System.out.println(compare(count / KINDS.size(), System.nanoTime()));
        for (Kind kind : KINDS) {
            RecordParser parser = kind.format.parser(kind.topic, FUTURE_MS);
            byte[] key = kind.key == null ? null : bytes(kind.key);
            byte[] value = bytes(kind.ticks.get(0));
            double fast = nanos(into -> parser.read(key, value, WRITTEN_MS, into));
            double careful = nanos(into -> parser.readCarefully(key, value, WRITTEN_MS, into));
            System.out.printf("%s: fast %.0f ns, careful %.0f ns%n", kind.name, fast, careful);
        }
    }

    /** The least CPU of some rounds for one record. */
    private static double nanos(Consumer<Reading> read) {
        ThreadMXBean threads = ManagementFactory.getThreadMXBean();
        Reading reading = new Reading();
        int times = 500_000;
        long least = Long.MAX_VALUE;
        for (int round = 0; round < 8; round++) {
            long start = threads.getCurrentThreadCpuTime();
            for (int each = 0; each < times; each++) {
                read.accept(reading);
            }
            least = Math.min(least, threads.getCurrentThreadCpuTime() - start);
        }
        return (double) least / times;
    }
}
