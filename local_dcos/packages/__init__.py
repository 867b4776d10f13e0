"""The package catalogue."""
