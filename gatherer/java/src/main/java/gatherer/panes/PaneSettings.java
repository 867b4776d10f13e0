package gatherer.panes;

import java.io.Serializable;

/**
 * How ticks are added up.
 *
 * @param boundMs how far ticks of one partition may be out of order
 * @param idleMs after how long without a record the clock of a partition runs on
 * @param histogram whether to count each price
 */
public record PaneSettings(Windows windows, long boundMs, long idleMs, boolean histogram) implements Serializable {}
