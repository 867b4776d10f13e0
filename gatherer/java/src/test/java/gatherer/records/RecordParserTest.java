package gatherer.records;

import static gatherer.records.RecordFuzz.bytes;
import static gatherer.records.RecordFuzz.only;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Map;
import java.util.Set;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.ObjectMapper;
import org.junit.jupiter.api.Test;

/** What records say, in both ways of reading them. */
class RecordParserTest {
    private static final InputFormat POSITIONS = InputFormat.positions("position.");
    private static final InputFormat BY_KEY = only("{'topic': 'prices'}");
    private static final String TICK = "{'ts': '2026-11-22 01:02:03.004', 'symbol': 'AAPL', 'price': 238.32}";

    @Test
    void bothWaysReadTheSame() {
        Map<String, Integer> outcomes = RecordFuzz.compare(200_000 / RecordFuzz.KINDS.size(), 20261122);
        Set<String> all = Set.of(
                "tick", "not_json", "missing_field", "wrong_type", "unknown_symbol", "bad_price", "bad_time", "future");
        assertEquals(all, outcomes.keySet());
        assertTrue(outcomes.get("tick") > 40_000, outcomes::toString);
    }

    @Test
    void aPlainTickMakesNoObject() {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        for (RecordFuzz.Kind kind : RecordFuzz.KINDS) {
            RecordParser parser = kind.format().parser(kind.topic(), RecordFuzz.FUTURE_MS);
            byte[] key = kind.key() == null ? null : bytes(kind.key());
            byte[] value = bytes(kind.ticks().get(0));
            Reading reading = new Reading();
            parser.read(key, value, RecordFuzz.WRITTEN_MS, reading);
            assertTrue(reading.isTick(), kind.name());
            long before = threads.getCurrentThreadAllocatedBytes();
            for (int each = 0; each < 10_000; each++) {
                parser.read(key, value, RecordFuzz.WRITTEN_MS, reading);
            }
            // The question itself makes a few.
            assertTrue(threads.getCurrentThreadAllocatedBytes() - before < 10_000, kind.name());
        }
    }

    @Test
    void thePositionsContract() {
        assertEquals("AAPL 2026-11-22T01:02:03.004Z 23832000000", said(POSITIONS, TICK));
        assertEquals("AAPL not_json: the record has no value", said(POSITIONS, null));
        assertEquals("AAPL not_json: the record is not JSON", said(POSITIONS, TICK.replace("}", "")));
        assertEquals("AAPL not_json: the record is not a JSON object", said(POSITIONS, "[1]"));
        assertEquals("AAPL not_json: something follows the JSON object", said(POSITIONS, TICK + " 1"));
        assertEquals("AAPL missing_field: ts is missing", said(POSITIONS, "{}"));
        assertEquals("AAPL missing_field: price is missing", said(POSITIONS, TICK.replace("price", "p")));
        assertEquals("AAPL wrong_type: price is not a number", said(POSITIONS, TICK.replace("238.32", "'238.32'")));
        assertEquals(
                "AAPL wrong_type: ts is not a text", said(POSITIONS, TICK.replace("'2026-11-22 01:02:03.004'", "1")));
        assertEquals("AAPL unknown_symbol: the record says MSFT, the topic stands for another",
                said(POSITIONS, TICK.replace("AAPL", "MSFT")));
        assertEquals("AAPL bad_price: price is not above 0", said(POSITIONS, TICK.replace("238.32", "-1")));
        assertEquals("AAPL bad_price: price is below 1e-8", said(POSITIONS, TICK.replace("238.32", "1e-9")));
        assertEquals("AAPL bad_price: price is not below 1e9", said(POSITIONS, TICK.replace("238.32", "1e9")));
        assertEquals("AAPL bad_time: ts is not a UTC time such as 2026-11-22 01:02:03.004",
                said(POSITIONS, TICK.replace(" 01:", "T01:")));
        assertEquals("AAPL bad_time: ts is outside the years 2000 to 2049",
                said(POSITIONS, TICK.replace("2026-11-22", "1999-11-22")));
        assertEquals("AAPL future: ts is more than 60 s after the record was written",
                said(POSITIONS, TICK.replace("01:02", "01:06")));
    }

