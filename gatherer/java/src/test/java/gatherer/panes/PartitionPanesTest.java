package gatherer.panes;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import gatherer.Update;
import gatherer.records.Reading;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PartitionPanesTest {
    private static final Windows WINDOWS = new Windows(new long[] {10_000, 60_000}, new long[] {1000, 5000});
    private static final PaneSettings SETTINGS = new PaneSettings(WINDOWS, 500, 3000, false);

    private final List<Update> updates = new ArrayList<>();
    private long offset;

    private PartitionPanes panes(String symbol, int partitions) {
        return new PartitionPanes(SETTINGS, "position.A", 0, symbol == null ? Feeding.several() : Feeding.one(symbol),
                partitions, updates::add);
    }

    private void tick(PartitionPanes to, String symbol, long ms, long appendMs) {
        Reading reading = new Reading();
        reading.symbol = symbol;
        reading.ms = ms;
        reading.units = 7;
        to.add(reading, offset++, appendMs, new byte[0]);
    }

    private void bad(PartitionPanes to, long appendMs) {
        Reading reading = new Reading();
        reading.reason = "not_json";
        reading.detail = "";
        to.add(reading, offset++, appendMs, new byte[0]);
    }

    /** How many ticks count from which window end on in which pane: "from/end". */
    private static Map<String, Long> counts(List<Update> updates) {
        Map<String, Long> found = new TreeMap<>();
        for (Update update : updates) {
            if (update.kind != Update.PANES || update.content == null) {
                continue;
            }
            ByteBuffer bytes = ByteBuffer.wrap(update.content);
            while (bytes.hasRemaining()) {
                long end = bytes.getLong(bytes.position() + Long.BYTES);
                long n = bytes.getLong(bytes.position() + 2 * Long.BYTES);
                long from = PaneBytes.skip(bytes);
                assertTrue(from <= update.clockMs && end <= update.clockMs);
                found.merge(from + "/" + end, n, Long::sum);
            }
        }
        return found;
    }

    private List<String> letters() {
        return updates.stream().filter(each -> each.kind == Update.LETTER).map(each -> each.reason).toList();
    }

    private long clock() {
        return updates.stream()
                .filter(each -> each.kind == Update.PANES && each.clockMs > 0)
                .mapToLong(each -> each.clockMs)
                .max()
                .orElse(-1);
    }

    @Test
    void aPaneIsClosedWhenTheClockReachesItsEnd() {
        PartitionPanes panes = panes("A", 1);
        tick(panes, "A", 10_000, 0);
        tick(panes, "A", 11_499, 0);
        assertEquals(Map.of(), counts(updates));
        tick(panes, "A", 11_500, 0);
        assertEquals(Map.of("11000/11000", 1L), counts(updates));
        assertEquals(11_000, clock());
    }

    @Test
    void aLateTickCountsInWindowsThatAreOpen() {
        PartitionPanes panes = panes("A", 1);
        tick(panes, "A", 20_000, 0);
        tick(panes, "A", 15_000, 0);
        tick(panes, "A", 21_500, 0);
        assertEquals(Map.of("20000/16000", 1L, "21000/21000", 1L), counts(updates));
        assertEquals(List.of(), letters());
    }

    @Test
    void aTickIsDeadWhenTheLastOfItsWindowsHasEnded() {
        PartitionPanes panes = panes("A", 1);
        tick(panes, "A", 100_000, 0);
        tick(panes, "A", 40_000, 0); // its last window ends at 100,000, the clock is at 99,500
        assertEquals(List.of(), letters());
        tick(panes, "A", 39_999, 0); // at 95,000
        assertEquals(List.of("late"), letters());
        tick(panes, "A", 100_500, 0);
        tick(panes, "A", 40_000, 0);
        assertEquals(List.of("late", "late"), letters());
    }

    @Test
    void silenceIsToldByTheLogWhenItIsOver() {
        PartitionPanes panes = panes("A", 1);
        tick(panes, "A", 10_000, 50_000);
        tick(panes, "A", 10_100, 53_000);
        assertEquals(-1, clock());
        tick(panes, "A", 10_200, 56_001 + 2000); // the clock ran on from 9600 for 2001 ms
        assertEquals(11_000, clock());
    }

    @Test
    void badRecordsEndASilence() {
        PartitionPanes panes = panes("A", 1);
        tick(panes, "A", 10_000, 50_000);
        for (long ms = 52_000; ms < 70_000; ms += 2000) {
            bad(panes, ms);
        }
        assertEquals(-1, clock());
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 1, 2, 3, 4, 5, 6, 7})
    void aLiveRunAndAReplayDecideTheSame(long seed) throws IOException {
        Random draw = new Random(seed);
        PartitionPanes live = panes("A", 1);
        List<Update> replayed = new ArrayList<>();
        PartitionPanes replay = new PartitionPanes(SETTINGS, "position.A", 0, Feeding.one("A"), 1, replayed::add);
        long now = 1_000_000;
        long time = 0;
        for (int record = 0; record < 2000; record++) {
            long gap = draw.nextInt(50) == 0 ? draw.nextInt(90_000) : draw.nextInt(400);
            for (long at = draw.nextInt(700); at <= gap; at += 700) {
                live.silent(at);
            }
            now += gap;
            time += draw.nextBoolean() ? gap : draw.nextInt(300);
            Reading reading = new Reading();
            reading.symbol = "A";
            reading.ms = Math.max(0, time - (draw.nextInt(20) == 0 ? draw.nextInt(80_000) : draw.nextInt(700)));
            reading.units = 1;
            reading.reason = draw.nextInt(30) == 0 ? "not_json" : null;
            live.add(reading, record, now, null);
            replay.add(reading, record, now, null);
            if (draw.nextInt(100) == 0) {
                ByteArrayOutputStream state = new ByteArrayOutputStream();
                live.write(new DataOutputStream(state));
                live = panes("A", 1);
                live.read(new DataInputStream(new ByteArrayInputStream(state.toByteArray())));
            }
        }
        live.finish();
        replay.finish();
        assertEquals(counts(replayed), counts(updates));
        assertEquals(replayed.stream().filter(each -> each.kind == Update.LETTER).map(each -> each.offset).toList(),
                updates.stream().filter(each -> each.kind == Update.LETTER).map(each -> each.offset).toList());
        assertTrue(letters().contains("late"));
    }

    @Test
    void aSilentPositionIsToldOfTheEndsOfItsWindowsOnly() {
        PartitionPanes panes = panes(null, 1);
        tick(panes, "A", 10_000, 0);
        for (long ms = 10_000; ms < 200_000; ms += 100) {
            tick(panes, "B", ms, 0);
        }
        List<Long> clocks = updates.stream().filter(each -> each.symbol.equals("A")).map(each -> each.clockMs).toList();
        // That it is there, then each second for ten seconds, each five for a minute.
        assertEquals(Long.MIN_VALUE, clocks.get(0));
        assertEquals(11_000, clocks.get(1));
        assertEquals(70_000, clocks.get(clocks.size() - 1));
        assertEquals(21, clocks.size());
        Update last = updates.stream().filter(each -> each.symbol.equals("A")).reduce((a, b) -> b).orElseThrow();
        assertFalse(last.feeds);
        assertEquals(0, last.partitions);
    }

    @Test
    void anEmptyPartitionAmongSeveralSaysSoOnce() {
        PartitionPanes panes = panes("A", 2);
        panes.silent(2000);
        assertEquals(List.of(), updates);
        panes.silent(3001);
        panes.silent(4000);
        assertEquals(1, updates.size());
        assertFalse(updates.get(0).feeds);
        tick(panes, "A", 10_000, 0);
        assertTrue(updates.get(1).feeds);
    }

    @Test
    void onePartitionOfSeveralTellsItsClockWithoutTicks() {
        PartitionPanes panes = panes("A", 3);
        tick(panes, "A", 10_000, 0);
        for (long elapsed = 3000; elapsed < 20_000; elapsed += 500) {
            panes.silent(elapsed);
        }
        assertEquals(26_000, clock());
    }
}
