package gatherer.records;

/** Why a record can't be used. It is cheap, because a topic may hold only such records. */
final class Unusable extends Exception {
    private static final long serialVersionUID = 1L;

    private final String reason;

    /**
     * @param reason one of the reasons of a dead letter
     * @param detail a few words for people
     */
    Unusable(String reason, String detail) {
        super(detail, null, false, false);
        this.reason = reason;
    }

    String reason() {
        return reason;
    }
}
