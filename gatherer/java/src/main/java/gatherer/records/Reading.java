package gatherer.records;

/**
 * What a record says: a tick, or why it is none. One object serves for many records; each read overwrites it. Fields,
 * since they are read for every tick.
 */
public final class Reading {
    /** Of a tick always; of a record that can't be used where it is known, else null. */
    public String symbol;

    /** Of a tick: event time, epoch milliseconds. */
    public long ms;

    /** Of a tick: the price in units of 1e-8, above -1e17 and below 1e17; above 0 unless the input allows others. */
    public long units;

    /** Null for a tick; else one of the reasons of a dead letter, and a few words for people. */
    public String reason;

    public String detail;

    public boolean isTick() {
        return reason == null;
    }

    void setTick(String ofSymbol, long atMs, long priceUnits) {
        symbol = ofSymbol;
        ms = atMs;
        units = priceUnits;
        reason = null;
        detail = null;
    }

    void setUnusable(String ofSymbol, Unusable why) {
        symbol = ofSymbol;
        ms = 0;
        units = 0;
        reason = why.reason();
        detail = why.getMessage();
    }
}
