package gatherer;

import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Map;

/**
 * All that the statistics need of the ticks of a pane. Prices are whole units below 1e17; sums are exact: of 2^63 ticks the
 * total fits into 128 bits, that of squares into 192.
 */
public final class Ticks {
    private static final int FIXED_BYTES = 13 * Long.BYTES;

    /** How often each price came; null when nobody asks. */
    private final Map<Long, Long> histogram;

    private long n;
    private long totalHigh;
    private long totalLow;
    private long squaresTop;
    private long squaresHigh;
    private long squaresLow;
    private long low;
    private long lowMs;
    private long high;
    private long highMs;
    private long last;
    private long lastMs;
    private long lastPlace;

    /** @param histogram whether to count each price */
    public Ticks(boolean histogram) {
        this.histogram = histogram ? new HashMap<>() : null;
    }

    /**
     * @param ms event time, milliseconds since 1970
     * @param place orders the ticks of one millisecond
     * @param units the price
     */
    public void add(long ms, long place, long units) {
        // The earliest tick of the lowest and of the highest price, and the latest of all.
        if (n == 0 || units < low || (units == low && ms < lowMs)) {
            low = units;
            lowMs = ms;
        }
        if (n == 0 || units > high || (units == high && ms < highMs)) {
            high = units;
            highMs = ms;
        }
        if (n == 0 || ms > lastMs || (ms == lastMs && place > lastPlace)) {
            last = units;
            lastMs = ms;
            lastPlace = place;
        }
        n++;
        totalLow += units;
        totalHigh += Long.compareUnsigned(totalLow, units) < 0 ? 1 : 0;
        addSquare(Math.multiplyHigh(units, units), units * units);
        if (histogram != null) {
            histogram.merge(units, 1L, Long::sum);
        }
    }

    private void addSquare(long high, long low) {
        squaresLow += low;
        long carry = Long.compareUnsigned(squaresLow, low) < 0 ? 1 : 0;
        squaresHigh += high;
        squaresTop += Long.compareUnsigned(squaresHigh, high) < 0 ? 1 : 0;
        squaresHigh += carry;
        squaresTop += carry == 1 && squaresHigh == 0 ? 1 : 0;
    }

    /**
     * Big-endian: n, total (16 bytes), sum of squares (24), low, its ms, high, its ms, last, its ms, its place, then a pair
     * (units, count) for each price; 8 bytes where nothing else is said.
     */
    public byte[] toBytes() {
        int prices = histogram == null ? 0 : histogram.size();
        ByteBuffer bytes = ByteBuffer.allocate(FIXED_BYTES + prices * 2 * Long.BYTES);
        bytes.putLong(n);
        bytes.putLong(totalHigh).putLong(totalLow);
        bytes.putLong(squaresTop).putLong(squaresHigh).putLong(squaresLow);
        bytes.putLong(low).putLong(lowMs);
        bytes.putLong(high).putLong(highMs);
        bytes.putLong(last).putLong(lastMs).putLong(lastPlace);
        if (histogram != null) {
            histogram.forEach((units, count) -> bytes.putLong(units).putLong(count));
        }
        return bytes.array();
    }
}
