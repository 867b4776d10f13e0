"""`python -m local_dcos.kafka` runs the scheduler of a Kafka service. The app sets its environment."""

from local_dcos.kafka.service import main

if __name__ == "__main__":
    main()
