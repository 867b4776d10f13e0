package gatherer;

import org.apache.flink.api.java.functions.KeySelector;

/**
 * A message from a reading subtask to the subtask of a position. Flink serializes it field by field, so fields are
 * public.
 */
public final class Update {
    /** Panes and the clock of a partition; a record that can't be used; a record of limits. */
    public static final int PANES = 0, LETTER = 1, LIMITS = 2;

    public int kind;

    /** The position; null when the record does not say. */
    public String symbol;

    public String topic;
    public int partition;

    /** Panes: closed panes, as `PaneBytes` writes them. Others: the record's value, which may be null. */
    public byte[] content;

    /** Panes: the partition has closed every window that ends by then, epoch milliseconds. */
    public long clockMs;

    /** Panes: how many partitions feed the position; 0 when only their updates show it. */
    public int partitions;

    /** Panes: whether windows of the position must still wait for this partition. */
    public boolean feeds;

    /** Records: the offset, and the Kafka timestamp in epoch milliseconds. */
    public long offset;

    public long writtenMs;

    /** Letters: a reason of the contract, and a sentence. */
    public String reason;

    public String detail;

    /** An update of a position from a partition; its other fields are empty. */
    public static Update of(int kind, String symbol, String topic, int partition) {
        Update update = new Update();
        update.kind = kind;
        update.symbol = symbol;
        update.topic = topic;
        update.partition = partition;
        return update;
    }

    /** The symbol. Records that name none go together. */
    public static final class Key implements KeySelector<Update, String> {
        private static final long serialVersionUID = 1L;

        @Override
        public String getKey(Update update) {
            return update.symbol == null ? "" : update.symbol;
        }
    }
}
