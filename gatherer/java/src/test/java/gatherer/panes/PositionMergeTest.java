package gatherer.panes;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import gatherer.Update;
import gatherer.records.Reading;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.streaming.api.operators.KeyedProcessOperator;
import org.apache.flink.streaming.util.AbstractStreamOperatorTestHarness;
import org.apache.flink.streaming.util.KeyedOneInputStreamOperatorTestHarness;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PositionMergeTest {
    private static final int GROUPS = 128;
    private static final Windows WINDOWS = new Windows(new long[] {3000}, new long[] {1000});
    private static final PaneSettings SETTINGS = new PaneSettings(WINDOWS, 500, 60_000, true);

    private static KeyedOneInputStreamOperatorTestHarness<String, Update, Update> harness(int parallelism, int subtask)
            throws Exception {
        return new KeyedOneInputStreamOperatorTestHarness<>(new KeyedProcessOperator<>(new PositionMerge(WINDOWS)),
                new Update.Key(), Types.STRING, GROUPS, parallelism, subtask);
    }

    /** Updates of three partitions, each in its order. */
    private static List<List<Update>> partitions(long seed, String symbol) {
        List<List<Update>> all = new ArrayList<>();
        Random draw = new Random(seed);
        for (int partition = 0; partition < 3; partition++) {
            List<Update> updates = new ArrayList<>();
            PartitionPanes panes = new PartitionPanes(
                    SETTINGS, "position." + symbol, partition, Feeding.one(symbol), 3, updates::add);
            for (int record = 0; record < 400; record++) {
                Reading reading = new Reading();
                reading.symbol = symbol;
                reading.ms = record * 50L - draw.nextInt(draw.nextInt(10) == 0 ? 4000 : 600) + 10_000;
                reading.units = draw.nextInt(100);
                panes.add(reading, record, record, null);
            }
            panes.finish();
            updates.removeIf(each -> each.kind != Update.PANES);
            all.add(updates);
        }
        return all;
    }

    /** What the analysis gets of each position: panes by when they count, and how far it was told that all is there. */
    private static Map<String, Map<Long, List<byte[]>>> heard(List<Update> rows) {
        Map<String, Map<Long, List<byte[]>>> heard = new HashMap<>();
        Map<String, Long> clocks = new HashMap<>();
        for (Update row : rows) {
            String symbol = row.symbol;
            long clock = row.clockMs;
            byte[] panes = row.content;
            long before = clocks.getOrDefault(symbol, Long.MIN_VALUE);
            assertTrue(clock >= before);
            if (panes != null) {
                java.nio.ByteBuffer bytes = java.nio.ByteBuffer.wrap(panes);
                long order = Long.MIN_VALUE;
                while (bytes.hasRemaining()) {
                    int start = bytes.position();
                    long countsFrom = PaneBytes.skip(bytes);
                    assertTrue(countsFrom > before && countsFrom <= clock && countsFrom >= order);
                    order = countsFrom;
                    heard.computeIfAbsent(symbol, unknown -> new TreeMap<>())
                            .computeIfAbsent(countsFrom, unknown -> new ArrayList<>())
                            .add(Arrays.copyOfRange(panes, start, bytes.position()));
                }
            }
            clocks.put(symbol, clock);
        }
        heard.values().forEach(each -> each.values().forEach(panes -> panes.sort(Arrays::compare)));
        return heard;
    }

    private static List<Update> rows(KeyedOneInputStreamOperatorTestHarness<String, Update, Update> harness) {
        return harness.extractOutputValues();
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 1, 2, 3, 4})
    void theAnalysisHearsTheSameInWhateverOrderPartitionsAreRead(long seed) throws Exception {
        List<Map<String, Map<Long, List<byte[]>>>> runs = new ArrayList<>();
        for (int run = 0; run < 3; run++) {
            Random draw = new Random(100 * seed + run);
            List<List<Update>> partitions = partitions(seed, "A");
            int[] next = new int[3];
            List<Update> rows = new ArrayList<>();
            OperatorSubtaskState state = null;
            boolean more = true;
            while (more) {
                try (var harness = harness(1, 0)) {
                    if (state != null) {
                        harness.initializeState(state);
                    }
                    harness.open();
                    more = false;
                    for (int step = 0; step < 60; step++) {
                        int partition = run == 0 ? step % 3 : Math.min(2, draw.nextInt(5));
                        if (next[partition] < partitions.get(partition).size()) {
                            harness.processElement(partitions.get(partition).get(next[partition]++), 0);
                        }
                    }
                    for (int partition = 0; partition < 3; partition++) {
                        more |= next[partition] < partitions.get(partition).size();
                    }
                    rows.addAll(rows(harness));
                    state = harness.snapshot(1, 1);
                }
            }
            runs.add(heard(rows));
        }
        assertSame(runs.get(0), runs.get(1));
        assertSame(runs.get(0), runs.get(2));
    }

    private static void assertSame(
            Map<String, Map<Long, List<byte[]>>> expected, Map<String, Map<Long, List<byte[]>>> found) {
        assertEquals(expected.keySet(), found.keySet());
        expected.forEach((symbol, byTime) -> {
            assertEquals(byTime.keySet(), found.get(symbol).keySet());
            byTime.forEach((time, panes) -> assertArrayEquals(panes.toArray(), found.get(symbol).get(time).toArray()));
        });
    }

    @Test
    void rescalingKeepsWhatWaits() throws Exception {
        List<String> symbols = List.of("A", "B", "C", "D", "E", "F");
        Map<String, List<List<Update>>> all = new HashMap<>();
        symbols.forEach(symbol -> all.put(symbol, partitions(symbol.hashCode(), symbol)));
        List<Update> expected = new ArrayList<>();
        try (var harness = harness(1, 0)) {
            harness.open();
            for (List<List<Update>> partitions : all.values()) {
                for (List<Update> updates : partitions) {
                    for (Update update : updates) {
                        harness.processElement(update, 0);
                    }
                }
            }
            expected.addAll(rows(harness));
        }
        List<Update> found = new ArrayList<>();
        OperatorSubtaskState state;
        try (var harness = harness(1, 0)) {
            harness.open();
            for (List<List<Update>> partitions : all.values()) {
                for (Update update : partitions.get(0)) {
                    harness.processElement(update, 0);
                }
            }
            found.addAll(rows(harness));
            state = harness.snapshot(1, 1);
        }
        for (int subtask = 0; subtask < 2; subtask++) {
            try (var harness = harness(2, subtask)) {
                harness.initializeState(
                        AbstractStreamOperatorTestHarness.repartitionOperatorState(state, GROUPS, 1, 2, subtask));
                harness.open();
                for (Map.Entry<String, List<List<Update>>> each : all.entrySet()) {
                    int owner = org.apache.flink.runtime.state.KeyGroupRangeAssignment.assignKeyToParallelOperator(
                            each.getKey(), GROUPS, 2);
                    for (Update update : owner == subtask ? each.getValue().get(1) : List.<Update>of()) {
                        harness.processElement(update, 0);
                    }
                    for (Update update : owner == subtask ? each.getValue().get(2) : List.<Update>of()) {
                        harness.processElement(update, 0);
                    }
                }
                found.addAll(rows(harness));
            }
        }
        assertSame(heard(expected), heard(found));
    }

    @Test
    void anEmptyPartitionHoldsNobodyUp() throws Exception {
        try (var harness = harness(1, 0)) {
            harness.open();
            List<Update> first = partitions(7, "A").get(0);
            harness.processElement(first.get(first.size() - 1), 0);
            assertEquals(0, rows(harness).size());
            for (int partition = 1; partition < 3; partition++) {
                new PartitionPanes(
                        SETTINGS, "position.A", partition, Feeding.one("A"), 3, update -> process(harness, update))
                        .silent(60_001);
            }
            assertEquals(1, rows(harness).size());
        }
    }

    private static Update update(String topic, int partition, int partitions, long clockMs, boolean feeds) {
        Update update = new Update();
        update.kind = Update.PANES;
        update.symbol = "A";
        update.topic = topic;
        update.partition = partition;
        update.partitions = partitions;
        update.clockMs = clockMs;
        update.feeds = feeds;
        return update;
    }

    private static Update pane(String topic, int partition, int partitions, long endMs) {
        PaneAccumulator pane = new PaneAccumulator(true);
        pane.add(endMs - 1, 1, 1);
        java.nio.ByteBuffer bytes = java.nio.ByteBuffer.allocate(PaneBytes.bytes(pane));
        PaneBytes.write(bytes, endMs, endMs, pane);
        Update update = update(topic, partition, partitions, endMs, true);
        update.content = bytes.array();
        return update;
    }

    @Test
    void partitionsThatATopicHasNoMoreAreNotWaitedFor() throws Exception {
        try (var harness = harness(1, 0)) {
            harness.open();
            harness.processElement(update("position.A", 1, 3, 2000, true), 0);
            harness.processElement(pane("position.A", 0, 3, 3000), 0);
            assertEquals(0, rows(harness).size());
            harness.processElement(update("position.A", 0, 1, 4000, true), 0);
            assertEquals(List.of(3000L), List.copyOf(heard(rows(harness)).get("A").keySet()));
        }
    }

    @Test
    void aPositionMayHaveNothingButEmptyPartitions() throws Exception {
        try (var harness = harness(1, 0)) {
            harness.open();
            for (int partition = 0; partition < 2; partition++) {
                harness.processElement(update("position.A", partition, 2, Long.MIN_VALUE, false), 0);
            }
            assertEquals(List.of(), rows(harness));
            harness.processElement(pane("position.A", 1, 2, 3000), 0);
            assertEquals(List.of(3000L), List.copyOf(heard(rows(harness)).get("A").keySet()));
        }
    }

    @Test
    void whatWaitsIsHandedOnWhenTheLastFeederLeaves() throws Exception {
        try (var harness = harness(1, 0)) {
            harness.open();
            harness.processElement(update("prices", 1, 0, 1000, true), 0);
            harness.processElement(pane("prices", 0, 0, 2000), 0);
            harness.processElement(update("prices", 0, 0, 2000, false), 0);
            assertEquals(List.of(), rows(harness));
            harness.processElement(update("prices", 1, 0, 1500, false), 0);
            assertEquals(List.of(2000L), List.copyOf(heard(rows(harness)).get("A").keySet()));
        }
    }

    private static void process(KeyedOneInputStreamOperatorTestHarness<String, Update, Update> harness, Update update) {
        try {
            harness.processElement(update, 0);
        } catch (Exception error) {
            throw new AssertionError(error);
        }
    }
}
