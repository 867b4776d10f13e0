"""The settings of the package hdfs, which holds results as files."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field

from marathon import validators
from marathon.secrets import Secret, SecretSection
from marathon.section import Cpus

_Count = Annotated[int, Field(ge=1)]
_JOURNAL_NODES = 3
"""How many the package runs beside two name nodes."""


class Hdfs(SecretSection):
    service: Annotated[str, AfterValidator(validators.check_service)] = Field(
        description="name of the HDFS service; bundles may share one"
    )
    version: Annotated[str, Field(min_length=1)] | None = Field(
        description="package version; null: the newest in the catalog"
    )
    host: Annotated[str, AfterValidator(validators.check_host)] | None = Field(
        description="host of the name node; null: both name nodes of the service"
    )
    port: Annotated[int, Field(ge=1, le=65535)] = Field(description="port of the name nodes for WebHDFS")
    header: Annotated[str, Field(min_length=1)] | None = Field(
        description="path of the DC/OS secret with the name of the header without which WebHDFS refuses "
        "requests (`dfs.webhdfs.rest-csrf.custom-header`); null: Hadoop's own, or none"
    )
    folder: Annotated[str, Field(pattern=r"^(/[A-Za-z0-9_][A-Za-z0-9._-]*)+$")] = Field(
        description="folder of the results, in which the user `pipectl` may write; separates bundles that "
        "share a service"
    )
    name_nodes: Annotated[int, Field(ge=1, le=2)] = Field(
        description="number of name nodes: the catalog's package has two, of which one is active"
    )
    nodes: _Count = Field(description="number of data nodes")
    cpus: Cpus = Field(description="CPUs of one node")
    mem: Annotated[int, Field(ge=384)] = Field(
        description="memory in MiB of one node; on `local`, of both together"
    )
    disk: _Count = Field(description="disk of one data node in MiB; cannot change after installation")
    name_disk: _Count = Field(description="disk of one name or journal node in MiB")
    options: dict[str, Any] = Field(description="further package options; override `packages/hdfs.json.j2`")

    def secrets_named(self) -> tuple[Secret, ...]:
        return (Secret("hdfs-header", "HDFS_HEADER", self.header),)

    @property
    def available(self) -> bool:
        """Whether one name node takes over from the other, by journal nodes."""
        return self.name_nodes > 1

    @property
    def all_mem(self) -> int:
        """The memory of all nodes in MiB."""
        return self.mem * (self.nodes + self._masters)

    @property
    def all_disk(self) -> int:
        """The disk of all nodes in MiB."""
        return self.disk * self.nodes + self.name_disk * self._masters

    @property
    def _masters(self) -> int:
        return self.name_nodes + _JOURNAL_NODES if self.available else 0
