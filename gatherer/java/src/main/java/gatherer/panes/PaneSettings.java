package gatherer.panes;

import java.io.Serializable;

/**
 * The settings of panes.
 *
 * @param boundMs how far ticks of one partition may be out of order
 * @param idleMs time without a record after which the clock of a partition runs on
 * @param histogram whether to count each price
 */
public record PaneSettings(Windows windows, long boundMs, long idleMs, boolean histogram) implements Serializable {}
