"""The HDFS service: a scheduler that runs a name node and a data node and serves the API of the DC/OS SDK."""