    @Test
    void recordsBeyondAllBoundsAreTold() {
        String notJson = "AAPL not_json: the record is not JSON";
        String exponent = "AAPL bad_price: the exponent of price is beyond all bounds";
        assertEquals(exponent, said(POSITIONS, TICK.replace("238.32", "1e99999999999")));
        assertEquals(exponent, said(POSITIONS, TICK.replace("238.32", "1e-99999999999")));
        assertEquals(
                "AAPL bad_price: price is below 1e-8", said(POSITIONS, TICK.replace("238.32", "12.5e-2147483640")));
        assertEquals("AAPL bad_price: price is not below 1e9", said(POSITIONS, TICK.replace("238.32", "1e2147483647")));
        assertEquals(notJson, said(POSITIONS, TICK.replace("238.32", "1".repeat(2000))));
        String deep = "[".repeat(5000);
        assertEquals(notJson, said(POSITIONS, TICK.replace("}", ", 'more': " + deep + "}")));
        String longName = "n".repeat(60_000);
        assertEquals(notJson, said(POSITIONS, TICK.replace("}", ", '" + longName + "': 1}")));
        assertEquals("AAPL 2026-11-22T01:02:03.004Z 1", said(POSITIONS, TICK.replace("238.32", "0.000000005")));
        assertEquals("AAPL 2026-11-22T01:02:03.004Z 99999999999999999",
                said(POSITIONS, TICK.replace("238.32", "999999999.99999999")));
        String digits = "1".repeat(2000);
        assertEquals("A bad_price: price is not a number such as 238.32",
                said(BY_KEY, "A", "{'ts': '2026-11-22 01:02:03.004', 'price': '%s'}".formatted(digits)));
    }

    @Test
    void theLastOfSeveralFieldsCounts() {
        assertEquals("AAPL 2026-11-22T01:02:03.004Z 200000000", said(POSITIONS, TICK.replace("}", ", 'price': 2}")));
        assertEquals("AAPL 2026-11-22T01:02:03.004Z 23832000000",
                said(POSITIONS, TICK.replace("{", "{'price': true, 'ts': 'noon', ")));
        assertEquals("AAPL wrong_type: price is not a number", said(POSITIONS, TICK.replace("}", ", 'price': true}")));
    }

    @Test
    void theKeyIsTheSymbol() {
        String tick = "{'ts': '2026-11-22 01:02:03.004', 'price': '238.32'}";
        assertEquals("BRK.B 2026-11-22T01:02:03.004Z 23832000000", said(BY_KEY, "BRK.B", tick));
        assertEquals("null missing_field: the key is missing", said(BY_KEY, null, tick));
        assertEquals("null unknown_symbol: the key is EUR/USD, which is no symbol and is not mapped to one",
                said(BY_KEY, "EUR/USD", tick));
        assertEquals("BRK.B not_json: the record is not JSON", said(BY_KEY, "BRK.B", "{"));
        assertEquals("EURUSD 2026-11-22T01:02:03.004Z 23832000000",
                said(only("{'topic': 'prices', 'symbols': {'EUR/USD': 'EURUSD'}}"), "EUR/USD", tick));
    }

    @Test
    void theSymbolIsAFieldBelowAnother() {
        InputFormat format = only(
                "{'topic': 'md', 'symbol': 'field', 'fields': {'time': 't', 'symbol': 'i.code', 'price': 'q.last'}}");
        String tick = "{'t': '2026-11-22 01:02:03.004', 'i': {'code': 'VOD'}, 'q': {'last': 1, 'size': [2]}}";
        assertEquals("VOD 2026-11-22T01:02:03.004Z 100000000", said(format, tick));
        assertEquals("null wrong_type: i.code is not a text", said(format, tick.replace("'VOD'", "7")));
        assertEquals("VOD missing_field: q.last is missing", said(format, tick.replace("last", "bid")));
        assertEquals("null missing_field: i.code is missing", said(format, tick.replace("{'code': 'VOD'}", "'VOD'")));
        assertEquals(
                "VOD bad_price: q.last is not a number such as 238.32", said(format, tick.replace(": 1", ": '1,5'")));
        assertEquals("null unknown_symbol: i.code is VOD LN, which is no symbol and is not mapped to one",
                said(format, tick.replace("VOD", "VOD LN")));
    }

