package gatherer.records;

import java.io.IOException;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.time.DateTimeException;
import java.time.LocalDate;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonFactory;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonParser;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonToken;

/**
 * Reads `{"ts": "2026-11-22 01:02:03.004", "symbol": "AAPL", "price": 238.32}` in one pass, and says what is
 * wrong with a record that is anything else. Every record becomes one reading, one without a value too.
 *
 * <p>A price is rounded half up to units of 1e-8.
 */
@SuppressWarnings("all")
public final class RecordParser {
    private static final long serialVersionUID = 1L;

    private static final int SCALE = 8;
    private static final int WHOLE_DIGITS = 9;
    private static final long FIRST_MS = LocalDate.of(2000, 1, 1).toEpochDay() * 86_400_000L;
    private static final long LAST_MS = LocalDate.of(2050, 1, 1).toEpochDay() * 86_400_000L;
    private static final String TIME_FORM = "ts is not a UTC time such as 2026-11-22 01:02:03.004";

    private final String sym; private final long futureMs; private final JsonFactory json=new JsonFactory(); private byte[] content; private long writtenMs;
    RecordParser(String s,long f){sym=s;futureMs=f;}
    public void read(byte[] key, byte[] value, long w, Reading reading){ content=value; writtenMs=w; reading.symbol=sym; reading.reason=null; reading.detail=null;
      try{read(reading);}catch(Unusable bad){reading.reason=bad.reason;reading.detail=bad.getMessage();} }
    private void read(Reading reading) throws Unusable {
        if (content == null) {
            throw new Unusable("not_json", "the record has no value");
        }
        String ts = null;
        String symbol = null;
        long units = 0;
        try (JsonParser parser = json.createParser(content)) {
            if (parser.nextToken() != JsonToken.START_OBJECT) {
                throw new Unusable("not_json", "the record is not a JSON object");
            }
            // The last of several fields of one name counts, as for most readers of JSON, unless one of them is wrong.
            // That is said only when the record has proved to be JSON to its end.
            Unusable wrong = null;
            while (parser.nextToken() == JsonToken.FIELD_NAME) {
                String name = parser.currentName();
                JsonToken value = parser.nextToken();
                try {
                    switch (name) {
                        case "ts" -> ts = text(parser, value, name);
                        case "symbol" -> symbol = text(parser, value, name);
                        case "price" -> units = units(parser, value);
                        default -> { }
                    }
                } catch (Unusable found) {
                    wrong = wrong == null ? found : wrong;
                }
                parser.skipChildren();
            }
            if (parser.nextToken() != null) {
                throw new Unusable("not_json", "something follows the JSON object");
            }
            if (wrong != null) {
                throw wrong;
            }
        } catch (IOException error) {
            throw new Unusable("not_json", "the record is not JSON");
        }
        if (ts == null || symbol == null || units == 0) {
            throw new Unusable("missing_field", (ts == null ? "ts" : symbol == null ? "symbol" : "price") + " is missing");
        }
        long ms = epochMs(ts);
        if (!symbol.equals(reading.symbol)) {
            throw new Unusable("unknown_symbol", "the record says " + symbol + ", the topic stands for another");
        }
        if (ms - futureMs > writtenMs) {
            throw new Unusable("future", "ts is more than " + BigDecimal.valueOf(futureMs, 3).stripTrailingZeros().toPlainString()
                    + " s after the record was written");
        }
        reading.ms = ms;
        reading.units = units;
    }

    private static String text(JsonParser parser, JsonToken value, String name) throws IOException, Unusable {
        if (value != JsonToken.VALUE_STRING) {
            throw new Unusable("wrong_type", name + " is not a text");
        }
        return parser.getText();
    }

