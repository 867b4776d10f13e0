"""The Cassandra service: a scheduler that runs one node and serves the API of the DC/OS SDK."""
