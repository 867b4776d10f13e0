"""Stores for results: one small interface, and one store for each kind of storage."""
