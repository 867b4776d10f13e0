"""`python -m local_dcos.cassandra` runs the scheduler of a Cassandra service, configured by its app."""

from local_dcos.cassandra.node import CassandraNode
from local_dcos.services.scheduler import main

if __name__ == "__main__":
    main(CassandraNode)