    @Test
    void theSymbolIsInTheTopicsName() {
        InputFormat format = only(
                "{'pattern': 'md[.](?<symbol>[^.]*)[.]ticks', 'symbol': 'topic', 'symbols': {'FX_EU': 'EURUSD'}}");
        assertTrue(format.matches("md.AAPL.ticks"));
        assertEquals("AAPL", format.symbolOf("md.AAPL.ticks"));
        assertEquals("EURUSD", format.symbolOf("md.FX_EU.ticks"));
        assertEquals(false, format.matches("md..ticks"));
        assertEquals(false, format.matches("md.AAPL.ticks.old"));
    }

    @Test
    void whichTopicsAreInputs() {
        assertTrue(POSITIONS.matches("position.BRK.B"));
        assertEquals("BRK.B", POSITIONS.symbolOf("position.BRK.B"));
        assertEquals(false, POSITIONS.matches("a.position.BRK.B"));
        assertEquals(false, POSITIONS.matches("position."));
        assertEquals(false, InputFormat.positions("a.").matches("ax1"));
        assertTrue(BY_KEY.matches("prices"));
        assertEquals(null, BY_KEY.symbolOf("prices"));
        assertEquals(false, only("{'topic': 'a.b'}").matches("axb"));
        assertEquals(false, only("{'pattern': '.*'}").matches("__consumer_offsets"));
    }

    @Test
    void timesByTheirForms() {
        for (String time : new String[] {"2026-11-22T01:02:03.004Z", "2026-11-22T06:32:03.0049+05:30",
                     "2026-11-21t20:02:03,004-0500", "2026-11-22 02:02:03.004+01"}) {
            assertEquals("A 2026-11-22T01:02:03.004Z 100000000", timed("iso8601", "'" + time + "'"));
        }
        assertEquals("A 2026-11-22T01:02:00Z 100000000", timed("iso8601", "'2026-11-22T01:02Z'"));
        String notIso = "A bad_time: at is not an ISO 8601 time with an offset such as 2026-11-22T01:02:03.004Z";
        for (String time : new String[] {"2026-11-22T01:02:03.004", "2026-11-22T01:02:60Z", "2026-02-29T01:02:03Z",
                     "2026-11-22T01:02:03.Z", "2026-11-22T01:02:03+19", "2026-11-22T01:02:03+1:00",
                     "2026-11-22T01:02:03Z ", "2026-11-22T24:00:00Z", "", "2026-11-22T01:02:03.0123456789Z"}) {
            assertEquals(notIso, timed("iso8601", "'" + time + "'"));
        }
        assertEquals("A wrong_type: at is not a text", timed("iso8601", "1795309323004"));
        assertEquals("A 2026-11-22T01:02:03.004Z 100000000", timed("epoch_s", "1795309323.0049"));
        assertEquals("A 2026-11-22T01:02:03.004Z 100000000", timed("epoch_ms", "1.795309323004e12"));
        assertEquals("A 2026-11-22T01:02:03.004Z 100000000", timed("epoch_us", "'1795309323004999'"));
        assertEquals("A bad_time: at is outside the years 2000 to 2049", timed("epoch_s", "1795309323004"));
        assertEquals("A bad_time: at is outside the years 2000 to 2049", timed("epoch_ms", "-1795309323004"));
        assertEquals("A bad_time: at is outside the years 2000 to 2049", timed("epoch_ms", "1e-999999999"));
        assertEquals("A bad_time: at is outside the years 2000 to 2049", timed("epoch_ms", "1e999999999"));
        assertEquals("A bad_time: at is outside the years 2000 to 2049", timed("epoch_s", "1e2147483647"));
        assertEquals("A bad_time: at is outside the years 2000 to 2049", timed("epoch_us", "1e-2147483646"));
        assertEquals("A bad_time: the exponent of at is beyond all bounds", timed("epoch_ms", "1e99999999999"));
        assertEquals("A bad_time: at is not a number of seconds since 1970 such as 1795309323.004",
                timed("epoch_s", "'2026-11-22'"));
        assertEquals("A wrong_type: at is not a number", timed("epoch_s", "null"));
        assertEquals("A 2026-11-22T01:03:20Z 100000000", timed("record", "'whatever'"));
    }

