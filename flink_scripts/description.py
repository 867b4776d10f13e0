"""What a job module says about its job (`python -m MODULE --describe`), and the digests made of it."""

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
    """What a module says.

    state: what shapes the job's state. definition: what makes the job what it is. topics: whose state it is.
    """

    state: dict[str, Any]
    definition: dict[str, Any]
    topics: tuple[str, ...]

    def shape(self, topic_ids: Mapping[str, str]) -> str:
        """Digest of all that the state depends on: its shape, Flink's version, and the very topics it
        belongs to.

        State is not taken over to another minor version of Flink: no test can try that yet.
        """
        return _digest(self.state, _flink_minor_version(), sorted(topic_ids.items()))

    def identity(self, shape: str, options: Mapping[str, str]) -> str:
        """Digest of all that makes the running job what it is: two jobs with one identity do the same."""
        return _digest(shape, self.definition, sorted(options.items()))


def describe(module: str, environ: Mapping[str, str]) -> Description:
    """Ask the module. Raises SubmitError with the module's own words when it can't say."""
    argv = [sys.executable, "-m", module, "--describe"]
    try:
        result = subprocess.run(
            argv, env=dict(environ), capture_output=True, text=True, timeout=_DESCRIBE_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise SubmitError(f"python -m {module} --describe gave no answer in {_DESCRIBE_SECONDS} s") from None
    if result.returncode != 0:
        raise SubmitError(f"python -m {module} --describe: {result.stderr.strip()}")
    try:
        answer = json.loads(result.stdout)
        return Description(answer["state"], answer["definition"], tuple(answer["topics"]))
    except (ValueError, KeyError, TypeError) as error:
        raise SubmitError(f"python -m {module} --describe printed something else: {error!r}") from None


def _digest(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def _flink_minor_version() -> str:
    try:
        return ".".join(version("apache-flink").split(".")[:2])
    except PackageNotFoundError:
        return "unknown"
