"""A DC/OS on one machine: Marathon, packages and the Kafka service over local processes."""
