"""The addresses that a user needs next."""

from cli import local
from cli.session import Session
from cli.steps.package import broker_addresses


def endpoints(run: Session) -> dict[str, str]:
    """`kafka` (bootstrap servers), `flink` (the JobManager's page), `cluster` (its front door)."""
    jobmanager = run.bundle.apps["flink-jobmanager"]
    if run.is_local:
        cluster, _ = local.address()
        running = run.cluster.apps().get(jobmanager.id, jobmanager.definition)
        rest = next(port["port"] for port in running["portDefinitions"] if port["name"] == "rest")
        flink = f"http://127.0.0.1:{rest}"
    else:
        cluster = run.cluster.dcos.run(["config", "show", "core.dcos_url"]).strip().rstrip("/")
        flink = f"{cluster}/service/{jobmanager.definition['labels']['DCOS_SERVICE_NAME']}/"
    return {
        "kafka": ",".join(broker_addresses(run.cluster, run.settings.kafka.service)),
        "flink": flink,
        "cluster": cluster,
    }
