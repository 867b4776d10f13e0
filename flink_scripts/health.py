"""What the submitter's page /health says."""

from __future__ import annotations

from typing import Any


class Health:
    """What /health says.

    reason: None while the job runs, else why not. note: worth knowing though the job runs. last_failure:
    `time` and `reason` of the job's last failure, if any. checkpoints: how many of the job were `completed`,
    and how many truly `failed` while this process has watched it.
    """

    def __init__(self, reason: str) -> None:
        self.reason: str | None = reason
        self.note: str | None = None
        self.job_id: str | None = None
        self.last_failure: dict[str, str] | None = None
        self.checkpoints: dict[str, int] | None = None

    def answer(self) -> tuple[int, dict[str, Any]]:
        """The HTTP status and the JSON body; what is not known is left out."""
        reason = self.reason
        body = {
            "healthy": reason is None,
            "job_id": self.job_id,
            **_known(checkpoints=self.checkpoints, last_failure=self.last_failure),
        }
        if reason is None:
            return 200, {**body, **_known(note=self.note)}
        return 503, {**body, "reason": reason}


def _known(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