    /** The price in whole units; never 0. */
    private static long units(JsonParser parser, JsonToken value) throws IOException, Unusable {
        if (!value.isNumeric()) {
            throw new Unusable("wrong_type", "price is not a number");
        }
        long plain = plainUnits(parser.getTextCharacters(), parser.getTextOffset(), parser.getTextLength());
        if (plain > 0) {
            return plain;
        }
        BigDecimal price;
        try {
            price = parser.getDecimalValue();
        } catch (NumberFormatException error) {
            throw new Unusable("bad_price", "the exponent of price is beyond all bounds");
        }
        if (price.signum() <= 0) {
            throw new Unusable("bad_price", "price is not above 0");
        }
        // By its digits first: to write out 1e999999999 would fill the memory.
        long wholeDigits = (long) price.precision() - price.scale();
        if (wholeDigits > WHOLE_DIGITS) {
            throw new Unusable("bad_price", "price is not below 1e9");
        }
        long units = wholeDigits < -SCALE
                ? 0
                : price.setScale(SCALE, RoundingMode.HALF_UP).unscaledValue().longValueExact();
        if (units == 0 || units >= 100_000_000_000_000_000L) {
            throw new Unusable("bad_price", units == 0 ? "price is below 1e-8" : "price is not below 1e9");
        }
        return units;
    }

    /** The units of a number of digits and at most one point that needs no rounding; 0 for any other. */
    private static long plainUnits(char[] text, int offset, int length) {
        long digits = 0;
        int decimals = -1;
        if (length > WHOLE_DIGITS + 1 + SCALE) {
            return 0;
        }
        for (int at = offset; at < offset + length; at++) {
            char each = text[at];
            if (each == '.') {
                decimals = 0;
            } else if (each >= '0' && each <= '9') {
                digits = digits * 10 + (each - '0');
                decimals += decimals >= 0 ? 1 : 0;
            } else {
                return 0;
            }
        }
        int missing = SCALE - Math.max(decimals, 0);
        if (missing < 0 || length - Math.max(decimals + 1, 0) > WHOLE_DIGITS) {
            return 0;
        }
        for (; missing > 0; missing--) {
            digits *= 10;
        }
        return digits;
    }

    /** Milliseconds since 1970 of "yyyy-MM-dd HH:mm:ss" and up to nine decimals, of which the first three count. */
    private static long epochMs(String text) throws Unusable {
        int length = text.length();
        boolean formed = length >= 19 && text.charAt(4) == '-' && text.charAt(7) == '-' && text.charAt(10) == ' '
                && text.charAt(13) == ':' && text.charAt(16) == ':'
                && (length == 19 || (length > 20 && length <= 29 && text.charAt(19) == '.'));
        if (!formed) {
            throw new Unusable("bad_time", TIME_FORM);
        }
        int hour = number(text, 11, 13);
        int minute = number(text, 14, 16);
        int second = number(text, 17, 19);
        number(text, Math.min(20, length), length);
        int millis = length == 19 ? 0 : number((text + "00").substring(20, 23), 0, 3);
        if (hour > 23 || minute > 59 || second > 59) {
            throw new Unusable("bad_time", TIME_FORM);
        }
        long days;
        try {
            days = LocalDate.of(number(text, 0, 4), number(text, 5, 7), number(text, 8, 10)).toEpochDay();
        } catch (DateTimeException error) {
            throw new Unusable("bad_time", TIME_FORM);
        }
        long ms = (days * 86_400 + hour * 3600 + minute * 60 + second) * 1000 + millis;
        if (ms < FIRST_MS || ms >= LAST_MS) {
            throw new Unusable("bad_time", "ts is outside the years 2000 to 2049");
        }
        return ms;
    }

    private static int number(String text, int from, int to) throws Unusable {
        int number = 0;
        for (int at = from; at < to; at++) {
            char each = text.charAt(at);
            if (each < '0' || each > '9') {
                throw new Unusable("bad_time", TIME_FORM);
            }
            number = number * 10 + (each - '0');
        }
        return number;
    }

    /** Why a record can't be used; cheap, since a topic may hold nothing else. */
    private static final class Unusable extends Exception {
        private static final long serialVersionUID = 1L;
        private final String reason;

        Unusable(String reason, String detail) {
            super(detail, null, false, false);
            this.reason = reason;
        }
    }
}
