package gatherer.records;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;
import java.util.regex.Pattern;

/** Maps others' symbols to ours. Symbols that were seen before are found by their bytes, without a new string. */
final class Symbols {
    /** The rule of `kafka_topic.names.check_symbol`: a symbol can be part of a topic's name. */
    private static final Pattern LEGAL = Pattern.compile("[A-Za-z0-9._-]{1,240}");

    private static final int SLOTS = 1 << 14, PROBES = 8;

    private final Map<String, String> ours;

    /** Null until the first is looked up. */
    private byte[][] seen;

    private String[] found;

    /** @param ours our symbols by others'; what isn't there is used as it is */
    Symbols(Map<String, String> ours) {
        this.ours = ours;
    }

    /** Our symbol; null when it is invalid. */
    static String of(String theirs, Map<String, String> ours) {
        String symbol = ours.getOrDefault(theirs, theirs);
        return LEGAL.matcher(symbol).matches() ? symbol : null;
    }

    /** The same. */
    String of(String theirs) {
        return of(theirs, ours);
    }

    /** The same of the bytes from `from` to before `to`, UTF-8. */
    String of(byte[] bytes, int from, int to) {
        if (seen == null) {
            seen = new byte[SLOTS][];
            found = new String[SLOTS];
        }
        int hash = 0;
        for (int at = from; at < to; at++) {
            hash = hash * 31 + bytes[at];
        }
        int slot = hash ^ hash >>> 16;
        for (int probe = 0; probe < PROBES; probe++, slot++) {
            byte[] known = seen[slot & SLOTS - 1];
            if (known == null) {
                String symbol = of(text(bytes, from, to));
                if (symbol != null) {
                    seen[slot & SLOTS - 1] = Arrays.copyOfRange(bytes, from, to);
                    found[slot & SLOTS - 1] = symbol;
                }
                return symbol;
            }
            if (Arrays.equals(known, 0, known.length, bytes, from, to)) {
                return found[slot & SLOTS - 1];
            }
        }
        return of(text(bytes, from, to));
    }

    private static String text(byte[] bytes, int from, int to) {
        return new String(bytes, from, to - from, StandardCharsets.UTF_8);
    }
}
