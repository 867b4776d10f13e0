"""`python -m local_dcos.kafka` runs the scheduler of a Kafka service, configured by its app."""

from local_dcos.kafka.broker import Broker
from local_dcos.services.scheduler import main

if __name__ == "__main__":
    main(Broker)
