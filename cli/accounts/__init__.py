"""The accounts of a cluster: what the settings want, what exists, and how the rest is created."""
