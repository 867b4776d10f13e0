"""`python -m flink_scripts jobmanager | taskmanager | job MODULE`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from flink_scripts.errors import FlinkScriptsError
from flink_scripts.settings import Environment
from jvm.errors import JvmError
from kafka_topic.errors import SecurityError
from task_runtime.errors import SettingsError

if TYPE_CHECKING:
    from flink_scripts.chore import Chore

_TOPICS_SECONDS = 15.0  # topics of new positions appear while the job runs
# The old name works for one release.
_RENAMED = {"TOPIC_SHORTEN": "TOPIC_ALLOW_RETENTION_DECREASE"}
_USAGE = "usage: python -m flink_scripts jobmanager | taskmanager | job MODULE"


def main(argv: list[str]) -> int:
    """Run one role; the exit code is 0 only for a job that was stopped on request, 2 for a wrong setting."""
    env = Environment()
    try:
        match argv:
            case ["jobmanager"]:
                from flink_scripts.processes import run_jobmanager

                run_jobmanager(env)
            case ["taskmanager"]:
                from flink_scripts.processes import run_taskmanager

                run_taskmanager(env)
            case ["job", module]:
                from flink_scripts.job import run_job

                return run_job(module, env, [_topics_settings(env)])
            case _:
                sys.stderr.write(_USAGE + "\n")
                return 2
    except (SettingsError, SecurityError) as error:
        sys.stderr.write(f"flink_scripts: {error}\n")
        return error.exit_code
    except (FlinkScriptsError, JvmError) as error:
        sys.stderr.write(f"flink_scripts: {error}\n")
        return 1
    return 0


def _topics_settings(env: Environment) -> Chore:
    """The settings of the job's topics. `dcos kafka topic create` cannot set them, so this process does."""
    from flink_scripts.chore import Chore
    from kafka_topic.config import parse_retention
    from kafka_topic.names import Topics
    from kafka_topic.reconcile import TopicReconciler

    env = env.with_old_names(_RENAMED)
    reconciler = TopicReconciler(
        env.text("KAFKA_BOOTSTRAP_SERVERS"),
        env.parsed("TOPIC_PREFIX", Topics, ""),
        env.parsed("TOPIC_RETENTION_MS", parse_retention, ""),
        allow_decrease=env.flag("TOPIC_ALLOW_RETENTION_DECREASE"),
    )
    return Chore("the topics' settings", reconciler.run, every_seconds=_TOPICS_SECONDS)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
