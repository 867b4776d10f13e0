"""The room's error hierarchy.

FlinkScriptsError
├── SettingsError     an environment variable is missing or wrong
├── JavaError         no Java to run Flink on
├── JarError          a jar is missing
│   └── CompileError  Java classes do not compile
├── StateError        checkpoints and savepoints cannot be listed
├── RestError         the JobManager answered with an error, or not at all
├── NotReadyError     waited too long for a part that the job needs
├── SubmitError       the process that submits the job failed
└── JobFailedError    the job ended by itself
"""

from __future__ import annotations


class FlinkScriptsError(Exception):
    """Root of everything that this room raises on purpose."""


class SettingsError(FlinkScriptsError):
    """An environment variable is missing, or its value cannot be used."""


class JavaError(FlinkScriptsError):
    """No Java runtime was found."""


class JarError(FlinkScriptsError):
    """A jar is neither cached nor can be fetched, or the file is not a jar."""


class CompileError(JarError):
    """Java classes do not compile."""


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
