"""`python -m local_dcos.mysql` runs the scheduler of a MySQL service, configured by its app."""

from local_dcos.mysql.server import MariaDbServer
from local_dcos.services.scheduler import main

if __name__ == "__main__":
    main(MariaDbServer)
