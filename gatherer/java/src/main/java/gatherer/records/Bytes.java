package gatherer.records;

/** Classes of single bytes of JSON. */
final class Bytes {
    private Bytes() {
    }

    /** Whether a byte within a string stands for itself: printable ASCII except quotation mark and backslash. */
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
