"""The package's error hierarchy.

FlinkScriptsError
├── CompileError      Java classes do not compile
├── GatewayError      the JVM of a client of Flink does not start
├── StateError        checkpoints and savepoints cannot be listed
├── RestError         the JobManager answered with an error, or not at all
├── NotReadyError     waited too long for a part that the job needs
├── SubmitError       the process that submits the job failed
└── JobFailedError    the job ended by itself

Java and jars that can't be had are errors of `jvm`.
"""

from __future__ import annotations


class FlinkScriptsError(Exception):
    """Root of everything that this package raises on purpose, but for `SettingsError` of `task_runtime`."""


class CompileError(FlinkScriptsError):
    """Java classes do not compile."""


class GatewayError(FlinkScriptsError):
    """The JVM that a client of Flink runs beside itself does not start."""


class StateError(FlinkScriptsError):
    """Checkpoints and savepoints cannot be listed."""


class RestError(FlinkScriptsError):
    """A call to the JobManager's REST API failed.

    `status` is the HTTP status, or None when there was no answer at all.
    """

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class NotReadyError(FlinkScriptsError):
    """Something that the job needs did not become ready in time."""


class SubmitError(FlinkScriptsError):
    """The process that builds and submits the job failed."""


class JobFailedError(FlinkScriptsError):
    """The job reached a final state by itself."""


class Stopped(Exception):
    """SIGTERM or SIGINT arrived during a wait. It is not an error."""
