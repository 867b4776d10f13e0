package gatherer.source;

import java.util.Map;
import java.util.Set;
import org.apache.flink.api.connector.source.SourceEvent;

/**
 * Symbols by topic, of topics that have each on any partition: a reader tells the enumerator, which tells all readers.
 */
record SymbolsFound(Map<String, Set<String>> symbols) implements SourceEvent {}
