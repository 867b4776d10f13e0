"""The settings of sinks, which `stores.sinks` implements."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from marathon import validators
from marathon.secrets import Environment, Secret, SecretSection
from marathon.section import Cpus, Section

Source = Literal["movingaverage", "signals", "ticks", "prices", "replay", "random-numbers", "monitoring"]
Target = Literal["disk", "hdfs", "cassandra", "mysql", "webhook"]
_PARTS = ("hdfs", "cassandra", "mysql")
"""The targets that the part of the same name runs."""


class Sink(Section):
    source: Source = Field(
        description="what `pipectl run sink` reads, if not `--from`: movingaverage, signals, ticks (the "
        "prices of all positions), prices, replay, random-numbers or monitoring"
    )
    target: Target = Field(
        description="where `pipectl run sink` writes, if not `--to`: disk, hdfs, cassandra, mysql or webhook"
    )
    standing: Annotated[
        tuple[Source, ...],
        Field(strict=False, min_length=1),
        AfterValidator(validators.check_distinct),
    ] = Field(description="what the apps `sink-to-cassandra`, `sink-to-mysql` and `sink-to-hdfs` read")
    batch: Annotated[int, Field(ge=1, le=100_000)] = Field(
        description="maximum number of records that a store gets at once"
    )
    cpus: Cpus = Field(description="CPUs of the job, and of each app")
    mem: Annotated[int, Field(ge=64)] = Field(description="memory of the job, and of each app, in MiB")

    @property
    def part(self) -> str | None:
        """The optional part that runs the job's target."""
        return self.target if self.target in _PARTS else None


class Webhook(SecretSection):
    url: Annotated[str, AfterValidator(validators.check_web_address)] | None = Field(
        description="web address to which sinks post records; app definitions show it"
    )
    url_secret: Annotated[str, Field(min_length=1)] | None = Field(
        description="instead of `url`: path of the DC/OS secret that holds the address, if there is a token "
        "in it"
    )
    secret: Annotated[str, Field(min_length=1)] | None = Field(
        description="path of the DC/OS secret by which posts are signed: text, or `whsec_` and base64"
    )

    def secrets_named(self) -> tuple[Secret, ...]:
        if self.secret is None or (self.url is None and self.url_secret is None):
            return ()
        return (
            Secret("webhook-url", "WEBHOOK_URL", self.url_secret),
            Secret("webhook-secret", "WEBHOOK_SECRET", self.secret),
        )

    @property
    def environment(self) -> Environment:
        secret = super().environment
        return {"WEBHOOK_URL": self.url, **secret} if self.url and secret else secret
