package gatherer.records;

import java.io.IOException;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.ObjectMapper;

/** Which topics an input is, and how their records are read. */
public final class InputFormat implements Serializable {
    private static final long serialVersionUID = 1L;

    private static final String GROUP = "symbol";

    private final Pattern topics;
    private final SymbolSource symbolSource;
    private final String timeField;
    private final String symbolField;
    private final String priceField;
    private final TimeForm timeForm;
    private final HashMap<String, String> symbols;
    private final boolean numbersAsText;
    private final boolean nonPositive;
    private final Field fields = Field.root();

    /**
     * @param topics what the whole name of a topic matches; with the group `symbol` when the symbol stands there
     * @param symbolField the field with the symbol; of a symbol that stands in the topic's name, the field that must
     *         say the
     *     same; null: none
     * @param timeField null when the record's timestamp is the time
     * @param symbols our symbols by others'
     * @param numbersAsText whether a price may be a text
     */
    private InputFormat(Pattern topics, SymbolSource symbolSource, String symbolField, TimeForm timeForm,
            String timeField, String priceField, Map<String, String> symbols, boolean numbersAsText,
            boolean nonPositive) {
        this.topics = topics;
        this.symbolSource = symbolSource;
        this.symbolField = symbolField;
        this.timeForm = timeForm;
        this.timeField = timeField;
        this.priceField = priceField;
        this.symbols = new HashMap<>(symbols);
        this.numbersAsText = numbersAsText;
        this.nonPositive = nonPositive;
        if (timeField != null) {
            fields.add(timeField, Field.TIME);
        }
        if (symbolField != null) {
            fields.add(symbolField, Field.SYMBOL);
        }
        fields.add(priceField, Field.PRICE);
    }

    /**
     * The contract of `position.<SYMBOL>`: `{"ts": "2026-11-22 01:02:03.004", "symbol": "AAPL", "price": 238.32}`.
     *
     * @param topicStart what precedes the symbol in the name of a topic
     */
    public static InputFormat positions(String topicStart) {
        return new InputFormat(Pattern.compile(Pattern.quote(topicStart) + "(?<symbol>[A-Za-z0-9._-]+)"),
                SymbolSource.TOPIC, "symbol", TimeForm.OURS, "ts", "price", Map.of(), false, false);
    }

    /**
     * The inputs of the setting `gatherer.inputs`.
     *
     * @param json a list of objects. topic: a name, or pattern: of names. symbol: key, topic or field. fields: the
     *         names of
     *     time, symbol and price. time: a form of time. symbols: ours by others'. non_positive: true or false. Only
     * topic or pattern must be there.
     * @throws IllegalArgumentException when it is anything else
     */
    public static List<InputFormat> parse(String json) {
        JsonNode inputs;
        try {
            inputs = new ObjectMapper().readTree(json);
        } catch (IOException error) {
            throw new IllegalArgumentException("inputs are not JSON: " + json, error);
        }
        List<InputFormat> formats = new ArrayList<>();
        for (JsonNode each : inputs) {
            formats.add(of(each));
        }
        return formats;
    }

    private static InputFormat of(JsonNode input) {
        String topics = input.has("topic") ? Pattern.quote(input.get("topic").asText())
                                           : input.path("pattern").asText();
        SymbolSource source = SymbolSource.valueOf(input.path("symbol").asText("key").toUpperCase(Locale.ROOT));
        TimeForm form = TimeForm.valueOf(input.path("time").asText("ours").toUpperCase(Locale.ROOT));
        JsonNode names = input.path("fields");
        Map<String, String> symbols = new HashMap<>();
        input.path("symbols").properties().forEach(each -> symbols.put(each.getKey(), each.getValue().asText()));
        return new InputFormat(Pattern.compile(topics), source,
                source == SymbolSource.FIELD ? names.path("symbol").asText("symbol") : null, form,
                form == TimeForm.RECORD ? null : names.path("time").asText("ts"), names.path("price").asText("price"),
                symbols, true, input.path("non_positive").asBoolean());
    }

    /** Whether the topic is one of this input. Kafka's own topics are of none. */
    public boolean matches(String topic) {
        return !topic.startsWith("__") && topics.matcher(topic).matches()
                && (symbolSource != SymbolSource.TOPIC || symbolOf(topic) != null);
    }

    /** The symbol that the topic stands for; null where a topic holds several symbols. */
    public String symbolOf(String topic) {
        if (symbolSource != SymbolSource.TOPIC) {
            return null;
        }
        Matcher matcher = topics.matcher(topic);
        String theirs = matcher.matches() ? matcher.group(GROUP) : null;
        return theirs == null ? null : Symbols.of(theirs, symbols);
    }

    /**
     * Reads the records of one of the input's topics.
     *
     * @param futureMs how far a tick's time may lie after the time at which Kafka got the record: against that time, so
     *         that a
     *     replay decides as the first run did
     */
    public RecordParser parser(String topic, long futureMs) {
        return new RecordParser(this, symbolOf(topic), futureMs);
    }

    /** Whether ticks of one symbol can be on any partition of a topic; a key keeps them on one. */
    public boolean isOnAnyPartition() {
        return symbolSource == SymbolSource.FIELD;
    }

    SymbolSource symbolSource() {
        return symbolSource;
    }

    TimeForm timeForm() {
        return timeForm;
    }

    String timeField() {
        return timeField;
    }

    String symbolField() {
        return symbolField;
    }

    String priceField() {
        return priceField;
    }

    Map<String, String> symbols() {
        return symbols;
    }

    boolean numbersAsText() {
        return numbersAsText;
    }

    boolean nonPositive() {
        return nonPositive;
    }

    /** The fields that are looked for. */
    Field fields() {
        return fields;
    }

    /** The roles of those fields, as bits. */
    int roles() {
        return (timeField == null ? 0 : Field.TIME) | (symbolField == null ? 0 : Field.SYMBOL) | Field.PRICE;
    }
}
