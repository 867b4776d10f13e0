package gatherer.records;

import java.math.BigDecimal;
import java.math.RoundingMode;

/** Prices as whole units of 1e-8, rounded half up (away from 0). */
final class Prices {
    static final int SCALE = 8, WHOLE_DIGITS = 9;

    /** The least number of units that is too much. */
    static final long BEYOND = 100_000_000_000_000_000L;

    private Prices() {
    }

    /**
     * @param name of the field, for people
     * @param nonPositive whether zero and negative prices count
     */
    static long units(BigDecimal price, String name, boolean nonPositive) throws Unusable {
        if (price.signum() <= 0 && !nonPositive) {
            throw new Unusable("bad_price", name + " is not above 0");
        }
        // By its digits first: to write out 1e999999999 would fill the memory.
        long wholeDigits = (long) price.precision() - price.scale();
        if (price.signum() == 0 || wholeDigits < -SCALE) {
            return zero(name, nonPositive);
        }
        long units = wholeDigits > WHOLE_DIGITS
                ? BEYOND * price.signum()
                : price.setScale(SCALE, RoundingMode.HALF_UP).unscaledValue().longValueExact();
        if (units >= BEYOND) {
            throw new Unusable("bad_price", name + " is not below 1e9");
        }
        if (units <= -BEYOND) {
            throw new Unusable("bad_price", name + " is not above -1e9");
        }
        return units == 0 ? zero(name, nonPositive) : units;
    }

    private static long zero(String name, boolean nonPositive) throws Unusable {
        if (!nonPositive) {
            throw new Unusable("bad_price", name + " is below 1e-8");
        }
        return 0;
    }
}
