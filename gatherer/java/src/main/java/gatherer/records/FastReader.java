package gatherer.records;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Reads ticks in the usual form: plain strings, plain decimals, no field twice. It allocates nothing. It declines every
 * other record, for {@link CarefulReader} to read, which says the same of ticks in the usual form.
 */
final class FastReader {
    private static final int[] POWERS = {1, 10, 100, 1000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000};

    /** The length of "2026-11-22 01:02:03.004" with its second quotation mark. */
    private static final int USUAL_TIME = 24;

    /** Longer numbers and names may exceed Jackson's limits. */
    private static final int MAX_NUMBER = 100, MAX_NAME = 1000;

    private final InputFormat format;
    private final long futureMs;
    private final Times times;
    private final Symbols symbols;
    private final String topicSymbol;
    private final byte[] topicSymbolQuoted;
    private final int wanted;

    private byte[] bytes;

    /** The position, and that of the last brace, beyond which no number and no blank goes. */
    private int at;

    private int end;

    /** The roles of the fields that were read. */
    private int seen;

    private long ms;
    private long units;
    private String symbol;

    /** The index of the field that is expected next. */
    private int expected;

    FastReader(InputFormat format, String topicSymbol, Symbols symbols, long futureMs) {
        this.format = format;
        this.topicSymbol = topicSymbol;
        this.symbols = symbols;
        this.futureMs = futureMs;
        topicSymbolQuoted = topicSymbol == null ? null : (topicSymbol + '"').getBytes(StandardCharsets.UTF_8);
        times = new Times(format.timeForm());
        wanted = format.roles();
    }

    /** Reads a tick in the usual form into `into`; returns false for any other record. */
    boolean read(byte[] key, byte[] value, long writtenMs, Reading into) {
        bytes = value;
        end = value.length - 1;
        while (end > 0 && Bytes.isBlank(value[end])) {
            end--;
        }
        if (end <= 0 || value[end] != '}') {
            return false;
        }
        at = 0;
        skipBlanks();
        seen = 0;
        ms = writtenMs;
        symbol = topicSymbol;
        if (format.symbolSource() == SymbolSource.KEY) {
            symbol = key == null ? null : symbols.of(key, 0, key.length);
        }
        boolean isTick = bytes[at++] == '{' && readObject(format.fields()) && at == end + 1 && seen == wanted
                && symbol != null && Times.isInBounds(ms) && ms - futureMs <= writtenMs;
        if (isTick) {
            into.setTick(symbol, ms, units);
        }
        return isTick;
    }

    /** Reads from after a brace to after the one that closes it. */
    private boolean readObject(Field object) {
        while (at <= end) {
            skipBlanks();
            if (bytes[at++] != '"') {
                return false;
            }
            Field field = readName(object);
            if (at > end) {
                return false;
            }
            skipBlanks();
            if (bytes[at++] != ':' || at > end) {
                return false;
            }
            skipBlanks();
            if (!readValue(field) || at > end) {
                return false;
            }
            skipBlanks();
            byte next = bytes[at++];
            if (next != ',') {
                return next == '}';
            }
        }
        return false;
    }

    /**
     * Reads the next field's name; null for a field that nobody wants. Moves `at` to the end when it is not plain.
     */
    private Field readName(Field object) {
        int count = object.children.size();
        for (int tries = 0; tries < count; tries++, expected++) {
            if (expected >= count) {
                expected = 0;
            }
            Field field = object.children.get(expected);
            int behind = at + field.quoted.length;
            if (behind <= end && Arrays.equals(bytes, at, behind, field.quoted, 0, field.quoted.length)) {
                at = behind;
                expected++;
                return field;
            }
        }
        int from = at;
        skipText();
        if (at - from > MAX_NAME) {
            at = end + 1;
        }
        return null;
    }

    private boolean readValue(Field field) {
        if (field == null) {
            return skipValue();
        }
        if (field.role == Field.NOTHING) {
            return bytes[at++] == '{' && readObject(field);
        }
        if ((seen & field.role) != 0) {
            return false;
        }
        seen |= field.role;
        return switch (field.role) {
            case Field.TIME -> readTime();
            case Field.SYMBOL -> readSymbol();
            default -> readPrice();
        };
    }

