"""One-off sources: each writes a known number of records into one topic, each exactly once, and ends."""
