"""What each user of the bundle may do in Kafka, and nothing more."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from concurrent.futures import Future
from typing import Any, NamedTuple

from confluent_kafka import KafkaException
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    ResourcePatternType,
    ResourceType,
)

from kafka_topic.connection import open_admin
from kafka_topic.diagnosis import explained
from kafka_topic.inputs import Input
from kafka_topic.names import Topics

READER_GROUP = "pipectl-reader"
"""The group of consumers that commit nothing."""
_USERS = frozenset({"generator", "gatherer", "dashboard", "jobs"})
_PRINCIPAL, _MARK = "User:", "bundle/"
_CONFIGS = ("DESCRIBE_CONFIGS", "ALTER_CONFIGS")


class Right(NamedTuple):
    """A user may do an operation on a resource. prefix: on all whose names begin with `name`."""

    user: str
    operation: str
    resource: str
    name: str
    prefix: bool = False

    def __str__(self) -> str:
        kind = self.resource.lower().replace("_", " ")
        operation = self.operation.lower().replace("_", " ")
        return f"{self.user} may {operation} {kind} {self.name}{'*' if self.prefix else ''}"


def rights_of(
    topics: Topics,
    *,
    job: str,
    inputs: Iterable[Input],
    job_topics: Collection[str],
    sinks: str,
    shared: bool,
) -> list[Right]:
    """The rights of a bundle's users. job: the gatherer's group and the start of its transactions' ids.

    job_topics: those that one-off jobs write and read. sinks: the start of the names of the sinks' groups.
    shared: whether generators share the positions.
    """
    # Brokers older than 2.8 ask for it of producers without transactions.
    idempotent = (
        Right(user, "IDEMPOTENT_WRITE", "BROKER", "kafka-cluster")
        for user in ("generator", "gatherer", "dashboard")
    )
    return [
        *idempotent,
        *_generator(topics, shared=shared),
        *_gatherer(topics, job, inputs),
        *_dashboard(topics, job, job_topics),
        *_jobs(job_topics),
        *_sinks(topics, sinks),
    ]


def _generator(topics: Topics, *, shared: bool) -> Iterator[Right]:
    """It writes prices. Several also note their progress in a group, which counts as reading."""
    user, positions = "generator", topics.position_start
    yield Right(user, "WRITE", "TOPIC", positions, prefix=True)
    yield Right(user, "DESCRIBE", "TOPIC", positions, prefix=True)
    if shared:
        name = f"{topics.prefix}data-generator"
        yield Right(user, "READ", "TOPIC", positions, prefix=True)
        yield Right(user, "READ", "GROUP", name)
        yield Right(user, "WRITE", "TRANSACTIONAL_ID", f"{name}.", prefix=True)


def _gatherer(topics: Topics, job: str, inputs: Iterable[Input]) -> Iterator[Right]:
    """It reads prices and limits, writes results, and keeps the settings of all these topics."""
    user = "gatherer"
    results = (topics.moving_average, topics.signals, topics.dead_letter)
    yield Right(user, "READ", "TOPIC", topics.position_start, prefix=True)
    yield Right(user, "READ", "TOPIC", topics.limits)
    for one in inputs:
        yield Right(user, "READ", "TOPIC", *_input(one))
    for name in results:
        yield Right(user, "WRITE", "TOPIC", name)
    for operation in _CONFIGS:
        yield Right(user, operation, "TOPIC", topics.position_start, prefix=True)
        for name in (*results, topics.limits):
            yield Right(user, operation, "TOPIC", name)
    yield Right(user, "READ", "GROUP", job)
    yield Right(user, "WRITE", "TRANSACTIONAL_ID", job, prefix=True)


def _dashboard(topics: Topics, job: str, job_topics: Collection[str]) -> Iterator[Right]:
    """It reads. The one topic that it writes is `limits`, whose values it lets people set."""
    user = "dashboard"
    yield Right(user, "READ", "TOPIC", topics.position_start, prefix=True)
    for name in (
        topics.moving_average,
        topics.signals,
        topics.dead_letter,
        topics.limits,
        *sorted(job_topics),
    ):
        yield Right(user, "READ", "TOPIC", name)
        yield Right(user, "DESCRIBE_CONFIGS", "TOPIC", name)
    yield Right(user, "DESCRIBE_CONFIGS", "TOPIC", topics.position_start, prefix=True)
    yield Right(user, "WRITE", "TOPIC", topics.limits)
    yield Right(user, "DESCRIBE", "GROUP", job)
    yield Right(user, "DESCRIBE", "GROUP", READER_GROUP)


def _jobs(job_topics: Collection[str]) -> Iterator[Right]:
    """They write their own topics, where they look for what an earlier run wrote, and report on them."""
    user = "jobs"
    for name in sorted(job_topics):
        yield Right(user, "READ", "TOPIC", name)
        yield Right(user, "WRITE", "TOPIC", name)
        yield Right(user, "WRITE", "TRANSACTIONAL_ID", f"{name}.", prefix=True)
    yield Right(user, "DESCRIBE", "GROUP", READER_GROUP)
    yield Right(user, "READ", "GROUP", "spark-kafka-", prefix=True)


def _sinks(topics: Topics, groups: str) -> Iterator[Right]:
    """They read results and ticks as the user of the jobs."""
    user = "jobs"
    for name in (topics.moving_average, topics.signals):
        yield Right(user, "READ", "TOPIC", name)
    yield Right(user, "READ", "TOPIC", topics.position_start, prefix=True)
    yield Right(user, "READ", "GROUP", groups, prefix=True)


def _input(one: Input) -> tuple[str, bool]:
    """A topic, or what all names that a pattern matches begin with. Every topic, if that is nothing."""
    if "topic" in one:
        return str(one["topic"]), False
    pattern = str(one["pattern"])
    start = re.match(r"[A-Za-z0-9_-]*(?![*?{])", pattern)
    # An alternative may begin with anything.
    if start is None or not start[0] or "|" in pattern:
        return "*", False
    return start[0], True


class AccessRules:
    """The rules (ACLs) on the brokers. Raises as `Brokers` does; only a super user may ask.

    bundle: whose rules they are, by the prefix of its topics. Beside each rule that is made for it stands a
    mark: a rule that denies the same to a user `bundle/<prefix>/<user>`, who does not exist. Kafka keeps no
    other note of who made a rule, and several bundles share the users.
    """

    def __init__(self, bootstrap_servers: str, *, timeout: float, bundle: str = "") -> None:
        self._servers = bootstrap_servers
        self._owner = f"{_MARK}{bundle}/"
        self._timeout = timeout
        self._admin = open_admin(bootstrap_servers)

    def missing(self, rights: Iterable[Right]) -> list[Right]:
        """The rights that no rule gives yet, in order, and those that only other bundles have marked: one of
        them would remove the rule once it no longer needs it. A rule that nobody has marked stays as it is.
        """
        there = self._there()
        marks = [rule for rule in there if _is_mark(rule)]
        ours = {right for rule in marks if (right := self._marked(rule)) is not None}
        others = set(map(_unmarked, marks)) - ours
        return [right for right in rights if _binding(right) not in there or right in others]

    def unwanted(self, rights: Iterable[Right]) -> list[Right]:
        """The rights that were given for this bundle, and that it no longer needs."""
        ours = (self._marked(rule) for rule in self._there())
        return sorted({right for right in ours if right is not None} - set(rights))

    def surplus(self, rights: Iterable[Right]) -> list[Right]:
        """What rules let the users do beyond these rights, and no bundle has marked."""
        there = self._there()
        marked = {_unmarked(rule) for rule in there if _is_mark(rule)}
        found = {_right(rule) for rule in there if not _is_mark(rule)} - set(rights) - marked
        return sorted(right for right in found if right.user in _USERS)

    def withdraw(self, rights: Iterable[Right]) -> None:
        """Remove this bundle's marks of these rights, and the rules that no other bundle has marked."""
        there = self._there()
        others = {_unmarked(rule) for rule in there if _is_mark(rule) and self._marked(rule) is None}
        wanted = list(rights)
        # The mark goes last: without it, nobody would remove a rule that is left.
        self._delete([_binding(right) for right in wanted if right not in others])
        self._delete([self._mark(right) for right in wanted])

    def _delete(self, bindings: list[AclBinding]) -> None:
        filters = [
            AclBindingFilter(
                rule.restype,
                rule.name,
                rule.resource_pattern_type,
                rule.principal,
                rule.host,
                rule.operation,
                rule.permission_type,
            )
            for rule in bindings
        ]
        if filters:
            self._finish(self._admin.delete_acls(filters, request_timeout=self._timeout))

    def _mark(self, right: Right) -> AclBinding:
        return _binding(right._replace(user=f"{self._owner}{right.user}"), AclPermissionType.DENY)

    def _marked(self, rule: AclBinding) -> Right | None:
        """The right that a mark of this bundle is about."""
        ours = _is_mark(rule) and _owner(rule) == self._owner
        return _unmarked(rule) if ours else None

    def _there(self) -> set[AclBinding]:
        anything: Any = None  # the client's types do not allow it
        every = AclBindingFilter(
            ResourceType.ANY,
            anything,
            ResourcePatternType.ANY,
            anything,
            anything,
            AclOperation.ANY,
            AclPermissionType.ANY,
        )
        try:
            return set(self._admin.describe_acls(every, request_timeout=self._timeout).result())
        except KafkaException as error:
            raise explained(error, self._servers, self._timeout) from error

    def allow(self, rights: Iterable[Right]) -> None:
        """Add rules with their marks; `missing` says which. A rule that exists gets our mark, too. Brokers
        take up to a second to show and apply them.
        """
        wanted = list(rights)
        # The mark comes first: a rule without one stays for ever.
        for bindings in (map(self._mark, wanted), map(_binding, wanted)):
            if each := list(bindings):
                self._finish(self._admin.create_acls(each, request_timeout=self._timeout))

    def _finish(self, futures: Mapping[Any, Future[Any]]) -> None:
        for future in futures.values():
            try:
                future.result()
            except KafkaException as error:
                raise explained(error, self._servers, self._timeout) from error


def _is_mark(rule: AclBinding) -> bool:
    return rule.principal.startswith(_PRINCIPAL + _MARK) and rule.permission_type is AclPermissionType.DENY


def _owner(rule: AclBinding) -> str:
    return rule.principal.removeprefix(_PRINCIPAL).rpartition("/")[0] + "/"


def _unmarked(rule: AclBinding) -> Right:
    """The right that a mark is about."""
    right = _right(rule)
    return right._replace(user=right.user.rpartition("/")[2])


def _binding(right: Right, permission: AclPermissionType = AclPermissionType.ALLOW) -> AclBinding:
    return AclBinding(
        ResourceType[right.resource],
        right.name,
        ResourcePatternType.PREFIXED if right.prefix else ResourcePatternType.LITERAL,
        f"{_PRINCIPAL}{right.user}",
        "*",
        AclOperation[right.operation],
        permission,
    )


def _right(rule: AclBinding) -> Right:
    kind: Any = rule.restype  # the client's types allow names and numbers, which it does not return
    operation: Any = rule.operation
    prefix = rule.resource_pattern_type is ResourcePatternType.PREFIXED
    return Right(rule.principal.removeprefix(_PRINCIPAL), operation.name, kind.name, rule.name, prefix)
