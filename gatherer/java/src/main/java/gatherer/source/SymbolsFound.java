package gatherer.source;

import java.util.Map;
import java.util.Set;
import org.apache.flink.api.connector.source.SourceEvent;

/**
 * Symbols by topic, for topics that have a symbol on any partition. A reader sends them to the enumerator, which sends
 * them to all readers.
 */
record SymbolsFound(Map<String, Set<String>> symbols) implements SourceEvent {}
