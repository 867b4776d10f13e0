"""The Kafka service: a scheduler that runs one broker and serves the SDK's API."""
