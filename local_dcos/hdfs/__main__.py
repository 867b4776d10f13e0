"""`python -m local_dcos.hdfs` runs the scheduler of an HDFS service, configured by its app."""

from local_dcos.hdfs.nodes import HdfsNodes
from local_dcos.services.scheduler import main

if __name__ == "__main__":
    main(HdfsNodes)
