package gatherer.panes;

import java.io.Serializable;

/** The lengths and slides of the windows, in milliseconds. All are multiples of the shortest slide, the pane. */
public final class Windows implements Serializable {
    private static final long serialVersionUID = 1L;

    private final long[] lengths;
    private final long[] slides;
    private final long paneMs;

    /** @param lengths of each window; @param slides of each, in the same order */
    public Windows(long[] lengths, long[] slides) {
        this.lengths = lengths.clone();
        this.slides = slides.clone();
        long shortest = Long.MAX_VALUE;
        for (long slide : slides) {
            shortest = Math.min(shortest, slide);
        }
        paneMs = shortest;
    }

    public long paneMs() {
        return paneMs;
    }

    /** The exclusive end of the pane that holds a time. */
    public long paneEnd(long ms) {
        return (Math.floorDiv(ms, paneMs) + 1) * paneMs;
    }

    /** The end of the last window of any length that holds a time. */
    public long lastEnd(long ms) {
        long last = Long.MIN_VALUE;
        for (int each = 0; each < lengths.length; each++) {
            last = Math.max(last, Math.floorDiv(ms, slides[each]) * slides[each] + lengths[each]);
        }
        return last;
    }

    /**
     * Whether a window that ends in (since, until] can hold a pane that ends at `paneEnd`.
     */
    public boolean anyEnds(long since, long until, long paneEnd) {
        for (int each = 0; each < lengths.length; each++) {
            long slide = slides[each];
            long lastOfPane = Math.floorDiv(paneEnd - 1, slide) * slide + lengths[each];
            if (Math.min(Math.floorDiv(until, slide) * slide, lastOfPane) > since) {
                return true;
            }
        }
        return false;
    }
}
