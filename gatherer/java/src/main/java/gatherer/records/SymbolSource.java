package gatherer.records;

/**
 * Where an input says which position a record belongs to: in the topic's name, the record's key or a field of its
 * value.
 */
enum SymbolSource { TOPIC, KEY, FIELD }
