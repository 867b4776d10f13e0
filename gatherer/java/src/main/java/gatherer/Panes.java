package gatherer;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.runtime.state.StateInitializationContext;
import org.apache.flink.runtime.state.StateSnapshotContext;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.types.Row;

/**
 * Readings in, rows of Python's `rows.Input` out, each with its symbol as key: a row for the ticks of one position in a pane (a
 * stretch of event time), and one for each reading that is no tick or comes when its pane is closed.
 *
 * <p>Whatever decides about a tick is in this one operator, behind the exchange of readings between subtasks, and has this
 * subtask's watermark alone to go by: a tick is in a pane, or a row of its own. None is dropped.
 *
 * <p>A pane that is open when a checkpoint is taken is handed over as far as it is; the rest follows in a second row. So no
 * tick is state. The watermark is: after a restart, it is as late to be late as it was before.
 */
public final class Panes extends AbstractStreamOperator<Row> implements OneInputStreamOperator<Reading, Row> {
    private static final long serialVersionUID = 1L;

    private final String topicStart;
    private final String limitsTopic;
    private final long paneMs;
    private final boolean histogram;
    private final long partitions;

    /** By the end of the pane (exclusive), then by symbol. */
    private transient TreeMap<Long, Map<String, Ticks>> open;

    private transient long watermark;
    private transient ListState<Long> watermarks;

    /**
     * @param topicStart what precedes the symbol in the name of a price topic
     * @param limitsTopic where limits come from
     * @param paneMs length of a pane
     * @param histogram whether to count each price
     * @param partitions more than any topic has
     */
    public Panes(String topicStart, String limitsTopic, long paneMs, boolean histogram, long partitions) {
        this.topicStart = topicStart;
        this.limitsTopic = limitsTopic;
        this.paneMs = paneMs;
        this.histogram = histogram;
        this.partitions = partitions;
    }

    @Override
    public void initializeState(StateInitializationContext context) throws Exception {
        super.initializeState(context);
        open = new TreeMap<>();
        watermark = Long.MIN_VALUE;
        watermarks = context.getOperatorStateStore()
                .getUnionListState(new ListStateDescriptor<>("watermark", Long.class));
        // Positions may come from any other subtask, and what was closed there is closed.
        for (long each : watermarks.get()) {
            watermark = Math.max(watermark, each);
        }
    }

    @Override
    public void snapshotState(StateSnapshotContext context) throws Exception {
        super.snapshotState(context);
        watermarks.update(List.of(watermark));
    }

    @Override
    public void processElement(StreamRecord<Reading> element) {
        Reading reading = element.getValue();
        if (reading.kind == Reading.LIMITS) {
            send(reading, "limits", limitsTopic);
        } else if (reading.kind == Reading.BAD) {
            send(reading, "bad", topicStart + reading.symbol);
        } else {
            long end = (Math.floorDiv(reading.ms, paneMs) + 1) * paneMs;
            if (closed(end)) {
                send(reading, "late", topicStart + reading.symbol);
            } else {
                open.computeIfAbsent(end, unknown -> new HashMap<>())
                        .computeIfAbsent(reading.symbol, unknown -> new Ticks(histogram))
                        .add(reading.ms, reading.offset * partitions + reading.partition, reading.units);
            }
        }
    }

    @Override
    public void processWatermark(Watermark mark) throws Exception {
        watermark = Math.max(watermark, mark.getTimestamp());
        while (!open.isEmpty() && closed(open.firstKey())) {
            send(open.pollFirstEntry());
        }
        super.processWatermark(mark);
    }

    @Override
    public void prepareSnapshotPreBarrier(long checkpointId) {
        while (!open.isEmpty()) {
            send(open.pollFirstEntry());
        }
    }

    /** As for Flink's own windows: when the watermark has reached the last millisecond before the end. */
    private boolean closed(long end) {
        return end - 1 <= watermark;
    }

    private void send(Map.Entry<Long, Map<String, Ticks>> panes) {
        panes.getValue().forEach((symbol, ticks) ->
                send(Row.of(symbol, "pane", ticks.toBytes(), panes.getKey() - 1, null, null, null, null, null, null)));
    }

    private void send(Reading each, String kind, String topic) {
        String detail = each.reason == null ? null : each.reason + ": " + each.detail;
        send(Row.of(each.symbol, kind, each.content, each.ms, each.units, topic, each.partition, each.offset,
                each.writtenMs, detail));
    }

    private void send(Row row) {
        output.collect(new StreamRecord<>(Row.of(row.getField(0), row)));
    }
}
