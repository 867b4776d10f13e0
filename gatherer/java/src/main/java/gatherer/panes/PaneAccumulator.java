package gatherer.panes;

import java.nio.ByteBuffer;

/**
 * Everything that the statistics need of the ticks of one position in one pane. Prices are whole units, above -1e17 and
 * below 1e17. Sums are exact: for 2^63 ticks the total fits into 128 bits, the sum of squares into 192.
 */
public final class PaneAccumulator {
    static final int FIXED_BYTES = 14 * Long.BYTES;

    /** Null unless a statistic needs it. */
    private final PriceCounts counts;

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
    private long lastOrder;

    /** @param histogram whether to count each price */
    public PaneAccumulator(boolean histogram) {
        counts = histogram ? new PriceCounts() : null;
    }

    /**
     * @param ms event time, epoch milliseconds
     * @param order orders the ticks of one millisecond
     * @param units the price
     */
    public void add(long ms, long order, long units) {
        // The earliest tick with the lowest price, the earliest with the highest, and the latest tick.
        if (n == 0 || units < low || (units == low && ms < lowMs)) {
            low = units;
            lowMs = ms;
        }
        if (n == 0 || units > high || (units == high && ms < highMs)) {
            high = units;
            highMs = ms;
        }
        if (n == 0 || ms > lastMs || (ms == lastMs && order > lastOrder)) {
            last = units;
            lastMs = ms;
            lastOrder = order;
        }
        n++;
        totalLow += units;
        totalHigh += (Long.compareUnsigned(totalLow, units) < 0 ? 1 : 0) + (units >> 63);
        addSquare(Math.multiplyHigh(units, units), units * units);
        if (counts != null) {
            counts.add(units, 1);
        }
    }

    private void addSquare(long squareHigh, long squareLow) {
        squaresLow += squareLow;
        long carry = Long.compareUnsigned(squaresLow, squareLow) < 0 ? 1 : 0;
        squaresHigh += squareHigh;
        squaresTop += Long.compareUnsigned(squaresHigh, squareHigh) < 0 ? 1 : 0;
        squaresHigh += carry;
        squaresTop += carry == 1 && squaresHigh == 0 ? 1 : 0;
    }

    /** How many bytes {@link #write} needs. */
    public int bytes() {
        return FIXED_BYTES + (counts == null ? 0 : counts.size() * 2 * Long.BYTES);
    }

    /**
     * Big-endian: n, total (16 bytes), sum of squares (24), low, its ms, high, its ms, last, its ms, its order, the
     * number of prices, and a pair (units, count) for each price in ascending order; 8 bytes unless
     * noted.
     */
    public void write(ByteBuffer to) {
        to.putLong(n);
        to.putLong(totalHigh).putLong(totalLow);
        to.putLong(squaresTop).putLong(squaresHigh).putLong(squaresLow);
        to.putLong(low).putLong(lowMs);
        to.putLong(high).putLong(highMs);
        to.putLong(last).putLong(lastMs).putLong(lastOrder);
        to.putLong(counts == null ? 0 : counts.size());
        if (counts != null) {
            counts.forEach((units, count) -> to.putLong(units).putLong(count));
        }
    }

    /** Reads what {@link #write} wrote. */
    public static PaneAccumulator read(ByteBuffer from, boolean histogram) {
        PaneAccumulator pane = new PaneAccumulator(histogram);
        pane.n = from.getLong();
        pane.totalHigh = from.getLong();
        pane.totalLow = from.getLong();
        pane.squaresTop = from.getLong();
        pane.squaresHigh = from.getLong();
        pane.squaresLow = from.getLong();
        pane.low = from.getLong();
        pane.lowMs = from.getLong();
        pane.high = from.getLong();
        pane.highMs = from.getLong();
        pane.last = from.getLong();
        pane.lastMs = from.getLong();
        pane.lastOrder = from.getLong();
        for (long prices = from.getLong(); prices > 0; prices--) {
            long units = from.getLong();
            long count = from.getLong();
            if (histogram) {
                pane.counts.add(units, count);
            }
        }
        return pane;
    }
}
