"""The Kafka service: a scheduler that runs one broker and serves the API of the DC/OS SDK."""
