package gatherer;

import org.apache.flink.api.common.eventtime.Watermark;
import org.apache.flink.api.common.eventtime.WatermarkGenerator;
import org.apache.flink.api.common.eventtime.WatermarkGeneratorSupplier;
import org.apache.flink.api.common.eventtime.WatermarkOutput;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.util.clock.RelativeClock;

/**
 * The watermark of a partition: that of its latest tick, less a bound on their disorder. Records that can't be used move no
 * watermark, and don't hold up any.
 *
 * <p>A partition is idle when its ticks have not gone on in time for a while: the others go on without it. When all were idle,
 * and one comes back, time stands still for a moment. So all that come back then, each with what gathered meanwhile, are
 * heard before the first of them can close the others' windows.
 *
 * <p>One source has one of these for all its partitions, and calls it in one thread.
 */
public final class EventTime implements WatermarkStrategy<Reading> {
    private static final long serialVersionUID = 1L;

    /** Before any tick; not the least number, by which Flink means that nothing is known. */
    private static final long BEFORE_ALL = Long.MIN_VALUE + 1;

    /** In a millisecond. */
    private static final long NANOS = 1_000_000;

    private final long disorderMs;
    private final long idleMs;
    private final long returnMs;

    /** How many partitions are not idle. */
    private transient int active;

    /** After silence of all: whether time still stands, and until when, by {@link System#nanoTime}. */
    private transient boolean standing;

    private transient long standingUntil;

    /**
     * @param disorderMs how far ticks of one partition may be out of order
     * @param idleMs how long a partition is waited for that does not go on
     * @param returnMs how long time stands still when one comes back after silence of all
     */
    public EventTime(long disorderMs, long idleMs, long returnMs) {
        this.disorderMs = disorderMs;
        this.idleMs = idleMs;
        this.returnMs = returnMs;
    }

    @Override
    public WatermarkGenerator<Reading> createWatermarkGenerator(WatermarkGeneratorSupplier.Context context) {
        return new Partition(context.getInputActivityClock());
    }

    private final class Partition implements WatermarkGenerator<Reading> {
        /** It stands still while we don't read the partition, so that it isn't idle because of us. */
        private final RelativeClock clock;

        private boolean isActive = true;
        private boolean wentOn;
        private long wentOnAt;
        private long latest = BEFORE_ALL;

        /** When a watermark was asked for last, by our clock and by the one that never stands still. */
        private long askedAt;

        private long askedAtNanos = System.nanoTime();

        Partition(RelativeClock clock) {
            this.clock = clock;
            wentOnAt = clock.relativeTimeNanos();
            askedAt = wentOnAt;
            active++;
        }

        @Override
        public void onEvent(Reading reading, long kafkaTimestamp, WatermarkOutput output) {
            if (reading.kind != Reading.TICK || reading.ms <= latest) {
                return;
            }
            latest = reading.ms;
            wentOn = true;
            if (!isActive) {
                if (active == 0) {
                    standing = true;
                    standingUntil = System.nanoTime() + returnMs * NANOS;
                }
                isActive = true;
                active++;
                output.markActive();
            }
        }

        @Override
        public void onPeriodicEmit(WatermarkOutput output) {
            long now = clock.relativeTimeNanos();
            long nanos = System.nanoTime();
            // A partition that Flink has stopped to read must not become idle too: it would not be taken up again.
            boolean wasRead = now - askedAt + NANOS >= nanos - askedAtNanos;
            askedAt = now;
            askedAtNanos = nanos;
            if (wentOn) {
                wentOn = false;
                wentOnAt = now;
            } else if (isActive && wasRead && now - wentOnAt > idleMs * NANOS) {
                isActive = false;
                active--;
                output.markIdle();
            }
            standing = standing && nanos < standingUntil;
            if (isActive && !standing) {
                output.emitWatermark(new Watermark(latest == BEFORE_ALL ? latest : latest - disorderMs - 1));
            }
        }
    }
}
