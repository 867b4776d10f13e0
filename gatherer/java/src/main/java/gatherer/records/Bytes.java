package gatherer.records;

/** What single bytes of JSON are. */
final class Bytes {
    private Bytes() {
    }

    /** Whether a byte within a text stands for itself: printable ASCII but for quotation mark and backslash. */
    static boolean isPlain(byte each) {
        return each >= ' ' && each <= '~' && each != '"' && each != '\\';
    }

    static boolean isDigit(byte each) {
        return each >= '0' && each <= '9';
    }

    static boolean isBlank(byte each) {
        return each == ' ' || each == '\n' || each == '\r' || each == '\t';
    }
}
