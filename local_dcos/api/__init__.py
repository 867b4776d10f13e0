"""The HTTP APIs of the embedded cluster."""
