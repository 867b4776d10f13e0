package gatherer.panes;

import java.util.function.Consumer;

/**
 * Which positions a partition feeds.
 *
 * @param onlySymbol the position that its topic stands for; null when the topic holds several
 * @param isOnEveryPartition whether a position of the topic has to wait for all of its partitions, not only for those
 *         on which
 *     its ticks were seen
 * @param found is told the symbol of each position that is seen first, so that the other partitions learn of it
 */
public record Feeding(String onlySymbol, boolean isOnEveryPartition, Consumer<String> found) {
    /** The topic stands for one position. */
    public static Feeding one(String symbol) {
        return new Feeding(symbol, true, found -> {});
    }

    /** Each position is on one partition of the topic. */
    public static Feeding several() {
        return new Feeding(null, false, found -> {});
    }

    /** Ticks of a position are on any partition. */
    public static Feeding anywhere(Consumer<String> found) {
        return new Feeding(null, true, found);
    }
}
