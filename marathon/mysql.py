"""The settings of MySQL, which holds results."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field

from marathon import validators
from marathon.secrets import Secret, SecretSection
from marathon.section import Cpus

_Count = Annotated[int, Field(ge=1)]


class MySql(SecretSection):
    image: Annotated[str, Field(min_length=1)] | None = Field(
        description="Docker image of MariaDB for the app `mysql-server`; null: the package `mysql` of "
        "local_dcos runs it"
    )
    service: Annotated[str, AfterValidator(validators.check_service)] = Field(
        description="name of the service of that package"
    )
    host: Annotated[str, AfterValidator(validators.check_host)] | None = Field(
        description="host of the server; null: the VIP of the app `mysql-server`"
    )
    port: Annotated[int, Field(ge=1, le=65535)] = Field(description="port of the server")
    password: Annotated[str, Field(min_length=1)] | None = Field(
        description="path of the DC/OS secret with the password of the login `pipectl`"
    )
    ca: Annotated[str, Field(min_length=1)] | None = Field(
        description="path of the DC/OS secret with the certificates of those who vouch for the server; null: "
        "it need not prove who it is"
    )
    database: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,47}$")] = Field(
        description="database of the results, which that login owns"
    )
    cpus: Cpus = Field(description="CPUs of the server")
    mem: Annotated[int, Field(ge=256)] = Field(
        description="memory of the server in MiB; a quarter of it is the buffer pool"
    )
    disk: _Count = Field(description="disk of the server in MiB; cannot change after installation")
    options: dict[str, Any] = Field(description="further package options; override `packages/mysql.json.j2`")

    @property
    def packaged(self) -> bool:
        """Whether a package runs the server, and not the app."""
        return self.image is None

    def secrets_named(self) -> tuple[Secret, ...]:
        return (
            Secret("mysql-password", "MYSQL_PASSWORD", self.password),
            Secret("mysql-ca", "MYSQL_CA", self.ca),
        )
