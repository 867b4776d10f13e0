"""The HTTP APIs of the cluster."""
