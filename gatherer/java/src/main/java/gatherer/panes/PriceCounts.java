package gatherer.panes;

import java.util.Arrays;

/**
 * The number of ticks by price. A hash table of primitives: a map of boxed numbers would cost more than the rest of a
 * tick.
 */
final class PriceCounts {
    private static final int FIRST_CAPACITY = 16;

    private long[] prices = new long[FIRST_CAPACITY];
    /** By the slot of the price; 0 in a free slot. */
    private long[] counts = new long[FIRST_CAPACITY];

    private int size;
    private int latest;

    void add(long price, long count) {
        if (counts[latest] == 0 || prices[latest] != price) {
            latest = slot(price);
        }
        if (counts[latest] == 0) {
            prices[latest] = price;
            size++;
        }
        counts[latest] += count;
        if (2 * size > prices.length) {
            grow();
        }
    }

    int size() {
        return size;
    }

    /** Calls `each` for every price in ascending order, so that bytes do not depend on the order of ticks. */
    void forEach(Visitor each) {
        long[] sorted = new long[size];
        int next = 0;
        for (int slot = 0; slot < prices.length; slot++) {
            if (counts[slot] != 0) {
                sorted[next++] = prices[slot];
            }
        }
        Arrays.sort(sorted);
        for (long price : sorted) {
            each.visit(price, counts[slot(price)]);
        }
    }

    private int slot(long price) {
        int mask = prices.length - 1;
        // Prices are often multiples of a cent; the multiplication spreads them over the high bits.
        int slot = (int) ((price * 0x9E3779B97F4A7C15L) >>> 40) & mask;
        while (counts[slot] != 0 && prices[slot] != price) {
            slot = (slot + 1) & mask;
        }
        return slot;
    }

    private void grow() {
        long[] oldPrices = prices;
        long[] oldCounts = counts;
        prices = new long[2 * oldPrices.length];
        counts = new long[2 * oldPrices.length];
        latest = 0;
        for (int old = 0; old < oldPrices.length; old++) {
            if (oldCounts[old] != 0) {
                int slot = slot(oldPrices[old]);
                prices[slot] = oldPrices[old];
                counts[slot] = oldCounts[old];
            }
        }
    }

    /** Takes a price and its number of ticks. */
    interface Visitor {
        void visit(long price, long count);
    }
}
