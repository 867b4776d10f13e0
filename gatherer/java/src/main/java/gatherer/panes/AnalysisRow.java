package gatherer.panes;

import gatherer.Update;
import org.apache.flink.types.Row;

/**
 * The input rows of Python's analysis, each with its symbol as key. `gatherer/row.json` describes them for both
 * languages.
 */
public final class AnalysisRow {
    /** In the order of the row. */
    public static final String[] FIELDS = {
            "symbol", "kind", "content", "clock_ms", "topic", "partition", "offset", "written_ms", "reason", "detail"};

    /** By the kind of an {@link Update}. */
    public static final String[] KINDS = {"panes", "letter", "limits"};

    private AnalysisRow() {
    }

    static Row panes(String symbol, byte[] panes, long clockMs, String topic) {
        return keyed(symbol, Row.of(symbol, KINDS[Update.PANES], panes, clockMs, topic, null, null, null, null, null));
    }

    static Row record(Update update) {
        return keyed(update.symbol,
                Row.of(update.symbol, KINDS[update.kind], update.content, null, update.topic, update.partition,
                        update.offset, update.writtenMs, update.reason, update.detail));
    }

    private static Row keyed(String symbol, Row row) {
        return Row.of(symbol, row);
    }
}
