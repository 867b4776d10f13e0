"""Sinks: they carry the records of topics to a store or to a web address, each exactly once."""
