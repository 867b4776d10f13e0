"""An embedded single-machine DC/OS: Marathon, packages and the Kafka service over local processes."""
