package gatherer.panes;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PaneAccumulatorTest {
    private static final long LARGEST = 99_999_999_999_999_999L;

    private static byte[] bytesOf(PaneAccumulator pane) {
        ByteBuffer bytes = ByteBuffer.allocate(pane.bytes());
        pane.write(bytes);
        assertEquals(0, bytes.remaining());
        return bytes.array();
    }

    private static BigInteger number(ByteBuffer from, int bytes) {
        byte[] number = new byte[bytes];
        from.get(number);
        return new BigInteger(number);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, LARGEST, -LARGEST, 0})
    void sumsAreExactBeyondTheirWords(long extreme) {
        Random draw = new Random(extreme);
        PaneAccumulator pane = new PaneAccumulator(true);
        BigInteger total = BigInteger.ZERO;
        BigInteger squares = BigInteger.ZERO;
        TreeMap<Long, Long> counts = new TreeMap<>();
        for (int tick = 0; tick < 5000; tick++) {
            long price = draw.nextInt(4) > 0 ? extreme : draw.nextLong(-LARGEST, LARGEST);
            pane.add(tick, tick, price);
            total = total.add(BigInteger.valueOf(price));
            squares = squares.add(BigInteger.valueOf(price).pow(2));
            counts.merge(price, 1L, Long::sum);
        }
        ByteBuffer bytes = ByteBuffer.wrap(bytesOf(pane));
        assertEquals(5000, bytes.getLong());
        assertEquals(total, number(bytes, 16));
        assertEquals(squares, number(bytes, 24));
        assertEquals(counts.firstKey(), bytes.getLong());
        bytes.getLong();
        assertEquals(counts.lastKey(), bytes.getLong());
        bytes.position(bytes.position() + 4 * Long.BYTES);
        assertEquals(counts.size(), bytes.getLong());
        for (var each : counts.entrySet()) {
            assertEquals(each.getKey(), bytes.getLong());
            assertEquals(each.getValue(), bytes.getLong());
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void whatWasWrittenGoesOnTheSame(boolean histogram) {
        Random draw = new Random(1);
        PaneAccumulator whole = new PaneAccumulator(histogram);
        PaneAccumulator resumed = new PaneAccumulator(histogram);
        for (int tick = 0; tick < 300; tick++) {
            long ms = draw.nextInt(50);
            long price = draw.nextLong(-5, 5);
            whole.add(ms, tick, price);
            resumed.add(ms, tick, price);
            if (tick % 7 == 0) {
                resumed = PaneAccumulator.read(ByteBuffer.wrap(bytesOf(resumed)), histogram);
            }
        }
        assertArrayEquals(bytesOf(whole), bytesOf(resumed));
    }
}
