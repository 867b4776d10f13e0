"""The bundle's Kafka topics as a step."""

import threading
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from cli.engine.protocol import Engine
from cli.errors import NotAllowed, NotLoggedIn, PipectlError
from cli.steps.base import Action, Change, Report, State, wait_until
from cli.steps.topic_settings import TopicSettings, config_in_words
from kafka_topic.plan import TopicSpec

# Topics are described one by one, and a client takes up to half a second to start.
DESCRIBING = 4


class TopicsStep:
    """Creates the topics that are missing. Of those that exist, only settings change, inside the cluster."""

    name = "topics"
    kind = "topics"

    def __init__(
        self,
        specs: list[TopicSpec],
        service: str,
        engine: Engine,
        *,
        needs: frozenset[str],
        timeout: timedelta,
        kafka: Callable[[], State],
        settings: TopicSettings,
        of_jobs: Collection[str] = (),
    ) -> None:
        """kafka: how the Kafka service is, which is asked first: without it there are no topics to list.

        of_jobs: topics that come with the runs of one-off jobs, and go with the others.
        """
        self.needs = needs
        self._specs = specs
        self._service = service
        self._engine = engine
        self._timeout = timeout
        self._kafka = kafka
        self._settings = settings
        self._of_jobs = of_jobs
        self._pending = ""

    def plan(self) -> Change:
        """The topics that are not there, and settings that differ.

        Creating a topic that exists is an error of the scheduler's.
        """
        kafka = self._kafka()
        if not kafka.ready:
            unknown = ("Kafka is not ready yet: topics that exist stay",)
            notes = () if kafka.state == "absent" else unknown
            return Change("create", self._additions(self._specs), notes)
        missing = self._missing()
        there = [spec for spec in self._specs if spec not in missing]
        settings = self._settings.compare(there)
        settings.refuse_losses()
        self._pending = f"settings of {len(settings.pending)} to be set" if settings.pending else ""
        others = (*self._others(there), *settings.notes)
        diff = [*self._additions(missing), *settings.diff]
        if not diff:
            return Change("unchanged", notes=others)
        action: Action = "update" if there else "create"
        # Keeping records for longer takes nothing from anybody, and a deploy that was stopped before the
        # gatherer set it must go on without being asked.
        return Change(action, diff, others, only_adds=not any(each.shortens for each in settings.pending))

    def apply(self, change: Change) -> None:
        """Create the missing topics; their settings, and those of others, come with the gatherer."""
        if change.action == "unchanged":
            return
        for spec in self._missing():
            self._engine.kafka.create_topic(self._service, spec)

    def restore(self, report: Report, stop: threading.Event) -> str | None:
        """Nothing: topics go only when the user names that."""
        return None

    @staticmethod
    def _additions(specs: list[TopicSpec]) -> list[str]:
        return [
            f"+{spec.name} (partitions {spec.partitions}, replication {spec.replication}"
            f"{config_in_words(spec.config)})"
            for spec in specs
        ]

    def _others(self, specs: list[TopicSpec]) -> Iterator[str]:
        """Topics that exist otherwise than wanted. They are named and never changed.

        More partitions would move keys to others of them, which tears a position's order apart, and fewer are
        not possible without losing what is in them.
        """
        with ThreadPoolExecutor(max_workers=DESCRIBING) as pool:
            for spec, (partitions, copies) in zip(specs, pool.map(self._described, specs), strict=True):
                if partitions != spec.partitions:
                    yield f"{spec.name} has {partitions} partitions, wanted {spec.partitions}: left as it is"
                elif copies != spec.replication:
                    yield (
                        f"{spec.name} has {copies} replicas in sync, wanted {spec.replication}: left as it is"
                    )

    def _described(self, spec: TopicSpec) -> tuple[int, int]:
        return self._engine.kafka.describe_topic(self._service, spec.name)

    def wait(self, report: Report, stop: threading.Event) -> None:
        """Wait until the service lists every topic."""

        seen = ""

        def all_there() -> bool:
            nonlocal seen
            state = self._presence()
            seen = state.detail
            report("; ".join(filter(None, (state.detail, self._pending))))
            return state.ready

        wait_until(
            all_there,
            what="the topics to be listed",
            timeout=self._timeout,
            stop=stop,
            hint=self._look,
            last_seen=lambda: seen,
        )

    def state(self) -> State:
        """How many of the topics exist, which do not, and how they are set, if not as wanted.

        Data flows with other settings too: they make nothing unhealthy.
        """
        state = self._presence()
        if not state.ready:
            return state
        told = self._settings.compare(self._specs).told
        return State(True, state.state, "; ".join(filter(None, (state.detail, told))))

    def _presence(self) -> State:
        try:
            missing = [spec.name for spec in self._missing(retry=False)]
        except (NotLoggedIn, NotAllowed):
            raise
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
        existing = set(self._existing())
        there = [name for name in (*(spec.name for spec in self._specs), *self._of_jobs) if name in existing]
        for name in there:
            report(f"deleting {name}")
            self._engine.kafka.delete_topic(self._service, name)
        wait_until(
            lambda: not set(there) & set(self._existing()),
            what="the deleted topics to be gone",
            timeout=self._timeout,
            stop=stop,
            hint=self._look,
        )
        return bool(there)

    @property
    def _look(self) -> str:
        return f"see `{self._engine.how_to_inspect('topics', self._service)}`"

    def _missing(self, *, retry: bool = True) -> list[TopicSpec]:
        existing = set(self._existing(retry=retry))
        return [spec for spec in self._specs if spec.name not in existing]

    def _existing(self, *, retry: bool = True) -> list[str]:
        return self._engine.kafka.topics(self._service, retry=retry)
