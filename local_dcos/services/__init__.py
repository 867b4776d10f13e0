"""What the schedulers of all packages share: the deploy plan, the Java process and the HTTP API."""
