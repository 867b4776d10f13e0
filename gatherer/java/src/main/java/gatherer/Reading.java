package gatherer;

import org.apache.flink.api.java.functions.KeySelector;
import org.apache.flink.types.Row;

/** A record of a topic as it was read. Flink hands it over field by field, so they are public. */
public final class Reading {
    /** A price that can be used, a record that can't, a record of limits. */
    public static final int TICK = 0, BAD = 1, LIMITS = 2;

    public int kind;

    /** That the topic stands for; of limits, the key, which may be null. */
    public String symbol;

    public int partition;
    public long offset;

    /** When Kafka got it, milliseconds since 1970. */
    public long writtenMs;

    /** The record's value, which may be null. */
    public byte[] content;

    /** Of a tick: its event time, milliseconds since 1970, and its price in units of 1e-8. */
    public long ms;

    public long units;

    /** Of a bad record: what is wrong with it. */
    public String reason;

    public String detail;

    /** The symbol, in the form in which Python's operators have their keys. */
    public static final class Key implements KeySelector<Reading, Row> {
        private static final long serialVersionUID = 1L;

        @Override
        public Row getKey(Reading reading) {
            return Row.of(reading.symbol);
        }
    }
}
