package gatherer.panes;

import java.nio.ByteBuffer;

/**
 * Closed panes as bytes: for each, the first window end at which it counts, its end, and what {@link PaneAccumulator}
 * writes. The first number is the end of the pane, or later for late ticks.
 */
final class PaneBytes {
    private static final int HEAD_BYTES = 2 * Long.BYTES;

    private PaneBytes() {
    }

    static int bytes(PaneAccumulator pane) {
        return HEAD_BYTES + pane.bytes();
    }

    static void write(ByteBuffer to, long countsFrom, long end, PaneAccumulator pane) {
        to.putLong(countsFrom).putLong(end);
        pane.write(to);
    }

    /** The latest end of some panes. */
    static long lastEnd(byte[] panes) {
        ByteBuffer from = ByteBuffer.wrap(panes);
        long last = Long.MIN_VALUE;
        while (from.hasRemaining()) {
            last = Math.max(last, from.getLong(from.position() + Long.BYTES));
            skip(from);
        }
        return last;
    }

    /** Returns the first number of the pane at the buffer's position; moves the buffer to the next pane. */
    static long skip(ByteBuffer panes) {
        long countsFrom = panes.getLong();
        panes.position(panes.position() + Long.BYTES + PaneAccumulator.FIXED_BYTES - Long.BYTES);
        long prices = panes.getLong();
        panes.position(panes.position() + Math.toIntExact(prices * 2 * Long.BYTES));
        return countsFrom;
    }
}
