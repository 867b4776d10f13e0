"""Names and addresses that are derived from the settings.

Everything that must differ between two bundles on one cluster is derived from the group path.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from marathon.durations import format_duration

if TYPE_CHECKING:
    from marathon.settings import Settings

# The domain of named VIPs in DC/OS's layer-4 load balancer. Marathon's VIPs are below `marathon`, a package's
# below its service name.
_VIP_DOMAIN = "l4lb.thisdcos.directory"
_TASK_DOMAIN = "autoip.dcos.thisdcos.directory"
_KAFKA_VIP, _KAFKA_TLS_VIP = ("broker", 9092), ("broker-tls", 9093)


@dataclass(frozen=True)
class Names:
    """Derived names and addresses ("host:port"); `bootstrap_servers` is "h:p,h:p"."""

    bundle: str
    """The group path without its slashes: `/data/volatility` gives `data-volatility`."""
    job: str
    """The Flink job's name, its consumer group and the prefix of its transactional ids."""
    flink_service: str
    """The JobManager's name at Admin Router: `/service/<name>/`."""
    dashboard_service: str
    """The dashboard's name at Admin Router."""
    notebooks_service: str
    """The name of JupyterLab at Admin Router."""
    jobmanager_vip: str
    """The name in the JobManager's VIP labels. It is a DNS name only when `flink.jobmanager.host` is null."""
    jobmanager_rpc: str
    jobmanager_rest: str
    bootstrap_servers: str
    cassandra: str
    """The address of the store in Cassandra, as `stores.opening` reads it."""
    mysql_vip: str
    """The name in the VIP label of the app `mysql-server`."""
    mysql: str
    """The address of the store in MySQL, as `stores.opening` reads it."""
    hdfs: str
    """The address of the store in HDFS, as `stores.opening` reads it."""
    sink_groups: str
    """The start of the consumer groups of sinks; what they write to follows."""
    spark_master_vip: str
    """The name in the VIP label of Spark's master."""
    spark_master: str
    """The URL of the master for jobs: `spark.master`, or that of the standalone cluster of the part spark."""
    account_secret: str
    """The path of the secret with the key of Kafka's service account."""


def names_of(settings: Settings) -> Names:
    """The derived names of `settings`."""
    segments = settings.group.strip("/").split("/")
    bundle = "-".join(segments)
    vip = f"{bundle}-flink-jobmanager"
    manager = settings.flink.jobmanager
    host = manager.host or f"{vip}.marathon.{_VIP_DOMAIN}"
    return Names(
        bundle=bundle,
        job=".".join([*segments, "gatherer"]),
        flink_service=f"{bundle}-flink",
        dashboard_service=f"{bundle}-dashboard",
        notebooks_service=f"{bundle}-notebooks",
        jobmanager_vip=vip,
        jobmanager_rpc=f"{host}:{manager.rpc_port}",
        jobmanager_rest=f"{host}:{manager.rest_port}",
        cassandra=_cassandra(settings),
        mysql_vip=f"{bundle}-mysql",
        mysql=_mysql(settings, f"{bundle}-mysql"),
        hdfs=_hdfs(settings),
        sink_groups=".".join([*segments, "sink-to-"]),
        spark_master_vip=f"{bundle}-spark-master",
        spark_master=_spark_master(settings, f"{bundle}-spark-master"),
        bootstrap_servers=_bootstrap_servers(settings),
        account_secret=settings.security.secret or f"{settings.kafka.service.strip('/')}/service-account",
    )


def _bootstrap_servers(settings: Settings) -> str:
    kafka = settings.kafka
    if kafka.bootstrap_servers:
        return kafka.bootstrap_servers
    if kafka.host:
        return f"{kafka.host}:{kafka.port}"
    # VIP names drop the slashes of a service in a folder, such as `/data/kafka`.
    vip, port = _KAFKA_TLS_VIP if kafka.security.wanted else _KAFKA_VIP
    return f"{vip}.{kafka.service.replace('/', '')}.{_VIP_DOMAIN}:{port}"


def _cassandra(settings: Settings) -> str:
    cassandra = settings.cassandra
    host = cassandra.host or f"node.{cassandra.service.replace('/', '')}.{_VIP_DOMAIN}"
    options = [f"replication={cassandra.replication}"]
    if cassandra.retention is not None:
        options.append(f"retention={format_duration(cassandra.retention)}")
    return f"cassandra:{host}:{cassandra.port}/{cassandra.keyspace}?{'&'.join(options)}"


def _mysql(settings: Settings, vip: str) -> str:
    mysql = settings.mysql
    return f"mysql:{mysql.host or f'{vip}.marathon.{_VIP_DOMAIN}'}:{mysql.port}/{mysql.database}"


def _hdfs(settings: Settings) -> str:
    hdfs = settings.hdfs
    domain = f"{hdfs.service.replace('/', '')}.{_TASK_DOMAIN}"
    hosts = hdfs.host or ",".join(f"name-{number}-node.{domain}" for number in range(hdfs.name_nodes))
    return f"hdfs:{hosts}:{hdfs.port}{hdfs.folder}"


def _spark_master(settings: Settings, vip: str) -> str:
    standalone = settings.spark.standalone
    if not standalone.enabled:
        return settings.spark.master
    return f"spark://{standalone.host or f'{vip}.marathon.{_VIP_DOMAIN}'}:{standalone.port}"
