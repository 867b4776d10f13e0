"""`python -m local_dcos.mysql` runs the scheduler of a MySQL service.

The app sets its environment.
"""

from local_dcos.mysql.service import main

if __name__ == "__main__":
    main()
