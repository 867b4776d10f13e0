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
 * <p>A partition is idle when its ticks have not gone on in time for a while: the others go on without it. When it does go on,
 * time stands still for a moment at the tick with which it comes back. So partitions that come back together, each with what
 * gathered meanwhile, are all heard before the first of them can close the others' windows.
 */
public final class EventTime implements WatermarkStrategy<Reading> {
    private static final long serialVersionUID = 1L;

    private final long disorderMs;
    private final long idleMs;
    private final long returnMs;

    /**
     * @param disorderMs how far ticks of one partition may be out of order
     * @param idleMs how long a partition is waited for that does not go on
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
        private boolean active = true;
        private boolean wentOn;
        private long latest = Long.MIN_VALUE;

        /** While it comes back: since when, and with which tick. */
        private boolean returning;

        private long returnedAt;
        private long firstBack;

        Generator(RelativeClock clock) {
            this.clock = clock;
            activeAt = clock.relativeTimeMillis();
        }

        @Override
        public void onEvent(Reading reading, long kafkaTimestamp, WatermarkOutput output) {
            if (reading.kind != Reading.TICK || reading.ms <= latest) {
                return;
            }
            latest = reading.ms;
            wentOn = true;
            if (!active) {
                active = true;
                returning = true;
                returnedAt = clock.relativeTimeMillis();
                firstBack = latest;
                output.markActive();
            }
        }

        @Override
        public void onPeriodicEmit(WatermarkOutput output) {
            long now = clock.relativeTimeMillis();
            if (wentOn) {
                wentOn = false;
                activeAt = now;
            } else if (active && now - activeAt > idleMs) {
                active = false;
                output.markIdle();
            }
            if (active && latest != Long.MIN_VALUE) {
                returning = returning && now - returnedAt <= returnMs;
                output.emitWatermark(new Watermark((returning ? firstBack : latest) - disorderMs - 1));
            }
        }
    }
}
