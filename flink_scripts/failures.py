"""Why a job or a checkpoint failed, in one line."""

from __future__ import annotations

from datetime import UTC, datetime

from flink_scripts.rest import FailedCheckpoint, Failure

_CAUSE = "Caused by: "
_PYTHON = "Traceback (most recent call last)"
_LONGEST = 500

# A checkpoint that was aborted for one of these reasons says nothing about checkpoints: the job failed, which
# is reported separately, or was stopped, or some of its tasks had not started yet or had ended. The texts are
# those of Flink's CheckpointFailureReason.
_ABORTED = (
    "Checkpoint Coordinator is suspending",
    "CheckpointCoordinator shutdown",
    "Periodic checkpoint scheduler is shut down",
    "Not all required tasks are currently running",
    "Checkpoint was declined (tasks not ready)",
    "Checkpoint was declined (task is closing)",
    "Task received cancellation from one of its inputs",
    "Checkpoint was declined because one input stream is finished",
    "Checkpoint has been subsumed",
    "Checkpoint was canceled because a barrier from newer checkpoint was received",
    "FailoverRegion is restarting",
    "Task has failed",
)


def is_checkpoint_failure(checkpoint: FailedCheckpoint) -> bool:
    """Whether something was wrong with the checkpoint itself, such as its duration or its store."""
    return not checkpoint.message.startswith(_ABORTED)


def is_of_checkpoints(why: str) -> bool:
    """Whether a job failed because its checkpoints did. Flink's exception has no cause."""
    return "Exceeded checkpoint tolerable failure threshold" in why


def reason(failure: Failure) -> str:
    """The root cause of a failure, and the task and host where it happened."""
    where = " on ".join(filter(None, (failure.task, failure.host)))
    return f"{root_cause(failure.stack_trace)} (in {where})" if where else root_cause(failure.stack_trace)


def time_of(failure: Failure) -> str:
    """When it happened: `2026-11-22 01:02:03.004`, UTC."""
    moment = datetime.fromtimestamp(failure.time_ms / 1000, UTC)
    return moment.strftime("%Y-%m-%d %H:%M:%S.") + f"{failure.time_ms % 1000:03d}"


def root_cause(stack_trace: str) -> str:
    """The innermost cause of a Java stack trace, then the outermost exception where that adds something.

    Of a Python traceback inside it, the last line is used.
    """
    blocks: list[list[str]] = []
    for line in stack_trace.splitlines():
        if not line or line[0].isspace():
            continue
        if line.startswith(_CAUSE) or not blocks:
            blocks.append([])
        blocks[-1].append(line.removeprefix(_CAUSE).strip())
    if not blocks:
        return "no reason given"
    root, outermost = _message(blocks[-1]), _message(blocks[0])
    return (root if root in outermost or outermost in root else f"{root}, seen as {outermost}")[:_LONGEST]


def _message(block: list[str]) -> str:
    return block[-1] if any(_PYTHON in line for line in block) else " ".join(block)
