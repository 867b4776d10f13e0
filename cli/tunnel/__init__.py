"""Tunnels from this machine to the services of a cluster."""
