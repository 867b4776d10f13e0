package gatherer.records;
public final class Reading { public String symbol; public long ms; public long units; public String reason, detail; public boolean isTick(){return reason==null;} }
