"""The bundle's Kafka topics as a step."""

import threading
from datetime import timedelta

from cli.cluster import Cluster
from cli.errors import DcosError, PipectlError
from cli.steps.base import Change, Report, State, wait_until
from kafka_topic import creation
from kafka_topic.errors import CreationOutputError
from kafka_topic.plan import TopicSpec


class TopicsStep:
    """Creates the topics that are missing. Topics that exist are left as they are."""

    name = "topics"
    kind = "topics"

    def __init__(
        self,
        specs: list[TopicSpec],
        service: str,
        cluster: Cluster,
        *,
        needs: frozenset[str],
        timeout: timedelta,
    ) -> None:
        self.needs = needs
        self._specs = specs
        self._service = service
        self._cluster = cluster
        self._timeout = timeout

    def plan(self) -> Change:
        """The topics that are not there: creating one that exists is an error of the scheduler's."""
        missing = self._missing()
        if not missing:
            return Change("unchanged")
        diff = [f"+{s.name} (partitions {s.partitions}, replication {s.replication})" for s in missing]
        return Change("create" if len(missing) == len(self._specs) else "update", diff)

    def apply(self, change: Change) -> None:
        """Create the missing topics."""
        for spec in self._missing():
            try:
                self._cluster.kafka(creation.create_argv(self._service, spec))
            except DcosError:
                # It may have been created all the same, by a call that timed out or by someone else.
                if spec.name not in self._existing():
                    raise

    def wait(self, report: Report, stop: threading.Event) -> None:
        """Wait until the service lists every topic."""

        def all_there() -> bool:
            report(self.state().detail)
            return not self._missing()

        wait_until(all_there, what="the topics to be listed", timeout=self._timeout, stop=stop)

    def state(self) -> State:
        """How many of the topics exist, and which do not."""
        try:
            missing = [spec.name for spec in self._missing()]
        except PipectlError as error:
            return State(False, "unknown", f"cannot list topics: {error.message}")
        count = f"{len(self._specs) - len(missing)}/{len(self._specs)} topics"
        return (
            State(False, "absent", f"{count}, missing {', '.join(missing)}")
            if missing
            else State(True, "healthy", count)
        )

    def remove(self, report: Report, stop: threading.Event) -> bool:
        """Nothing: topics go only when the user names that; see `delete`."""
        report("kept")
        return False

    def delete(self, report: Report, stop: threading.Event) -> bool:
        """Delete the bundle's topics and all that is in them."""
        there = [spec.name for spec in self._specs if spec.name in self._existing()]
        for name in there:
            report(f"deleting {name}")
            self._cluster.kafka(creation.delete_argv(self._service, name))
        wait_until(
            lambda: not set(there) & set(self._existing()),
            what="the deleted topics to be gone",
            timeout=self._timeout,
            stop=stop,
        )
        return bool(there)

    def _missing(self) -> list[TopicSpec]:
        existing = set(self._existing())
        return [spec for spec in self._specs if spec.name not in existing]

    def _existing(self) -> list[str]:
        try:
            return creation.parse_list(self._cluster.kafka(creation.list_argv(self._service)))
        except CreationOutputError as error:
            raise PipectlError(
                str(error), hint=f"see `dcos kafka --name={self._service} topic list`"
            ) from None
