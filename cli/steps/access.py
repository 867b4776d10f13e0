"""The steps of the rights of the bundle's users on a secured Kafka."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

from cli.errors import PipectlError, StepFailed
from cli.steps.base import Action, Change, Report, State, wait_until
from kafka_topic.errors import BrokerUnreachableError, KafkaTopicError

if TYPE_CHECKING:
    from kafka_topic.access import AccessRules, Right

ANSWER_SECONDS = 10.0
APPLY_TIMEOUT = timedelta(seconds=30)


class AccessStep:
    """Adds missing rules (ACLs). `SurplusStep` removes them.

    rights: what the users need. bundle: the prefix of its topics. kafka: the state of the Kafka service.
    """

    name = "access"
    kind = "access"

    def __init__(
        self,
        bootstrap_servers: str,
        rights: Callable[[], list[Right]],
        *,
        bundle: str,
        kafka: Callable[[], State],
        depends_on: frozenset[str],
    ) -> None:
        self.depends_on = depends_on
        self._servers = bootstrap_servers
        self._rights = rights
        self._bundle = bundle
        self._kafka = kafka

    def plan(self) -> Change:
        """The missing rules, if the brokers can be reached from here."""
        if not self._kafka().ready:
            rights = self._rights()
            return Change("create", [f"+{right}" for right in rights], summary=f"{len(rights)} rights")
        try:
            missing, notes = self._missing(), self._notes()
        except BrokerUnreachableError as error:
            return Change("unchanged", notes=(f"cannot read the users' rights from here: {error}",))
        except KafkaTopicError as error:
            raise PipectlError(str(error)) from None
        summary = f"{len(missing)} rights"
        action: Action = "create" if missing else "unchanged"
        return Change(action, [f"+{one}" for one in missing], notes, summary=summary)

    def apply(self, change: Change) -> None:
        """Add the missing rules, and no mark to a rule that somebody else has made."""
        if change.action == "create":
            self.allow(lambda rules: rules.missing(self._rights()))

    def restore(self, report: Report, stop: threading.Event) -> str | None:
        """Nothing: a further right of the same users does no harm."""
        return None

    def wait(self, report: Report, stop: threading.Event) -> bool:
        """Wait until the brokers show every rule, if they can be reached from here."""
        seen = ""

        def all_there() -> bool:
            nonlocal seen
            state = self.state()
            seen = state.detail
            report(state.detail)
            return state.ready

        return wait_until(
            all_there,
            what="the rights of Kafka's users",
            timeout=APPLY_TIMEOUT,
            stop=stop,
            last_seen=lambda: seen,
        )

    def state(self) -> State:
        """Whether all rules are there."""
        try:
            missing = self._missing()
        except BrokerUnreachableError as error:
            return State(True, "unknown", f"cannot read the users' rights from here: {error}")
        except KafkaTopicError as error:
            return State(False, "unknown", str(error))
        if missing:
            return State(False, "absent", f"missing: {'; '.join(map(str, missing[:3]))}")
        return State(True, "healthy", "every user has its rights")

    def remove(self, report: Report, stop: threading.Event) -> bool:
        """Nothing: the topics stay, and so do the rules about them."""
        report("kept, like the topics")
        return False

    def unwanted(self) -> list[Right]:
        """The rights that earlier deploys of the bundle gave and this one does not need. None if Kafka is not
        up, or cannot be reached from here.
        """
        if not self._kafka().ready:
            return []
        try:
            return self._rules().unwanted(self._rights())
        except BrokerUnreachableError:
            return []
        except KafkaTopicError as error:
            raise PipectlError(str(error)) from None

    def withdraw(self) -> list[Right]:
        """Remove what `unwanted` lists. Returns it."""
        unwanted = self.unwanted()
        try:
            self._rules().withdraw(unwanted)
        except KafkaTopicError as error:
            raise StepFailed(f"cannot take rights from the users of Kafka: {error}") from None
        return unwanted

    def allow(self, rights: Callable[[AccessRules], list[Right]]) -> None:
        """Give rights. Raises StepFailed."""
        try:
            rules = self._rules()
            rules.allow(rights(rules))
        except KafkaTopicError as error:
            raise StepFailed(
                f"cannot give the users of Kafka their rights: {error}",
                hint="deploy from a machine that reaches the brokers",
            ) from None

    def _missing(self) -> list[Right]:
        return self._rules().missing(self._rights())

    def _notes(self) -> tuple[str, ...]:
        surplus = self._rules().surplus(self._rights())
        if not surplus:
            return ()
        return (
            f"no deploy has made the rules by which {'; '.join(map(str, surplus))}; if nobody needs them, "
            "remove them with kafka-acls.sh --remove",
        )

    def _rules(self) -> AccessRules:
        from kafka_topic.access import AccessRules

        return AccessRules(self._servers, timeout=ANSWER_SECONDS, bundle=self._bundle)


class SurplusStep:
    """Removes the rules that were made for the bundle and that it no longer needs, once the apps that needed
    them are replaced. A rule that another bundle needs stays.
    """

    name = "surplus-access"
    kind = "access"

    def __init__(self, access: AccessStep, *, depends_on: frozenset[str]) -> None:
        self.depends_on = depends_on
        self._access = access
        self._removed: list[Right] = []

    def plan(self) -> Change:
        """The rules to remove, if the brokers can be reached from here."""
        unwanted = self._access.unwanted()
        action: Action = "remove" if unwanted else "unchanged"
        note = "the bundle no longer needs these rights"
        return Change(action, [f"-{one}" for one in unwanted], (note,) if unwanted else ())

    def apply(self, change: Change) -> None:
        """Remove them."""
        if change.action == "remove":
            self._removed = self._access.withdraw()

    def restore(self, report: Report, stop: threading.Event) -> str | None:
        """Add them again."""
        if not self._removed:
            return None
        self._access.allow(lambda rules: self._removed)
        return "rights restored"

    def wait(self, report: Report, stop: threading.Event) -> bool:
        """Wait until the brokers no longer show them."""
        return wait_until(
            lambda: not self._access.unwanted(),
            what="the removal of rights that are no longer needed",
            timeout=APPLY_TIMEOUT,
            stop=stop,
        )

    def state(self) -> State:
        """Healthy: a right too many keeps nothing from working."""
        return State(True, "healthy")

    def remove(self, report: Report, stop: threading.Event) -> bool:
        """Nothing: the rules stay with the topics."""
        return False
