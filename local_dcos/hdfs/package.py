"""The package `hdfs`: its options, and the Marathon app of its scheduler."""

from local_dcos.model import Json
from local_dcos.packages import options
from local_dcos.packages.options import option
from local_dcos.packages.package import Package

_PERMISSIONS = option("boolean", "Only true is possible", enum=[True], default=True)


def _app(chosen: Json) -> Json:
    # The memory is that of both nodes. A JVM needs about as much beside its heap.
    return {"env": {"HDFS_HEAP_MB": str(chosen["data_node"]["mem"] // 4)}}


PACKAGE = Package(
    name="hdfs",
    version="2.10.0-3.5.0",
    title="HDFS",
    node="name node and one data node of HDFS",
    tags=("data", "filesystem", "hadoop"),
    sections={
        "service": options.service_section("hdfs"),
        "name_node": options.catalogue_section(),
        "data_node": options.node_section("Both nodes", 384, 640, count=options.count("data nodes")),
        "hdfs": options.catalogue_section(
            name_node_http_port=options.port("for WebHDFS", 9870), permissions_enabled=_PERMISSIONS
        ),
    },
    sized_by="data_node",
    ports={"http": "hdfs.name_node_http_port"},
    app=_app,
)
