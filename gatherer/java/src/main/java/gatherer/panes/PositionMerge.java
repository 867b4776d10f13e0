package gatherer.panes;

import gatherer.Update;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.TreeMap;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.MapState;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;

/**
 * Merges the panes of a position from all partitions that feed it. A pane is passed on when the clocks of all have
 * reached its end, so the analysis gets the same panes at the same clock, whichever partition was read first.
 */
public final class PositionMerge extends KeyedProcessFunction<String, Update, Update> {
    private static final long serialVersionUID = 1L;

    /** The clock of a partition that has sent none yet, and of one that nobody waits for. */
    private static final long UNKNOWN = Long.MIN_VALUE, EMPTY = Long.MAX_VALUE;

    private final Windows windows;

    /** By "topic/partition": the clocks of the partitions that feed the position. */
    private transient MapState<String, Long> clocks;

    /** By topic: the last known number of its partitions. */
    private transient MapState<String, Integer> partitions;

    /** The latest clock that any partition has sent. */
    private transient ValueState<Long> furthest;

    /** Waiting panes, by the first window end at which they count: the bytes of {@link PaneBytes}, concatenated. */
    private transient MapState<Long, byte[]> waiting;

    /** The clock up to which panes have been passed on, and the last clock that the analysis got. */
    private transient ValueState<Long> released;

    private transient ValueState<Long> sentClock;

    /** The end of the last pane that was passed on. */
    private transient ValueState<Long> lastPaneEnd;

    public PositionMerge(Windows windows) {
        this.windows = windows;
    }

    @Override
    public void open(OpenContext context) {
        clocks = getRuntimeContext().getMapState(new MapStateDescriptor<>("clocks", Types.STRING, Types.LONG));
        partitions = getRuntimeContext().getMapState(new MapStateDescriptor<>("partitions", Types.STRING, Types.INT));
        furthest = getRuntimeContext().getState(new ValueStateDescriptor<>("furthest", Types.LONG));
        waiting = getRuntimeContext().getMapState(
                new MapStateDescriptor<>("waiting", Types.LONG, PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO));
        released = getRuntimeContext().getState(new ValueStateDescriptor<>("released", Types.LONG));
        // Savepoints of earlier releases call it "told".
        sentClock = getRuntimeContext().getState(new ValueStateDescriptor<>("told", Types.LONG));
        lastPaneEnd = getRuntimeContext().getState(new ValueStateDescriptor<>("lastPaneEnd", Types.LONG));
    }

    @Override
    public void processElement(Update update, Context context, Collector<Update> out) throws Exception {
        if (update.kind != Update.PANES) {
            out.collect(update);
            return;
        }
        note(update);
        long before = valueOf(released);
        long now = Math.max(before, clockNow());
        byte[] panes = update.content;
        // Most positions have one partition, whose panes need not wait.
        if (!waiting.isEmpty() || (panes != null && now < update.clockMs)) {
            boolean isDue = putToWait(panes) <= now;
            panes = isDue || now > before ? takeUpTo(now) : null;
        }
        released.update(now);
        send(update, panes, now, out);
    }

    /** Sends new panes to the analysis, and the clock when a window of known panes has ended. */
    private void send(Update update, byte[] panes, long now, Collector<Update> out) throws Exception {
        long lastEnd = valueOf(lastPaneEnd);
        boolean isDue = lastEnd != UNKNOWN && windows.anyEnds(sentClock.value(), now, lastEnd);
        if (panes == null && !isDue) {
            return;
        }
        sentClock.update(now);
        if (panes != null) {
            lastPaneEnd.update(Math.max(lastEnd, PaneBytes.lastEnd(panes)));
        }
        Update merged = Update.of(Update.PANES, update.symbol, update.topic, update.partition);
        merged.content = panes;
        merged.clockMs = now;
        out.collect(merged);
    }

    private static long valueOf(ValueState<Long> state) throws Exception {
        Long value = state.value();
        return value == null ? UNKNOWN : value;
    }

    private void note(Update update) throws Exception {
        partitionsOf(update);
        String source = update.topic + "/" + update.partition;
        if (update.feeds) {
            clocks.put(source, update.clockMs);
        } else if (update.partitions > 1) {
            clocks.put(source, EMPTY);
        } else {
            clocks.remove(source);
        }
        furthest.update(Math.max(valueOf(furthest), update.clockMs));
    }

    /** Waits for all partitions that the topic has now, and for no others. */
    private void partitionsOf(Update update) throws Exception {
        Integer known = partitions.get(update.topic);
        if (known != null && known == update.partitions) {
            return;
        }
        partitions.put(update.topic, update.partitions);
        for (int partition = 0; partition < update.partitions; partition++) {
            String source = update.topic + "/" + partition;
            if (update.partitions > 1 && !clocks.contains(source)) {
                clocks.put(source, UNKNOWN);
            }
        }
        for (int partition = update.partitions; known != null && partition < known; partition++) {
            clocks.remove(update.topic + "/" + partition);
        }
    }

    /** The earliest clock; the latest that was ever sent when no window waits for a partition. */
    private long clockNow() throws Exception {
        long earliest = EMPTY;
        for (long clock : clocks.values()) {
            earliest = Math.min(earliest, clock);
        }
        return earliest == EMPTY ? valueOf(furthest) : earliest;
    }

    /** The earliest window end at which one of them counts. */
    private long putToWait(byte[] panes) throws Exception {
        long earliest = Long.MAX_VALUE;
        ByteBuffer from = ByteBuffer.wrap(panes == null ? new byte[0] : panes);
        while (from.hasRemaining()) {
            int start = from.position();
            long countsFrom = PaneBytes.skip(from);
            earliest = Math.min(earliest, countsFrom);
            byte[] known = waiting.get(countsFrom);
            ByteBuffer all = ByteBuffer.allocate((known == null ? 0 : known.length) + from.position() - start);
            if (known != null) {
                all.put(known);
            }
            all.put(panes, start, from.position() - start);
            waiting.put(countsFrom, all.array());
        }
        return earliest;
    }

    /** The waiting panes that count at the clock, in order; null when there are none. */
    private byte[] takeUpTo(long clock) throws Exception {
        TreeMap<Long, byte[]> taken = new TreeMap<>();
        int size = 0;
        for (Map.Entry<Long, byte[]> each : waiting.entries()) {
            if (each.getKey() <= clock) {
                taken.put(each.getKey(), each.getValue());
                size += each.getValue().length;
            }
        }
        if (taken.isEmpty()) {
            return null;
        }
        ByteBuffer all = ByteBuffer.allocate(size);
        for (Map.Entry<Long, byte[]> each : taken.entrySet()) {
            all.put(each.getValue());
            waiting.remove(each.getKey());
        }
        return all.array();
    }
}
