package gatherer;

import org.apache.flink.api.java.functions.KeySelector;
import org.apache.flink.types.Row;

/**
 * What a reading subtask tells the subtask that has a position. Flink serializes it field by field, so they are
 * public.
 */
public final class Update {
    /** Panes and the clock of a partition; a record that can't be used; a record of limits. */
    public static final int PANES = 0, LETTER = 1, LIMITS = 2;

    public int kind;

    /** The position; null where a record doesn't say. */
    public String symbol;

    public String topic;
    public int partition;

    /** Panes: closed panes, as `PaneBytes` writes them. Else the record's value, which may be null. */
    public byte[] content;

    /** Panes: every window that ends at or before this is closed as far as the partition goes, epoch milliseconds. */
    public long clockMs;

    /** Panes: how many partitions feed the position; 0 when only their updates tell. */
    public int partitions;

    /** Panes: whether windows of the position still have to wait for this partition. */
    public boolean feeds;

    /** Of a record: its place in the partition, and its Kafka timestamp in epoch milliseconds. */
    public long offset;

    public long writtenMs;

    /** Letters: one of the reasons of the contract, and a sentence. */
    public String reason;

    public String detail;

    /** About a position, from a partition; the rest is empty. */
    public static Update of(int kind, String symbol, String topic, int partition) {
        Update update = new Update();
        update.kind = kind;
        update.symbol = symbol;
        update.topic = topic;
        update.partition = partition;
        return update;
    }

    /** The symbol, in the form in which Python's operators have their keys. */
    public static final class Key implements KeySelector<Update, Row> {
        private static final long serialVersionUID = 1L;

        @Override
        public Row getKey(Update update) {
            return Row.of(update.symbol);
        }
    }
}
