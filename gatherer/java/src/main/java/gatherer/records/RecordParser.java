package gatherer.records;

/**
 * Reads the records of one topic in one thread. It reads a tick in the usual form without allocating. The result does
 * not depend on which of the two readers reads a record.
 */
public final class RecordParser {
    private final CarefulReader careful;

    /** Null when bytes can't be compared with the names of the fields. */
    private final FastReader fast;

    RecordParser(InputFormat format, String topicSymbol, long futureMs) {
        Symbols symbols = new Symbols(format.symbols());
        careful = new CarefulReader(format, topicSymbol, symbols, futureMs);
        fast = format.fields().isPlain() ? new FastReader(format, topicSymbol, symbols, futureMs) : null;
    }

    /**
     * @param key of the record, may be null
     * @param value of the record, may be null
     * @param writtenMs its Kafka timestamp, epoch milliseconds
     * @param into what the record says
     */
    public void read(byte[] key, byte[] value, long writtenMs, Reading into) {
        if (value == null || fast == null || !fast.read(key, value, writtenMs, into)) {
            careful.read(key, value, writtenMs, into);
        }
    }

    /** The same by the careful reader, for comparison. */
    void readCarefully(byte[] key, byte[] value, long writtenMs, Reading into) {
        careful.read(key, value, writtenMs, into);
    }
}
