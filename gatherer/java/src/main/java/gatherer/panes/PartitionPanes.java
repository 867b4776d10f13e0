package gatherer.panes;

import gatherer.Update;
import gatherer.records.Reading;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Iterator;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;

/**
 * Adds up the ticks of one partition to panes, by a rule that depends only on the partition's records.
 *
 * <p>The clock is the latest event time of the ticks less the bound on their disorder. It never goes back. When nothing
 * was appended for the idle timeout, it runs on with time. The next tick is judged by the clock that follows from its
 * append time, so a replay decides as the live run did. A tick counts in the windows that end after the clock before
 * the tick.
 */
public final class PartitionPanes {
    /** No time is known yet. */
    private static final long NONE = Long.MIN_VALUE;

    /** After every window. */
    private static final long END = 1L << 60;

    /** More partitions than a topic has. offset * PARTITIONS + partition orders the ticks of one millisecond. */
    public static final long PARTITIONS = 4096;

    private final PaneSettings settings;
    private final String topic;
    private final int partition;
    private final Feeding feeding;
    private final Consumer<Update> output;
    private final Windows windows;
    private final long paneMs;

    /** How many partitions feed the position; 0 when the topic holds several positions. */
    private int partitions;

    private final Map<String, Position> positions = new HashMap<>();
    private Position latest;

    /** The latest event time less the bound. */
    private long base = NONE;

    private long clock = NONE;

    /** The last end of a pane that the clock has reached. */
    private long boundary = NONE;

    private long lastAppendMs = NONE;
    private boolean saidEmpty;

    /**
     * @param feeding which positions the partition feeds
     * @param partitions how many partitions the topic has
     */
    public PartitionPanes(PaneSettings settings, String topic, int partition, Feeding feeding, int partitions,
            Consumer<Update> output) {
        this.settings = settings;
        this.topic = topic;
        this.partition = partition;
        this.feeding = feeding;
        this.output = output;
        windows = settings.windows();
        paneMs = windows.paneMs();
        setPartitions(partitions);
    }

    /** Sets the number of the topic's partitions. */
    public void setPartitions(int count) {
        partitions = feeding.isOnEveryPartition() ? count : 0;
        if (partitions > 1 && feeding.onlySymbol() != null) {
            position(feeding.onlySymbol());
        }
        if (partitions > 1) {
            positions.keySet().forEach(feeding.found());
        }
    }

    /** Notes a position of another partition. It waits for this partition's clock, with or without ticks here. */
    public void expect(String symbol) {
        if (partitions > 1 && !positions.containsKey(symbol)) {
            position(symbol).sendClock();
        }
    }

    /** The positions that have ticks here, or wait for this partition. */
    public Set<String> symbols() {
        return positions.keySet();
    }

    /**
     * Takes the next record.
     *
     * @param appendMs its Kafka timestamp, epoch milliseconds
     */
    public void add(Reading reading, long offset, long appendMs, byte[] value) {
        if (lastAppendMs != NONE && base != NONE && appendMs - lastAppendMs > settings.idleMs()) {
            advance(base + appendMs - lastAppendMs - settings.idleMs());
        }
        lastAppendMs = appendMs;
        if (!reading.isTick()) {
            letter(reading.symbol, reading.reason, reading.detail, offset, appendMs, value);
            return;
        }
        if (reading.ms < boundary && windows.lastEnd(reading.ms) <= clock) {
            letter(reading.symbol, "late", "every window of its time has been closed", offset, appendMs, value);
        } else {
            if (latest == null || !latest.symbol.equals(reading.symbol)) {
                latest = positions.get(reading.symbol);
                if (latest == null) {
                    latest = position(reading.symbol);
                    if (partitions <= 1) {
                        // Other partitions may have the symbol too; they wait for this one from now on.
                        send(reading.symbol, null, boundary, true);
                    } else {
                        feeding.found().accept(reading.symbol);
                    }
                }
            }
            latest.add(reading.ms, offset * PARTITIONS + partition, reading.units);
        }
        if (reading.ms - settings.boundMs() > base) {
            base = reading.ms - settings.boundMs();
            advance(base);
        }
    }

    /** Notes that nothing was appended for at least this long after the last record. */
    public void silent(long elapsedMs) {
        if (elapsedMs <= settings.idleMs()) {
            return;
        }
        if (base != NONE) {
            advance(base + elapsedMs - settings.idleMs());
        } else if (partitions > 1 && !saidEmpty) {
            saidEmpty = true;
            positions.values().forEach(Position::sendClock);
        }
    }

    /** Notes that the partition is gone, so that no window waits for it. If it comes back, its clock goes on. */
    public void abandon() {
        positions.keySet().forEach(symbol -> send(symbol, null, boundary, false));
    }

    /** Closes every window, because no record follows. */
    public void finish() {
        advance(END);
    }

    /** The time at which the last record was appended, epoch milliseconds. */
    public long lastAppendMs() {
        return lastAppendMs;
    }

    public boolean hasRecords() {
        return lastAppendMs != NONE;
    }

    private void advance(long to) {
        if (to <= clock) {
            return;
        }
        clock = to;
        if (boundary == NONE || to >= boundary + paneMs) {
            // Ticks that were late before this count in windows that end here or later.
            long countsFrom = boundary == NONE ? NONE : boundary + paneMs;
            boundary = Math.floorDiv(to, paneMs) * paneMs;
            for (Iterator<Position> each = positions.values().iterator(); each.hasNext();) {
                Position position = each.next();
                position.close(countsFrom);
                if (partitions <= 1 && position.isDone()) {
                    each.remove();
                    latest = null;
                }
            }
        }
    }

