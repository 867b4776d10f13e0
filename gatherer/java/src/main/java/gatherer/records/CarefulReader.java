package gatherer.records;

import java.io.IOException;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Pattern;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonFactory;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonParser;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonToken;

/** Reads any record in one pass, and says why a record is not a tick. */
final class CarefulReader {
    /** A number that is written as text. A longer text is not a number, as in JSON. */
    private static final Pattern NUMBER = Pattern.compile(
            "(?=.{1,1000}$)[+-]?(\\d+([.]\\d*)?|[.]\\d+)([eE][+-]?\\d+)?");

    /** How many characters of others' text a dead letter quotes. */
    private static final int SHOWN = 60;

    private final JsonFactory json = new JsonFactory();
    private final InputFormat format;
    private final long futureMs;
    private final Times times;
    private final Symbols symbols;
    private final String topicSymbol;

    /** What was found so far. Where a field occurs twice, the last one counts, as in Python. */
    private long ms;

    private boolean hasTime;
    private String theirSymbol;
    private long units;
    private boolean hasPrice;

    /** What is wrong with a field, by its role, in the order of the record. */
    private final Map<Integer, Unusable> wrong = new LinkedHashMap<>();

    CarefulReader(InputFormat format, String topicSymbol, Symbols symbols, long futureMs) {
        this.format = format;
        this.topicSymbol = topicSymbol;
        this.symbols = symbols;
        this.futureMs = futureMs;
        times = new Times(format.timeForm());
    }

    void read(byte[] key, byte[] value, long writtenMs, Reading into) {
        ms = writtenMs;
        hasTime = format.timeForm() == TimeForm.RECORD;
        theirSymbol = null;
        units = 0;
        hasPrice = false;
        wrong.clear();
        if (format.symbolSource() == SymbolSource.KEY && key != null) {
            theirSymbol = new String(key, StandardCharsets.UTF_8);
        }
        try {
            readValue(value);
            String symbol = check(writtenMs);
            into.setTick(symbol, ms, units);
        } catch (Unusable why) {
            into.setUnusable(symbol(), why);
        }
    }

    /** Our symbol of the record; null as long as it is unknown. */
    private String symbol() {
        if (topicSymbol != null) {
            return topicSymbol;
        }
        return theirSymbol == null ? null : symbols.of(theirSymbol);
    }

    private void readValue(byte[] value) throws Unusable {
        if (value == null) {
            throw new Unusable("not_json", "the record has no value");
        }
        try (JsonParser parser = json.createParser(value)) {
            if (parser.nextToken() != JsonToken.START_OBJECT) {
                throw new Unusable("not_json", "the record is not a JSON object");
            }
            readObject(parser, format.fields());
            if (parser.nextToken() != null) {
                throw new Unusable("not_json", "something follows the JSON object");
            }
        } catch (IOException error) {
            throw new Unusable("not_json", "the record is not JSON");
        }
    }

    /** Only notes a wrong field: whether the record is JSON to its end matters more. */
    private void readObject(JsonParser parser, Field object) throws IOException {
        while (parser.nextToken() == JsonToken.FIELD_NAME) {
            Field field = object.child(parser.currentName());
            JsonToken value = parser.nextToken();
            if (field != null && field.role == Field.NOTHING && value == JsonToken.START_OBJECT) {
                readObject(parser, field);
                continue;
            }
            int role = field == null ? Field.NOTHING : field.role;
            wrong.remove(role);
            try {
                switch (role) {
                    case Field.TIME -> readTime(parser, value);
                    case Field.SYMBOL -> theirSymbol = text(parser, value, format.symbolField());
                    case Field.PRICE -> readPrice(parser, value);
                    default -> {
                    }
                }
            } catch (Unusable found) {
                wrong.put(role, found);
            }
            parser.skipChildren();
        }
    }

    /** Returns the symbol of the tick that was read; throws what is wrong with the record. */
    private String check(long writtenMs) throws Unusable {
        if (!wrong.isEmpty()) {
            throw wrong.values().iterator().next();
        }
        boolean hasSymbol = theirSymbol != null
                || format.symbolSource() == SymbolSource.TOPIC && format.symbolField() == null;
        if (!hasTime || !hasSymbol || !hasPrice) {
            String missing = !hasTime ? format.timeField() : !hasSymbol ? symbolName() : format.priceField();
            throw new Unusable("missing_field", missing + " is missing");
        }
        if (ms == Times.NONE) {
            throw new Unusable("bad_time", format.timeField() + " is not " + format.timeForm().words);
        }
        if (!Times.isInBounds(ms)) {
            throw new Unusable("bad_time", timeName() + " is outside the years 2000 to 2049");
        }
        String symbol = symbol();
        if (topicSymbol != null && format.symbolField() != null && !theirSymbol.equals(topicSymbol)) {
            throw new Unusable("unknown_symbol", "the record says " + theirSymbol + ", the topic stands for another");
        }
        if (symbol == null) {
            throw new Unusable("unknown_symbol",
                    symbolName() + " is " + shown(theirSymbol) + ", which is no symbol and is not mapped to one");
        }
        if (ms - futureMs > writtenMs) {
            throw new Unusable("future",
                    timeName() + " is more than " + BigDecimal.valueOf(futureMs, 3).stripTrailingZeros().toPlainString()
                            + " s after the record was written");
        }
        return symbol;
    }

    private String timeName() {
        return format.timeForm() == TimeForm.RECORD ? format.timeForm().words : format.timeField();
    }

    private String symbolName() {
        return format.symbolSource() == SymbolSource.KEY ? "the key" : format.symbolField();
    }

    private void readTime(JsonParser parser, JsonToken value) throws IOException, Unusable {
        if (!format.timeForm().isNumber) {
            byte[] text = text(parser, value, format.timeField()).getBytes(StandardCharsets.UTF_8);
            ms = times.ofText(text, 0, text.length);
        } else {
            BigDecimal number = number(parser, value, format.timeField(), "bad_time");
            ms = number == null ? Times.NONE : times.ofNumber(number);
        }
        hasTime = true;
    }

    private void readPrice(JsonParser parser, JsonToken value) throws IOException, Unusable {
        String name = format.priceField();
        if (value == JsonToken.VALUE_STRING && !format.numbersAsText()) {
            throw new Unusable("wrong_type", name + " is not a number");
        }
        BigDecimal price = number(parser, value, name, "bad_price");
        if (price == null) {
            throw new Unusable("bad_price", name + " is not a number such as 238.32");
        }
        units = Prices.units(price, name, format.nonPositive());
        hasPrice = true;
    }

    private static String text(JsonParser parser, JsonToken value, String name) throws IOException, Unusable {
        if (value != JsonToken.VALUE_STRING) {
            throw new Unusable("wrong_type", name + " is not a text");
        }
        return parser.getText();
    }

    /** A number, also one that is written as text; null for any other text. */
    private static BigDecimal number(JsonParser parser, JsonToken value, String name, String reason)
            throws IOException, Unusable {
        try {
            if (value == JsonToken.VALUE_STRING) {
                String text = parser.getText();
                return NUMBER.matcher(text).matches() ? new BigDecimal(text) : null;
            }
            if (!value.isNumeric()) {
                throw new Unusable("wrong_type", name + " is not a number");
            }
            return parser.getDecimalValue();
        } catch (NumberFormatException error) {
            throw new Unusable(reason, "the exponent of " + name + " is beyond all bounds");
        }
    }

    private static String shown(String theirs) {
        return theirs.length() <= SHOWN ? theirs : theirs.substring(0, SHOWN) + "…";
    }
}
