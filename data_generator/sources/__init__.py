"""One-off sources: each writes a given number of records to one topic, each exactly once, and ends."""