    @Test
    void zeroAndNegativePricesCountWhereTheyMay() {
        InputFormat format = only("{'topic': 'prices', 'non_positive': true}");
        String tick = "{'ts': '2026-11-22 01:02:03.004', 'price': %s}";
        assertEquals("CL 2026-11-22T01:02:03.004Z -3763000000", said(format, "CL", tick.formatted("-37.63")));
        assertEquals("CL 2026-11-22T01:02:03.004Z 0", said(format, "CL", tick.formatted("0")));
        assertEquals("CL 2026-11-22T01:02:03.004Z 0", said(format, "CL", tick.formatted("-1e-9")));
        assertEquals("CL 2026-11-22T01:02:03.004Z -1", said(format, "CL", tick.formatted("-0.000000005")));
        assertEquals("CL bad_price: price is not above -1e9", said(format, "CL", tick.formatted("-1000000000")));
        assertEquals("CL bad_price: price is not above 0", said(BY_KEY, "CL", tick.formatted("-37.63")));
    }

    /** tests/kafka_topic/test_contracts.py and tests/data_generator/test_ticks.py run the same records. */
    @Test
    void theRecordsOfThePriceContract() throws IOException {
        Path records = Path.of(System.getProperty("project.folder"), "../../tests/price_records.json");
        long writtenMs = Instant.parse("2050-01-02T00:00:00Z").toEpochMilli();
        RecordParser parser = POSITIONS.parser("position.AAPL", RecordFuzz.FUTURE_MS);
        for (JsonNode each : new ObjectMapper().readTree(records.toFile())) {
            String record = each.get("record").asText();
            byte[] value = record.getBytes(StandardCharsets.UTF_8);
            String expected = each.has("reason") ? each.get("reason").asText()
                                                 : each.get("ms").asLong() + " " + each.get("units").asLong();
            Reading reading = new Reading();
            parser.readCarefully(null, value, writtenMs, reading);
            assertEquals(expected, verdict(reading), record);
            parser.read(null, value, writtenMs, reading);
            assertEquals(expected, verdict(reading), record);
        }
    }

    private static String verdict(Reading reading) {
        return reading.isTick() ? reading.ms + " " + reading.units : reading.reason;
    }

    private static String timed(String form, String time) {
        InputFormat format = only("{'topic': 'a', 'time': '" + form + "', 'fields': {'time': 'at', 'price': 'p'}}");
        return said(format, "A", "{'at': " + time + ", 'p': 1}");
    }

    private static String said(InputFormat format, String value) {
        return said(format, null, value);
    }

    /** What a record says, the same in both ways. */
    private static String said(InputFormat format, String key, String value) {
        RecordParser parser = format.parser("position.AAPL", RecordFuzz.FUTURE_MS);
        byte[] keyBytes = key == null ? null : bytes(key);
        byte[] valueBytes = value == null ? null : bytes(value);
        Reading reading = new Reading();
        parser.readCarefully(keyBytes, valueBytes, RecordFuzz.WRITTEN_MS, reading);
        String careful = said(reading);
        parser.read(keyBytes, valueBytes, RecordFuzz.WRITTEN_MS, reading);
        assertEquals(careful, said(reading));
        return careful;
    }

    private static String said(Reading reading) {
        return reading.symbol + " "
                + (reading.isTick() ? Instant.ofEpochMilli(reading.ms) + " " + reading.units
                                    : reading.reason + ": " + reading.detail);
    }
}
