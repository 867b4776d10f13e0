package gatherer.records;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.nio.ByteOrder;
import java.time.LocalDate;

/** Reads times of one form. It remembers the last minute, which most records share with the one before. */
final class Times {
    /** No time of the form. */
    static final long NONE = Long.MIN_VALUE;

    private static final long DAY_MS = 86_400_000;
    private static final long FIRST_MS = LocalDate.of(2000, 1, 1).toEpochDay() * DAY_MS;
    private static final long LAST_MS = LocalDate.of(2050, 1, 1).toEpochDay() * DAY_MS;
    private static final VarHandle LONGS = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.nativeOrder());

    /** The length of `2026-11-22 01:02`; the most decimals of a second. */
    private static final int MINUTE_LENGTH = 16, DECIMALS = 9;

    /** A whole number with this many digits is below 2^63. */
    private static final int MAX_DIGITS = 18;

    /** More seconds than any valid time has; as milliseconds still below 2^63. */
    private static final long MAX_SECONDS = 1_000_000_000_000L;

    private final TimeForm form;
    private long minuteHead;
    private long minuteTail;
    private long minuteMs = NONE;

    Times(TimeForm form) {
        this.form = form;
    }

    /** Whether ticks may have this time, epoch milliseconds. */
    static boolean isInBounds(long ms) {
        return ms >= FIRST_MS && ms < LAST_MS;
    }

    /** The epoch milliseconds of the bytes from `from` to before `to`; NONE unless they are a time. */
    long ofText(byte[] text, int from, int to) {
        return switch (form) {
            case OURS -> ours(text, from, to);
            case ISO8601 -> iso8601(text, from, to);
            default -> ofPlainNumber(text, from, to);
        };
    }

    /** The same for a number of digits and at most one point; NONE for other numbers, which may still be times. */
    long ofPlainNumber(byte[] text, int from, int to) {
        int at = from;
        long whole = 0;
        while (at < to && Bytes.isDigit(text[at])) {
            whole = whole * 10 + (text[at++] - '0');
        }
        if (at == from || at - from > MAX_DIGITS || (text[from] == '0' && at - from > 1)) {
            return NONE;
        }
        long millis = 0;
        if (at < to) {
            if (text[at] != '.' || at + 1 == to) {
                return NONE;
            }
            at++;
            millis = fraction(text, at, to);
            if (millis == NONE) {
                return NONE;
            }
        }
        return switch (form) {
            case EPOCH_S -> Math.min(whole, MAX_SECONDS) * 1000 + millis;
            case EPOCH_MS -> whole;
            default -> whole / 1000;
        };
    }

    /** The same for any number; a number beyond all times gives some time out of bounds. */
    long ofNumber(BigDecimal number) {
        // Compare its digits first: 1e999999999 written out would fill the memory.
        long wholeDigits = (long) number.precision() - number.scale() + form.toMillis;
        if (wholeDigits > MAX_DIGITS || wholeDigits <= 0) {
            return Long.MAX_VALUE;
        }
        return number.scaleByPowerOfTen(form.toMillis).setScale(0, RoundingMode.FLOOR).longValueExact();
    }

    /** "yyyy-MM-dd HH:mm:ss" and up to nine decimals; the first three count. */
    private long ours(byte[] text, int from, int to) {
        int length = to - from;
        if (length < 19 || length == 20 || length > 20 + DECIMALS) {
            return NONE;
        }
        long minute = minute(text, from);
        long second = seconds(text, from + MINUTE_LENGTH);
        if (minute == NONE || second == NONE) {
            return NONE;
        }
        if (length == 19) {
            return minute + second * 1000;
        }
        long millis = text[from + 19] == '.' ? fraction(text, from + 20, to) : NONE;
        return millis == NONE ? NONE : minute + second * 1000 + millis;
    }

    /**
     * "yyyy-MM-ddTHH:mm", with or without seconds, with or without up to nine decimals, and Z, +HH:mm, +HHmm or +HH.
     */
    private long iso8601(byte[] text, int from, int to) {
        if (to - from <= MINUTE_LENGTH) {
            return NONE;
        }
        long ms = minute(text, from);
        if (ms == NONE) {
            return NONE;
        }
        int at = from + MINUTE_LENGTH;
        if (text[at] == ':') {
            long second = at + 3 < to ? seconds(text, at) : NONE;
            if (second == NONE) {
                return NONE;
            }
            ms += second * 1000;
            at += 3;
            if (text[at] == '.' || text[at] == ',') {
                int first = ++at;
                while (at < to && Bytes.isDigit(text[at])) {
                    at++;
                }
                if (at == first || at - first > DECIMALS || at == to) {
                    return NONE;
                }
                ms += fraction(text, first, at);
            }
        }
        long offset = offset(text, at, to);
        return offset == NONE ? NONE : ms - offset;
    }

    /** The offset from UTC, milliseconds. */
    private static long offset(byte[] text, int from, int to) {
        byte sign = text[from];
        int length = to - from;
        if (sign == 'Z' || sign == 'z') {
            return length == 1 ? 0 : NONE;
        }
        if ((sign != '+' && sign != '-') || (length != 3 && length != 5 && (length != 6 || text[from + 3] != ':'))) {
            return NONE;
        }
        int hours = pair(text, from + 1);
        int minutes = length == 3 ? 0 : pair(text, to - 2);
        if (hours < 0 || hours > 18 || minutes < 0 || minutes > 59) {
            return NONE;
        }
        long ms = (hours * 60 + minutes) * 60_000L;
        return sign == '-' ? -ms : ms;
    }

    /** The minute at the beginning of a time; there must be enough bytes. */
    private long minute(byte[] text, int from) {
        long head = (long) LONGS.get(text, from);
        long tail = (long) LONGS.get(text, from + Long.BYTES);
        if (head == minuteHead && tail == minuteTail && minuteMs != NONE) {
            return minuteMs;
        }
        long ms = readMinute(text, from);
        if (ms != NONE) {
            minuteHead = head;
            minuteTail = tail;
            minuteMs = ms;
        }
        return ms;
    }

    private long readMinute(byte[] text, int from) {
        byte between = text[from + 10];
        boolean isFormed = text[from + 4] == '-' && text[from + 7] == '-' && text[from + 13] == ':'
                && (between == ' ' || (form == TimeForm.ISO8601 && (between == 'T' || between == 't')));
        int century = pair(text, from);
        int yearOfCentury = pair(text, from + 2);
        int month = pair(text, from + 5);
        int day = pair(text, from + 8);
        int hour = pair(text, from + 11);
        int minute = pair(text, from + 14);
        if (!isFormed || century < 0 || yearOfCentury < 0 || month < 1 || month > 12 || day < 1) {
            return NONE;
        }
        int year = century * 100 + yearOfCentury;
        if (day > days(year, month) || hour < 0 || hour > 23 || minute < 0 || minute > 59) {
            return NONE;
        }
        return epochDay(year, month, day) * DAY_MS + (hour * 60 + minute) * 60_000L;
    }

    private static int days(int year, int month) {
        if (month == 2) {
            return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28;
        }
        return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
    }

    /** Days since 1970. Years that begin in March have the leap day at their end. */
    private static long epochDay(int year, int month, int day) {
        long marchYear = month > 2 ? year : year - 1;
        long leapDays = Math.floorDiv(marchYear, 4) - Math.floorDiv(marchYear, 100) + Math.floorDiv(marchYear, 400);
        long dayOfYear = (153L * ((month + 9) % 12) + 2) / 5 + day - 1;
        return marchYear * 365 + leapDays + dayOfYear - 719_468;
    }

    /** ":ss" */
    private static long seconds(byte[] text, int from) {
        int second = pair(text, from + 1);
        return text[from] == ':' && second >= 0 && second < 60 ? second : NONE;
    }

    /** The milliseconds of some decimals, all of which must be digits. */
    private static long fraction(byte[] text, int from, int to) {
        long millis = 0;
        for (int at = from; at < to; at++) {
            if (!Bytes.isDigit(text[at])) {
                return NONE;
            }
            if (at < from + 3) {
                millis = millis * 10 + (text[at] - '0');
            }
        }
        return switch (to - from) {
            case 1 -> millis * 100;
            case 2 -> millis * 10;
            default -> millis;
        };
    }

    /** The number of two digits; negative unless both are digits. */
    private static int pair(byte[] text, int from) {
        byte first = text[from];
        byte second = text[from + 1];
        return Bytes.isDigit(first) && Bytes.isDigit(second) ? (first - '0') * 10 + (second - '0') : -1;
    }
}
