package gatherer;

import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Map;
import org.apache.flink.table.functions.AggregateFunction;

/**
 * `PANE(ms, place, units, histogram)`: all that the statistics need of the ticks of a pane, as bytes.
 *
 * <p>ms: event time, milliseconds since 1970. place: orders the ticks of one millisecond. units: the price, in whole units
 * below 1e17. histogram: whether to count each price. Sums are exact: of 2^63 ticks the total fits into 128 bits, that of
 * squares into 192.
 *
 * <p>The bytes, big-endian: n, total (16 bytes), sum of squares (24), low, its ms, high, its ms, last, its ms, its place,
 * then a pair (units, count) for each price; 8 bytes where nothing else is said.
 */
public final class Pane extends AggregateFunction<byte[], Pane.Ticks> {
    private static final long serialVersionUID = 1L;
    private static final int FIXED_BYTES = 13 * Long.BYTES;

    /** What is known of the ticks so far. */
    public static final class Ticks {
        public long n;
        public long totalHigh;
        public long totalLow;
        public long squaresTop;
        public long squaresHigh;
        public long squaresLow;
        public long low;
        public long lowMs;
        public long high;
        public long highMs;
        public long last;
        public long lastMs;
        public long lastPlace;
        public Map<Long, Long> histogram = new HashMap<>();

        private void addTotal(long high, long low) {
            long sum = totalLow + low;
            totalHigh += high + (Long.compareUnsigned(sum, low) < 0 ? 1 : 0);
            totalLow = sum;
        }

        private void addSquares(long top, long high, long low) {
            long sum = squaresLow + low;
            long carry = Long.compareUnsigned(sum, low) < 0 ? 1 : 0;
            squaresLow = sum;
            sum = squaresHigh + high;
            squaresTop += top + (Long.compareUnsigned(sum, high) < 0 ? 1 : 0);
            squaresHigh = sum + carry;
            if (carry == 1 && squaresHigh == 0) {
                squaresTop++;
            }
        }

        /** The earliest tick of the lowest and of the highest price, and the latest of all. */
        private void extend(long low, long lowMs, long high, long highMs, long last, long lastMs, long lastPlace) {
            if (n == 0 || low < this.low || (low == this.low && lowMs < this.lowMs)) {
                this.low = low;
                this.lowMs = lowMs;
            }
            if (n == 0 || high > this.high || (high == this.high && highMs < this.highMs)) {
                this.high = high;
                this.highMs = highMs;
            }
            if (n == 0 || lastMs > this.lastMs || (lastMs == this.lastMs && lastPlace > this.lastPlace)) {
                this.last = last;
                this.lastMs = lastMs;
                this.lastPlace = lastPlace;
            }
        }
    }

    @Override
    public Ticks createAccumulator() {
        return new Ticks();
    }

    public void accumulate(Ticks ticks, Long ms, Long place, Long units, Boolean histogram) {
        ticks.extend(units, ms, units, ms, units, ms, place);
        ticks.n++;
        ticks.addTotal(0, units);
        ticks.addSquares(0, Math.multiplyHigh(units, units), units * units);
        if (histogram) {
            ticks.histogram.merge(units, 1L, Long::sum);
        }
    }

    public void merge(Ticks ticks, Iterable<Ticks> others) {
        for (Ticks other : others) {
            if (other.n == 0) {
                continue;
            }
            ticks.extend(other.low, other.lowMs, other.high, other.highMs, other.last, other.lastMs, other.lastPlace);
            ticks.n += other.n;
            ticks.addTotal(other.totalHigh, other.totalLow);
            ticks.addSquares(other.squaresTop, other.squaresHigh, other.squaresLow);
            other.histogram.forEach((units, count) -> ticks.histogram.merge(units, count, Long::sum));
        }
    }

    @Override
    public byte[] getValue(Ticks ticks) {
        ByteBuffer bytes = ByteBuffer.allocate(FIXED_BYTES + ticks.histogram.size() * 2 * Long.BYTES);
        bytes.putLong(ticks.n);
        bytes.putLong(ticks.totalHigh).putLong(ticks.totalLow);
        bytes.putLong(ticks.squaresTop).putLong(ticks.squaresHigh).putLong(ticks.squaresLow);
        bytes.putLong(ticks.low).putLong(ticks.lowMs);
        bytes.putLong(ticks.high).putLong(ticks.highMs);
        bytes.putLong(ticks.last).putLong(ticks.lastMs).putLong(ticks.lastPlace);
        ticks.histogram.forEach((units, count) -> bytes.putLong(units).putLong(count));
        return bytes.array();
    }
}
