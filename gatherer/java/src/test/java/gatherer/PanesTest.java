package gatherer;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.util.OneInputStreamOperatorTestHarness;
import org.apache.flink.types.Row;
import org.junit.jupiter.api.Test;

/** What becomes of ticks, in Flink's own harness for operators. */
class PanesTest {
    private static final long PANE_MS = 1000;

    @Test
    void ticksAreAddedUpUntilTheWatermarkEndsTheirPane() throws Exception {
        try (var harness = open(null)) {
            harness.processElement(tick(100, 3), 0);
            harness.processElement(tick(999, 4), 0);
            harness.processElement(tick(1000, 5), 0);
            harness.processWatermark(new Watermark(998));
            assertEquals(List.of(), rows(harness));
            harness.processWatermark(new Watermark(999));
            assertEquals(List.of("pane of 2, 7 units, until 999"), rows(harness));
        }
    }

    @Test
    void whatWasLateIsLateAfterARestore() throws Exception {
        OperatorSubtaskState state;
        try (var harness = open(null)) {
            harness.processWatermark(new Watermark(999));
            state = harness.snapshot(1, 1);
        }
        try (var harness = open(state)) {
            harness.processElement(tick(999, 1), 0);
            harness.processElement(tick(1000, 2), 0);
            harness.prepareSnapshotPreBarrier(2);
            assertEquals(List.of("late", "pane of 1, 2 units, until 1999"), rows(harness));
        }
    }

    private static OneInputStreamOperatorTestHarness<Reading, Row> open(OperatorSubtaskState state) throws Exception {
        var harness = new OneInputStreamOperatorTestHarness<>(new Panes("position.", "limits", PANE_MS, false, 1000));
        if (state != null) {
            harness.initializeState(state);
        }
        harness.open();
        return harness;
    }

    private static Reading tick(long ms, long units) {
        Reading reading = new Reading();
        reading.kind = Reading.TICK;
        reading.symbol = "AAPL";
        reading.ms = ms;
        reading.units = units;
        return reading;
    }

    private static List<String> rows(OneInputStreamOperatorTestHarness<Reading, Row> harness) {
        List<String> rows = new ArrayList<>();
        for (Row keyed : harness.extractOutputValues()) {
            Row row = (Row) keyed.getField(1);
            String kind = (String) row.getField(1);
            if (kind.equals("pane")) {
                ByteBuffer ticks = ByteBuffer.wrap((byte[]) row.getField(2));
                kind += " of %d, %d units, until %d".formatted(ticks.getLong(0), ticks.getLong(16), row.getField(3));
            }
            rows.add(kind);
        }
        return rows;
    }
}
