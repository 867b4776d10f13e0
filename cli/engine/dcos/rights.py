"""The least rights that groups and services need on DC/OS Enterprise in strict mode."""

from __future__ import annotations

from collections.abc import Iterator

from cli.engine.accounts import Right

_SDK = ("kafka", "hdfs", "cassandra")
"""Services whose scheduler, of DC/OS' SDK, reserves resources and volumes."""


def of_group(area: str, *, change: bool) -> Iterator[Right]:
    """See the apps of the area, their tasks and logs; with `change`, also deploy them."""
    yield Right("dcos:adminrouter:service:marathon", "full")
    yield Right(f"dcos:service:marathon:marathon:services:/{area}", "full" if change else "read")
    yield Right("dcos:adminrouter:ops:mesos", "full")
    yield Right("dcos:adminrouter:ops:slave", "full")
    for where in ("master", "agent"):
        # Marathon's own role, and that of the area's quota.
        for role in ("slave_public", area):
            yield Right(f"dcos:mesos:{where}:framework:role:{role}", "read")
        for what in ("executor", "task", *(["sandbox"] if where == "agent" else [])):
            yield Right(f"dcos:mesos:{where}:{what}:app_id:/{area}", "read")


def of_service(area: str, service: str, account: str, *, run_as: str, tls: bool) -> Iterator[Right]:
    """What the service needs. mysql needs nothing: it is an app like any other."""
    if service == "spark":
        yield Right(f"dcos:mesos:master:framework:role:{area}", "create")
        yield Right(f"dcos:mesos:master:task:app_id:/{area}/spark", "create")
    if service in _SDK:
        # The role of the area, and before DC/OS 2.0 that of the service.
        for role in (area, f"{area}__{service}-role"):
            for what in ("framework", "reservation", "volume"):
                yield Right(f"dcos:mesos:master:{what}:role:{role}", "create")
        for what in ("reservation", "volume"):
            yield Right(f"dcos:mesos:master:{what}:principal:{account}", "delete")
        if tls:
            yield Right(f"dcos:secrets:default:/{area}/{service}/*", "full")
            yield Right(f"dcos:secrets:list:default:/{area}/{service}", "read")
            yield Right("dcos:adminrouter:ops:ca:ro", "full")
            yield Right("dcos:adminrouter:ops:ca:rw", "full")
    if service == "spark" or service in _SDK:
        yield Right(f"dcos:mesos:master:task:user:{run_as}", "create")
