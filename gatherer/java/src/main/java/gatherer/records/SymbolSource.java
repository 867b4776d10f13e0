package gatherer.records;

/**
 * Where an input has the symbol of a record: in the topic's name, in the record's key or in a field of its value.
 */
enum SymbolSource { TOPIC, KEY, FIELD }
