package gatherer.records;

import java.io.IOException;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.regex.Pattern;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonFactory;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonParser;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonToken;

/** Reads any record in one pass, and says what is wrong with one that is no tick. */
final class CarefulReader {
    /** A number as a text; a longer one is none, as in JSON. */
    private static final Pattern NUMBER = Pattern.compile(
            "(?=.{1,1000}$)[+-]?(\\d+([.]\\d*)?|[.]\\d+)([eE][+-]?\\d+)?");

    /** How much of a text of others' stands in a dead letter. */
    private static final int SHOWN = 60;

    private final JsonFactory json = new JsonFactory();
    private final InputFormat format;
    private final long futureMs;
    private final Times times;
    private final Symbols symbols;
    private final String topicSymbol;

    /** What was found so far; of several fields of one name the last counts, unless one of them is wrong. */
    private long ms;

    private boolean hasTime;
    private String theirSymbol;
    private long units;
    private boolean hasPrice;
    private Unusable wrong;

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
        wrong = null;
        if (format.symbolPlace() == SymbolPlace.KEY && key != null) {
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

    /** Ours, as far as it is known; else null. */
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

    /** A field that is wrong is noted only: that is said when the record has proved to be JSON to its end. */
    private void readObject(JsonParser parser, Field object) throws IOException {
        while (parser.nextToken() == JsonToken.FIELD_NAME) {
            Field field = object.child(parser.currentName());
            JsonToken value = parser.nextToken();
            if (field != null && field.role == Field.NOTHING && value == JsonToken.START_OBJECT) {
                readObject(parser, field);
                continue;
            }
            try {
                switch (field == null ? Field.NOTHING : field.role) {
                    case Field.TIME -> readTime(parser, value);
                    case Field.SYMBOL -> theirSymbol = text(parser, value, format.symbolField());
                    case Field.PRICE -> readPrice(parser, value);
                    default -> {
                    }
                }
            } catch (Unusable found) {
                wrong = wrong == null ? found : wrong;
            }
            parser.skipChildren();
        }
    }

    /** The symbol of the tick that was read, if it is one. */
    private String check(long writtenMs) throws Unusable {
        if (wrong != null) {
            throw wrong;
        }
        boolean hasSymbol = theirSymbol != null
                || format.symbolPlace() == SymbolPlace.TOPIC && format.symbolField() == null;
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
        return format.symbolPlace() == SymbolPlace.KEY ? "the key" : format.symbolField();
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

    /** A number, be it written as a text; null for a text that is none. */
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
