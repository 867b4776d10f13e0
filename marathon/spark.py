"""The settings of Spark and of its jobs."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from marathon import validators
from marathon.secrets import Environment, Secret, SecretSection
from marathon.section import Cpus, Section
from marathon.signals import Duration, DurationOrZero


class Report(Section):
    source: Literal["kafka", "disk"] = Field(
        description="what `pipectl run prices-report` reads: `kafka`, the topic `prices`; or `disk`, the "
        "flow `prices` in the store `disk`"
    )
    output: Literal["table", "json"] = Field(description="how it prints the report: `table` or `json`")
    method: Literal["sigma", "hampel", "both"] = Field(
        description="how it finds outliers: `sigma`, 3 standard deviations; `hampel`, 3 MAD; or both"
    )
    cpus: Cpus = Field(description="CPUs of the job")
    mem: Annotated[int, Field(ge=1024)] = Field(
        description="memory of the job in MiB, half of it for the heap of Spark's driver"
    )


class Queries(Section):
    store: Literal["disk", "hdfs", "cassandra", "mysql"] = Field(
        description="the store that `pipectl run query-…` asks: disk, hdfs, cassandra or mysql"
    )
    output: Literal["table", "json"] = Field(description="how it prints its answer: `table` or `json`")

    @property
    def part(self) -> str | None:
        """The optional part that runs the store."""
        return None if self.store == "disk" else self.store


class Streams(Section):
    window: Duration = Field(description="length of the windows of a stream's statistics")
    delay: DurationOrZero = Field(
        description="how far event times may be out of order; a later record counts in no window"
    )
    interval: Duration = Field(description="time between two batches; results appear up to this much later")
    cpus: Cpus = Field(description="CPUs of the app of each store")
    mem: Annotated[int, Field(ge=1024)] = Field(
        description="memory of the app of each store in MiB; 5/8 of it is the heap of Spark's driver"
    )

    @property
    def live_seconds(self) -> float:
        """Up to this age, the newest window counts as live: it ends, late records are waited for, a batch
        closes it and the next one writes it, and all may take half as long again; at least a minute.
        """
        return max(60.0, 1.5 * (self.window + self.delay + 2 * self.interval).total_seconds())


_BESIDE = 384
"""MiB of a JVM beside its heap. A worker's own heap is part of it."""


class Standalone(Section):
    enabled: bool = Field(
        description="whether the part `spark` runs a standalone cluster, on which its apps and jobs run"
    )
    host: Annotated[str, AfterValidator(validators.check_host)] | None = Field(
        description="address that the master binds and clients use; null: its VIP"
    )
    port: Annotated[int, Field(ge=1, le=65535)] = Field(description="port of the master")
    workers: Annotated[int, Field(ge=1)] = Field(description="number of workers")
    cores: Annotated[int, Field(ge=1)] = Field(description="cores of each worker for executors")
    mem: Annotated[int, Field(ge=1024)] = Field(
        description="memory of each worker in MiB; 384 of it is for the worker itself, and 384 for each "
        "executor beside its heap"
    )
    app_cores: Annotated[int, Field(ge=1)] = Field(
        description="cores of the one executor that each app and each job has"
    )
    app_mem: Annotated[int, Field(ge=512)] = Field(description="heap of that executor in MiB")

    @property
    def executors(self) -> int:
        """How many executors fit into a worker."""
        return min(self.cores // self.app_cores, (self.mem - _BESIDE) // (self.app_mem + _BESIDE))

    @property
    def room(self) -> int:
        """How many apps and jobs can run at the same time."""
        return self.workers * self.executors

    @property
    def share(self) -> Environment:
        """What an app or a job takes. Otherwise, the first one takes all."""
        if not self.enabled:
            return {}
        return {"SPARK_APP_CORES": str(self.app_cores), "SPARK_APP_MEMORY_MB": str(self.app_mem)}


class Spark(SecretSection):
    image: Annotated[str, Field(min_length=1)] | None = Field(
        description="Docker image of the apps and jobs of Spark, from `make image-spark`; null: `image`, "
        "which must then contain Spark"
    )
    master: Annotated[str, Field(pattern=r"^(local\[(\*|[1-9][0-9]*)\]|spark://\S+:[0-9]+)$")] = Field(
        description="where Spark jobs run: `local[*]`, in their own process, or `spark://HOST:PORT`, on a "
        "standalone cluster"
    )
    secret_file: Annotated[str, AfterValidator(validators.check_file)] | None = Field(
        description="file on each agent with the shared secret of a standalone cluster"
    )
    secret: Annotated[str, Field(min_length=1)] | None = Field(
        description="path of the DC/OS secret with that secret, instead of the file"
    )
    report: Report
    queries: Queries
    streams: Streams
    standalone: Standalone

    def secrets_named(self) -> tuple[Secret, ...]:
        return (Secret("spark-secret", "SPARK_SECRET", self.secret),)

    @property
    def environment(self) -> Environment:
        by_file: Environment = {"SPARK_SECRET_FILE": self.secret_file} if self.secret_file else {}
        return super().environment or by_file

    @property
    def client_environment(self) -> Environment:
        """For apps and jobs that work on the cluster."""
        return {**self.environment, **self.standalone.share}
