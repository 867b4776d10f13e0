"""The generator service: publishes prices, one topic per position."""
