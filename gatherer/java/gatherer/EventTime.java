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
 * <p>A partition without ticks for a while is idle: the others go on without it. When one comes back, time stands still at its
 * first tick for a moment. So partitions that come back together, each with what gathered meanwhile, are all heard before the
 * first of them can close the others' windows.
 */
public final class EventTime implements WatermarkStrategy<Reading> {
    private static final long serialVersionUID = 1L;

    private final long disorderMs;
    private final long idleMs;
    private final long returnMs;

    /**
     * @param disorderMs how far ticks of one partition may be out of order
     * @param idleMs how long a partition is waited for
     * @param returnMs how long one that comes back holds time
     */
    public EventTime(long disorderMs, long idleMs, long returnMs) {
        this.disorderMs = disorderMs;
        this.idleMs = idleMs;
        this.returnMs = returnMs;
    }

    @Override
    public WatermarkGenerator<Reading> createWatermarkGenerator(WatermarkGeneratorSupplier.Context context) {
        return new Generator(context.getInputActivityClock());
    }

    private final class Generator implements WatermarkGenerator<Reading> {
        /** It stands still while we can't take more, so that a partition isn't idle because we are slow. */
        private final RelativeClock clock;

        private long activeAt;
        private long returnedAt;
        private boolean ticked;
        private boolean idle;
        private boolean returning;
        private long earliest = Long.MAX_VALUE;
        private long latest = Long.MIN_VALUE;

        Generator(RelativeClock clock) {
            this.clock = clock;
            activeAt = clock.relativeTimeMillis();
        }

        @Override
        public void onEvent(Reading reading, long kafkaTimestamp, WatermarkOutput output) {
            if (reading.kind != Reading.TICK) {
                return;
            }
            ticked = true;
            if (idle) {
                idle = false;
                returning = true;
                returnedAt = clock.relativeTimeMillis();
                earliest = Long.MAX_VALUE;
                output.markActive();
            }
            latest = Math.max(latest, reading.ms);
            if (returning) {
                earliest = Math.min(earliest, reading.ms);
            }
        }

        @Override
        public void onPeriodicEmit(WatermarkOutput output) {
            long now = clock.relativeTimeMillis();
            if (ticked) {
                ticked = false;
                activeAt = now;
            } else if (!idle && now - activeAt > idleMs) {
                idle = true;
                output.markIdle();
            }
            if (idle || latest == Long.MIN_VALUE) {
                return;
            }
            returning = returning && now - returnedAt <= returnMs;
            output.emitWatermark(new Watermark((returning ? earliest : latest) - disorderMs - 1));
        }
    }
}
