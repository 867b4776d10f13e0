"""The jars of Apache Kafka."""

from pathlib import Path

from local_dcos.services.jars import PackageJars

KAFKA_VERSION = "4.1.0"
KAFKA = f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}+org.apache.kafka:kafka-tools:{KAFKA_VERSION}"
# Resolved apart from Kafka: together, log4j's version table would select an older kafka-clients.
LOG_BINDING = "org.apache.logging.log4j:log4j-slf4j-impl:2.24.3"

JARS = PackageJars(
    f"Apache Kafka {KAFKA_VERSION}", Path(__file__).with_name("jars.lock"), KAFKA, (LOG_BINDING,)
)
