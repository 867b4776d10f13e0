"""What the schedulers of all packages share: jars, the node, the deploy plan and the HTTP API."""
