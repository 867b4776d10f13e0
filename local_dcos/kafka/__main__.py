"""`python -m local_dcos.kafka`: the scheduler of one Kafka service; its Marathon app sets the environment."""

from local_dcos.kafka.service import main

if __name__ == "__main__":
    main()