    private boolean readTime() {
        boolean isText = bytes[at] == '"';
        int from = isText ? at + 1 : at;
        if (isText) {
            at++;
            if (at + USUAL_TIME <= end && bytes[at + USUAL_TIME - 1] == '"') {
                // A time has no quotation mark in it; if there is one earlier, this is not a time.
                at += USUAL_TIME;
            } else {
                skipText();
            }
            if (at > end) {
                return false;
            }
            ms = times.ofText(bytes, from, at - 1);
        } else {
            while (Bytes.isDigit(bytes[at]) || bytes[at] == '.') {
                at++;
            }
            if (!format.timeForm().isNumber) {
                return false;
            }
            ms = times.ofPlainNumber(bytes, from, at);
        }
        return ms != Times.NONE;
    }

    private boolean readSymbol() {
        if (bytes[at++] != '"') {
            return false;
        }
        if (topicSymbol != null) {
            int behind = at + topicSymbolQuoted.length;
            if (behind > end || !Arrays.equals(bytes, at, behind, topicSymbolQuoted, 0, topicSymbolQuoted.length)) {
                return false;
            }
            at = behind;
            return true;
        }
        int from = at;
        skipText();
        if (at > end) {
            return false;
        }
        symbol = symbols.of(bytes, from, at - 1);
        return true;
    }

    private boolean readPrice() {
        boolean isText = bytes[at] == '"';
        if (isText) {
            if (!format.numbersAsText()) {
                return false;
            }
            at++;
        }
        boolean isNegative = bytes[at] == '-';
        if (isNegative) {
            at++;
        }
        int from = at;
        long digits = 0;
        while (Bytes.isDigit(bytes[at])) {
            digits = digits * 10 + (bytes[at++] - '0');
        }
        int wholeDigits = at - from;
        if (wholeDigits == 0 || wholeDigits > Prices.WHOLE_DIGITS || (wholeDigits > 1 && bytes[from] == '0')) {
            return false;
        }
        int missing = Prices.SCALE;
        int up = 0;
        if (bytes[at] == '.') {
            int point = at++;
            while (Bytes.isDigit(bytes[at])) {
                if (missing > 0) {
                    digits = digits * 10 + (bytes[at] - '0');
                    missing--;
                } else if (at == point + Prices.SCALE + 1) {
                    up = bytes[at] >= '5' ? 1 : 0;
                }
                at++;
            }
            if (at == point + 1 || at - point > MAX_NUMBER) {
                return false;
            }
        }
        long size = digits * POWERS[missing] + up;
        units = isNegative ? -size : size;
        return size < Prices.BEYOND && (units > 0 || format.nonPositive()) && (!isText || bytes[at++] == '"');
    }

    /** Skips a value that nobody wants; false unless it is a simple one. */
    private boolean skipValue() {
        switch (bytes[at]) {
            case '"':
                at++;
                skipText();
                return true;
            case 't':
                return skipWord("true");
            case 'f':
                return skipWord("false");
            case 'n':
                return skipWord("null");
            default:
                return skipNumber();
        }
    }

    private boolean skipWord(String word) {
        for (int letter = 0; letter < word.length(); letter++) {
            if (bytes[at] != word.charAt(letter)) {
                return false;
            }
            at++;
        }
        return true;
    }

    private boolean skipNumber() {
        int from = at;
        if (bytes[at] == '-') {
            at++;
        }
        int first = at;
        if (!skipDigits() || (bytes[first] == '0' && at - first > 1)) {
            return false;
        }
        if (bytes[at] == '.') {
            at++;
            if (!skipDigits()) {
                return false;
            }
        }
        return at - from <= MAX_NUMBER;
    }

    /** Skips digits; false unless there was at least one. */
    private boolean skipDigits() {
        int from = at;
        while (Bytes.isDigit(bytes[at])) {
            at++;
        }
        return at > from;
    }

    /** Moves to after the quotation mark that ends a plain string; to the end when there is none. */
    private void skipText() {
        while (at < end && Bytes.isPlain(bytes[at])) {
            at++;
        }
        at = at < end && bytes[at] == '"' ? at + 1 : end + 1;
    }

    private void skipBlanks() {
        while (Bytes.isBlank(bytes[at])) {
            at++;
        }
    }
}
