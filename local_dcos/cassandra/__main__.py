"""`python -m local_dcos.cassandra` runs the scheduler of a Cassandra service.

The app sets its environment.
"""

from local_dcos.cassandra.service import main

if __name__ == "__main__":
    main()
