"""The step of the bundle's Kafka topics."""

import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from cli.engine.protocol import Engine
from cli.errors import NotAllowed, NotLoggedIn, PipectlError
from cli.steps.base import Action, Change, Report, State, wait_until
from cli.steps.topic_settings import Comparison, TopicSettings, config_in_words
from kafka_topic.plan import TopicSpec

# Each topic needs one command, and a client takes up to half a second to start.
AT_ONCE = 8


class TopicsStep:
    """Creates missing topics. Of existing ones, only settings change, inside the cluster."""

    name = "topics"
    kind = "topics"

    def __init__(
        self,
        specs: list[TopicSpec],
        service: str,
        engine: Engine,
        *,
        depends_on: frozenset[str],
        timeout: timedelta,
        kafka: Callable[[], State],
        settings: TopicSettings,
        dropped: Callable[[], Sequence[str]] = tuple,
        of_jobs: Collection[str] = (),
        removable: bool = False,
    ) -> None:
        """kafka: the state of the Kafka service, which must run before topics can be listed. dropped: the
        topics of deployed positions that the settings no longer have. of_jobs: the topics that
        runs of one-off jobs created. removable: whether `remove` may delete all these topics.
        """
        self.depends_on = depends_on
        self._specs = specs
        self._service = service
        self._engine = engine
        self._timeout = timeout
        self._kafka = kafka
        self._settings = settings
        self._dropped = dropped
        self._removable = removable
        self._of_jobs = of_jobs
        self._pending = ""

    def plan(self) -> Change:
        """The missing topics and the differences in settings."""
        kafka = self._kafka()
        if not kafka.ready:
            unknown = ("Kafka is not ready yet; existing topics stay",)
            notes = () if kafka.state == "absent" else unknown
            return Change("create", self._additions(self._specs), notes, summary=f"{len(self._specs)} topics")
        names = set(self._existing())
        missing = [spec for spec in self._specs if spec.name not in names]
        existing = [spec for spec in self._specs if spec.name in names]
        settings = self._settings.compare(existing)
        settings.refuse_losses()
        self._pending = f"{len(settings.pending)} settings pending" if settings.pending else ""
        others = (*self._kept(existing, settings), *self._orphans(names), *settings.notes)
        diff = [*self._additions(missing), *settings.diff]
        if not diff:
            return Change("unchanged", notes=others)
        action: Action = "update" if existing else "create"
        # A longer retention deletes nothing. A deploy that was stopped before the gatherer set it must
        # continue without a question.
        return Change(
            action,
            diff,
            others,
            additive=not any(each.shortens for each in settings.pending),
            summary=f"{len(missing)} topics",
        )

    def apply(self, change: Change) -> None:
        """Create the missing topics. The gatherer sets the configuration of all topics."""
        if change.action == "unchanged":
            return
        with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
            made = [
                pool.submit(self._engine.kafka.create_topic, self._service, spec) for spec in self._missing()
            ]
            try:
                for each in made:
                    each.result()
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def restore(self, report: Report, stop: threading.Event) -> str | None:
        """Nothing: topics are deleted only if the user asks for it."""
        return None

    @staticmethod
    def _additions(specs: list[TopicSpec]) -> list[str]:
        return [
            f"+{spec.name} (partitions {spec.partitions}, replication {spec.replication}"
            f"{config_in_words(spec.config)})"
            for spec in specs
        ]

    def _orphans(self, existing: set[str]) -> Iterator[str]:
        """The topics of positions that were removed from the settings. They stay, with their records."""
        if kept := [name for name in self._dropped() if name in existing]:
            stay = "stays with its" if len(kept) == 1 else "stay with their"
            yield f"{', '.join(kept)} {stay} records: no longer in `positions`"

    def _kept(self, specs: list[TopicSpec], seen: Comparison) -> Iterator[str]:
        """Existing topics with other partitions or replicas than wanted. They are never changed.

        More partitions would move keys between partitions, which breaks the order of a position. Fewer would
        lose records. The service describes the topics that could not be read from its own brokers.
        """
        known = seen.layout.topics if seen.layout and self._are_ours(seen.layout.brokers) else {}

        def layout(spec: TopicSpec) -> tuple[int, int]:
            partitions, copies = known.get(spec.name, (0, 0))
            if partitions:
                return partitions, copies
            return self._engine.kafka.describe_topic(self._service, spec.name)

        with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
            for spec, (partitions, copies) in zip(specs, pool.map(layout, specs), strict=True):
                if partitions != spec.partitions:
                    yield f"{spec.name} has {partitions} partitions, wanted {spec.partitions}: not changed"
                elif copies != spec.replication:
                    yield f"{spec.name} has {copies} in-sync replicas, wanted {spec.replication}: not changed"

    def _are_ours(self, brokers: set[str]) -> bool:
        """Whether these are the service's brokers: its name may mean another cluster's, where this runs."""
        try:
            return bool(brokers) and brokers <= {*self._engine.kafka.brokers(self._service)}
        except PipectlError:
            return False

    def wait(self, report: Report, stop: threading.Event) -> bool:
        """Wait until the service lists every topic."""

        seen = ""

        def all_there() -> bool:
            nonlocal seen
            state = self._presence()
            seen = state.detail
            report("; ".join(filter(None, (state.detail, self._pending))))
            return state.ready

        return wait_until(
            all_there,
            what="the topics to be listed",
            timeout=self._timeout,
            stop=stop,
            hint=self._look,
            last_seen=lambda: seen,
        )

    def state(self) -> State:
        """The number of existing topics, the missing ones, and differences in settings.

        Differences do not make the topics unhealthy, since data flows anyway.
        """
        state = self._presence()
        if not state.ready:
            return state
        difference = self._settings.compare(self._specs).summary
        return State(True, state.state, "; ".join(filter(None, (state.detail, difference))))

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
        """Delete the bundle's topics and all their records, if the user asked for it."""
        if not self._removable:
            report("kept")
            return False
        existing = set(self._existing())
        names = [name for name in (*(spec.name for spec in self._specs), *self._of_jobs) if name in existing]
        for name in names:
            report(f"deleting {name}")
            self._engine.kafka.delete_topic(self._service, name)
        wait_until(
            lambda: not set(names) & set(self._existing()),
            what="the deleted topics to be gone",
            timeout=self._timeout,
            stop=stop,
            hint=self._look,
        )
        return bool(names)

    @property
    def _look(self) -> str:
        return f"see `{self._engine.how_to_inspect('topics', self._service)}`"

    def _missing(self, *, retry: bool = True) -> list[TopicSpec]:
        existing = set(self._existing(retry=retry))
        return [spec for spec in self._specs if spec.name not in existing]

    def _existing(self, *, retry: bool = True) -> list[str]:
        return self._engine.kafka.topics(self._service, retry=retry)
