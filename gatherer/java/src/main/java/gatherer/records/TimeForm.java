package gatherer.records;

/** How an input writes the time of a tick. */
enum TimeForm {
    OURS("a UTC time such as 2026-11-22 01:02:03.004"),
    ISO8601("an ISO 8601 time with an offset such as 2026-11-22T01:02:03.004Z"),
    EPOCH_S("a number of seconds since 1970 such as 1795309323.004", 3),
    EPOCH_MS("a number of milliseconds since 1970 such as 1795309323004", 0),
    EPOCH_US("a number of microseconds since 1970 such as 1795309323004000", -3),

    /** Not in the value: the record's Kafka timestamp is the time. */
    RECORD("the record's timestamp");

    /** The form in words. */
    final String words;

    /** Whether it is a number, or a string that holds one. */
    final boolean isNumber;

    /** The number times ten to this power is milliseconds. */
    final int toMillis;

    TimeForm(String words) {
        this.words = words;
        isNumber = false;
        toMillis = 0;
    }

    TimeForm(String words, int toMillis) {
        this.words = words;
        isNumber = true;
        this.toMillis = toMillis;
    }
}