    private Position position(String symbol) {
        return positions.computeIfAbsent(symbol, Position::new);
    }

    private void letter(String symbol, String reason, String detail, long offset, long appendMs, byte[] value) {
        Update update = Update.of(Update.LETTER, symbol, topic, partition);
        update.content = value;
        update.offset = offset;
        update.writtenMs = appendMs;
        update.reason = reason;
        update.detail = detail;
        output.accept(update);
    }

    private void send(String symbol, byte[] panes, long clockMs, boolean feeds) {
        Update update = Update.of(Update.PANES, symbol, topic, partition);
        update.content = panes;
        update.clockMs = clockMs;
        update.partitions = partitions;
        update.feeds = feeds;
        output.accept(update);
    }

    /** Writes the state. */
    public void write(DataOutput out) throws IOException {
        out.writeLong(base);
        out.writeLong(clock);
        out.writeLong(lastAppendMs);
        out.writeInt(positions.size());
        for (Position position : positions.values()) {
            position.write(out);
        }
    }

    /** Restores the state that {@link #write} wrote. */
    public void read(DataInput in) throws IOException {
        base = in.readLong();
        clock = in.readLong();
        boundary = clock == NONE ? NONE : Math.floorDiv(clock, paneMs) * paneMs;
        lastAppendMs = in.readLong();
        for (int left = in.readInt(); left > 0; left--) {
            position(in.readUTF()).read(in);
        }
    }

    /** The open panes of one position. */
    private final class Position {
        private final String symbol;

        /** By the end of the pane. */
        private final TreeMap<Long, PaneAccumulator> open = new TreeMap<>();

        private long latestEnd = NONE;
        private PaneAccumulator latestPane;

        /** The end of the last pane with a tick, and the last boundary that was sent. */
        private long lastPaneEnd = NONE;

        private long sentBoundary = NONE;

        Position(String symbol) {
            this.symbol = symbol;
        }

        void add(long ms, long order, long units) {
            // Most ticks belong to the pane of the tick before.
            if (ms >= latestEnd || ms < latestEnd - paneMs || latestPane == null) {
                latestEnd = windows.paneEnd(ms);
                latestPane = open.computeIfAbsent(latestEnd, end -> new PaneAccumulator(settings.histogram()));
                lastPaneEnd = Math.max(lastPaneEnd, latestEnd);
            }
            latestPane.add(ms, order, units);
        }

        /** Sends the clock if it is known, or that nobody has to wait for this partition. */
        void sendClock() {
            if (boundary != NONE || saidEmpty) {
                send(symbol, null, boundary, boundary != NONE);
                sentBoundary = boundary;
            }
        }

        void close(long countsFrom) {
            Map<Long, PaneAccumulator> closed = open.headMap(boundary, true);
            boolean isDone = partitions <= 1 && sentBoundary < windows.lastEnd(lastPaneEnd - 1) && isOver();
            boolean isDue = sentBoundary != NONE && windows.anyEnds(sentBoundary, boundary, lastPaneEnd);
            if (closed.isEmpty() && partitions <= 1 && !isDone && !isDue) {
                return;
            }
            send(symbol, taken(closed, countsFrom), boundary, !isDone);
            sentBoundary = boundary;
        }

        private byte[] taken(Map<Long, PaneAccumulator> closed, long countsFrom) {
            if (closed.isEmpty()) {
                return null;
            }
            int size = 0;
            for (PaneAccumulator pane : closed.values()) {
                size += PaneBytes.bytes(pane);
            }
            ByteBuffer bytes = ByteBuffer.allocate(size);
            // By end, and so by the first window end at which they count.
            closed.forEach((end, pane) -> PaneBytes.write(bytes, Math.max(end, countsFrom), end, pane));
            closed.clear();
            latestPane = null;
            return bytes.array();
        }

        /** Whether every window that holds a tick has been reported as closed. */
        boolean isDone() {
            return open.isEmpty() && isOver() && sentBoundary >= windows.lastEnd(lastPaneEnd - 1);
        }

        private boolean isOver() {
            return lastPaneEnd != NONE && boundary >= windows.lastEnd(lastPaneEnd - 1);
        }

        void write(DataOutput out) throws IOException {
            out.writeUTF(symbol);
            out.writeLong(lastPaneEnd);
            out.writeLong(sentBoundary);
            out.writeInt(open.size());
            for (Map.Entry<Long, PaneAccumulator> each : open.entrySet()) {
                ByteBuffer bytes = ByteBuffer.allocate(each.getValue().bytes());
                each.getValue().write(bytes);
                out.writeLong(each.getKey());
                out.writeInt(bytes.capacity());
                out.write(bytes.array());
            }
        }

        void read(DataInput in) throws IOException {
            lastPaneEnd = in.readLong();
            sentBoundary = in.readLong();
            for (int left = in.readInt(); left > 0; left--) {
                long end = in.readLong();
                byte[] bytes = new byte[in.readInt()];
                in.readFully(bytes);
                open.put(end, PaneAccumulator.read(ByteBuffer.wrap(bytes), settings.histogram()));
            }
        }
    }
}
