"""SSH for tunnels: a server that only forwards, and a small client for machines without `ssh`."""
