"""A job module's description of its job (`python -m MODULE --describe`), and digests of it."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from flink_scripts.errors import SubmitError

_DESCRIBE_SECONDS = 60


@dataclass(frozen=True)
class Description:
    """What a module prints.

    state: what determines the form of the job's state. definition: everything else that makes the job what it
    is. topics: the topics that the state belongs to.
    """

    state: dict[str, Any]
    definition: dict[str, Any]
    topics: tuple[str, ...]

    def shape(self, topic_ids: Mapping[str, str]) -> str:
        """Digest of everything that the state depends on: its form, Flink's version, and its topics by id.

        State is not carried over to another minor version of Flink, because no test covers that yet.
        """
        return _digest(self.state, _flink_minor_version(), sorted(topic_ids.items()))

    def identity(self, shape: str, options: Mapping[str, str]) -> str:
        """Digest of everything that defines the running job. Two jobs with one identity do the same."""
        return _digest(shape, self.definition, sorted(options.items()))


def describe(module: str, environ: Mapping[str, str]) -> Description:
    """Ask the module. Raises SubmitError with the module's output when it fails."""
    argv = [sys.executable, "-m", module, "--describe"]
    try:
        result = subprocess.run(
            argv, env=dict(environ), capture_output=True, text=True, timeout=_DESCRIBE_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise SubmitError(
            f"python -m {module} --describe did not answer within {_DESCRIBE_SECONDS} s"
        ) from None
    if result.returncode != 0:
        raise SubmitError(f"python -m {module} --describe: {result.stderr.strip()}")
    try:
        answer = json.loads(result.stdout)
        return Description(answer["state"], answer["definition"], tuple(answer["topics"]))
    except (ValueError, KeyError, TypeError) as error:
        raise SubmitError(f"python -m {module} --describe printed no description: {error!r}") from None


def _digest(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def _flink_minor_version() -> str:
    try:
        return ".".join(version("apache-flink").split(".")[:2])
    except PackageNotFoundError:
        return "unknown"
