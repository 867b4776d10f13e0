"""The settings of the package cassandra, which holds results."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field

from marathon import validators
from marathon.secrets import Secret, SecretSection
from marathon.section import Cpus
from marathon.signals import Duration

_Count = Annotated[int, Field(ge=1)]


class Cassandra(SecretSection):
    service: Annotated[str, AfterValidator(validators.check_service)] = Field(
        description="name of the Cassandra service; bundles may share one"
    )
    version: Annotated[str, Field(min_length=1)] | None = Field(
        description="package version; null: the newest in the catalog"
    )
    host: Annotated[str, AfterValidator(validators.check_host)] | None = Field(
        description="host of a node; null: the service's VIP"
    )
    port: Annotated[int, Field(ge=1, le=65535)] = Field(description="port of each node for CQL")
    password: Annotated[str, Field(min_length=1)] | None = Field(
        description="path of the DC/OS secret with the password of the login `cassandra`; null: the service "
        "asks for none"
    )
    ca: Annotated[str, Field(min_length=1)] | None = Field(
        description="path of the DC/OS secret with the certificates of those who vouch for the nodes; null: "
        "connections are not encrypted"
    )
    keyspace: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,47}$")] = Field(
        description="keyspace of the results; separates bundles that share a service"
    )
    replication: _Count = Field(description="replicas of each row; at most `cassandra.nodes`")
    retention: Duration | None = Field(
        description="how long results stay after they were written; null: forever"
    )
    nodes: _Count = Field(description="number of nodes")
    cpus: Cpus = Field(description="CPUs of one node")
    mem: Annotated[int, Field(ge=512)] = Field(description="memory of one node in MiB; half of it is heap")
    disk: _Count = Field(description="disk of one node in MiB; cannot change after installation")
    options: dict[str, Any] = Field(
        description="further package options; override `packages/cassandra.json.j2`"
    )

    def secrets_named(self) -> tuple[Secret, ...]:
        return (
            Secret("cassandra-password", "CASSANDRA_PASSWORD", self.password),
            Secret("cassandra-ca", "CASSANDRA_CA", self.ca),
        )
