"""The Kafka service, through its command `dcos kafka`."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from cli.engine.dcos import topic_commands as commands
from cli.engine.dcos.service_command import ServiceCommands, plan_argv
from cli.errors import EngineError, NotAllowed, NotLoggedIn, PipectlError
from kafka_topic.plan import TopicSpec


class DcosKafka:
    """Kafka services of a cluster. It installs the command `dcos kafka` if this machine lacks it."""

    def __init__(self, commands: ServiceCommands) -> None:
        self._command = commands.of("kafka")

    def brokers(self, service: str, *, retry: bool = True) -> list[str]:
        """The addresses from the endpoint `broker`, from `broker-tls` if the service has only that, or from
        `connection` on old services.
        """
        answer = self._first(
            [["endpoints", "broker"], ["endpoints", "broker-tls"], ["connection"]], service, retry=retry
        )
        try:
            found = json.loads(answer)
            return list(found.get("address") or found["dns"])
        except (ValueError, KeyError, TypeError, AttributeError):
            raise PipectlError(
                f"service {service} has no broker endpoint: {answer.strip()}",
                hint=f"see `dcos kafka --name={service} endpoints` and "
                f"`dcos {' '.join(plan_argv('kafka', service))}`",
            ) from None

    def _first(self, commands: Sequence[Sequence[str]], service: str, *, retry: bool) -> str:
        """The answer to the first command that has one; else the error of the first command."""
        errors: list[EngineError] = []
        for command in commands:
            try:
                return self._run(["kafka", f"--name={service}", *command], retry=retry)
            except (NotLoggedIn, NotAllowed):
                raise
            except EngineError as error:
                errors.append(error)
        raise errors[0]

    def topics(self, service: str, *, retry: bool = True) -> list[str]:
        """The names of all topics."""
        answer = self._run(commands.list_argv(service), retry=retry)
        with _with_hint(service):
            return commands.parse_list(answer)

    def create_topic(self, service: str, spec: TopicSpec) -> None:
        """Create a topic."""
        # It may exist after an error: the answer was lost, or someone else created it.
        self._change(
            commands.create_argv(service, spec), verify_applied=lambda: spec.name in self.topics(service)
        )

    def describe_topic(self, service: str, name: str) -> tuple[int, int]:
        """The number of partitions of a topic, and the highest number of in-sync replicas of one."""
        answer = self._run(commands.describe_argv(service, name))
        with _with_hint(service):
            return commands.parse_partitions(answer), commands.parse_replicas(answer)

    def delete_topic(self, service: str, name: str) -> None:
        """Delete a topic."""
        self._change(
            commands.delete_argv(service, name), verify_applied=lambda: name not in self.topics(service)
        )

    def _run(self, args: Sequence[str], *, retry: bool = True) -> str:
        return self._command.run(args, retry=retry)

    def _change(self, args: Sequence[str], *, verify_applied: Callable[[], bool]) -> None:
        self._command.change(args, verify_applied=verify_applied)


@contextmanager
def _with_hint(service: str) -> Iterator[None]:
    """Add the next step to errors about invalid output."""
    try:
        yield
    except ValueError as error:
        raise PipectlError(str(error), hint=f"see `dcos kafka --name={service} topic list`") from None
