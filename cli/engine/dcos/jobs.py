"""One-off jobs: Metronome's jobs through `dcos job`, and the output of runs through `dcos task log`."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cli.engine.dcos.diff import document_diff
from cli.engine.dcos.runner import Dcos
from cli.engine.protocol import JobManifest, JobRun, JobStatus, LogStream
from cli.errors import EngineError, NotFound, StepFailed

# More than a sandbox keeps.
ALL_LINES = 1_000_000
# Mesos' executor writes the exit code into one of the last lines.
LAST_LINES = 5
HISTORY_LOOKS, HISTORY_SECONDS = 5, 1.0
# What `dcos job list` shows besides a job's definition.
_BESIDES = ("activeRuns", "history", "historySummary", "schedules")
# What Mesos' executor, which starts the command, writes to the sandbox's stderr.
_EXITED = re.compile(r"^(?:[IWE]\d{4} .*\] )?Command exited with status (\d+) \(pid: \d+\)$")
_EXECUTOR = re.compile(r"^[IWE]\d{4} [\d:.]+ +\d+ \w+\.[ch]pp:\d+\] ")
_NOTHING_YET = re.compile(r"no logs found|no files exist|no matching tasks|no tasks found", re.IGNORECASE)


class DcosJobs:
    """Jobs of the cluster's Metronome."""

    def __init__(self, dcos: Dcos) -> None:
        self._dcos = dcos

    def all(self) -> Mapping[str, JobStatus]:
        """Every job by its id."""
        listed = self._dcos.json(["job", "list", "--json"])
        return {job["id"]: job_of(job) for job in listed}

    def differences(self, manifest: JobManifest, job: JobStatus | None) -> list[str]:
        """The unified diff, without the defaults that Metronome fills in."""
        observed = {key: value for key, value in job.observed.items() if key not in _BESIDES} if job else {}
        return document_diff(_plain(manifest.document), _plain(observed), "on the cluster")

    def put(self, manifest: JobManifest) -> None:
        """Add or update the job. The definition is passed in a file that only this user can read."""
        there = self.all().get(manifest.id)
        if there is not None and not self.differences(manifest, there):
            return
        with TemporaryDirectory(prefix="pipectl-") as folder:
            file = Path(folder) / "job.json"
            file.write_text(json.dumps(manifest.document))
            verb = "add" if there is None else "update"
            self._dcos.change(["job", verb, str(file)], verify_applied=lambda: self._is_as(manifest))

    def start(self, job_id: str) -> JobRun:
        """Start a run and look it up, because the answer of `dcos job run` may be lost."""
        before = {run.id for run in self._runs(job_id)}

        def begun() -> list[JobRun]:
            return [run for run in self._runs(job_id) if run.id not in before]

        self._dcos.change(["job", "run", job_id], verify_applied=lambda: bool(begun()))
        found = begun()
        if not found:
            raise StepFailed(
                f"job {job_id} was started, but it has no new run",
                hint=f"see `dcos job history {job_id}`",
            )
        # If two were started at once, every caller chooses the same one.
        return min(found, key=lambda run: (run.started_at, run.id))

    def state(self, run: JobRun) -> JobRun:
        """The current state of the run, from the active runs or the history."""
        job = self.all().get(run.job_id)
        if job is not None and run.id in {each.id for each in job.active}:
            return run
        # Metronome records the end of a run a moment after it removes the run from the active ones.
        for _ in range(HISTORY_LOOKS if job is not None else 0):
            ended = {each.id: each for each in self._ended(run.job_id)}
            if run.id in ended:
                return ended[run.id]
            self._dcos.stop.wait(HISTORY_SECONDS)
        return replace(run, ended_at=run.started_at, succeeded=False)

    def output(self, run: JobRun, stream: LogStream) -> list[str]:
        """The output of the run, without the lines of Mesos' executor."""
        return [
            line
            for line in self._lines(run, stream, ALL_LINES)
            if stream == "stdout" or not (_EXITED.match(line) or _EXECUTOR.match(line))
        ]

    def exit_code(self, run: JobRun) -> int | None:
        """The exit code that Mesos' executor writes to stderr; Metronome states only success or failure."""
        lines = self._lines(run, "stderr", LAST_LINES)
        codes = [int(found[1]) for line in lines if (found := _EXITED.match(line))]
        return codes[-1] if codes else None

    def stop(self, run: JobRun) -> None:
        """Kill the run if it is active."""
        if self._is_active(run):
            self._dcos.change(
                ["job", "kill", run.job_id, run.id], verify_applied=lambda: not self._is_active(run)
            )

    def remove(self, job_id: str) -> None:
        """Remove the job with its runs."""
        self._dcos.change(
            ["job", "remove", "--stop-current-job-runs", job_id],
            verify_applied=lambda: job_id not in self.all(),
        )

    def _is_active(self, run: JobRun) -> bool:
        job = self.all().get(run.job_id)
        return job is not None and run.id in {each.id for each in job.active}

    def _is_as(self, manifest: JobManifest) -> bool:
        job = self.all().get(manifest.id)
        return job is not None and not self.differences(manifest, job)

    def _runs(self, job_id: str) -> list[JobRun]:
        # Active ones first: a run that ends in between is then found in the history.
        job = self.all().get(job_id)
        return [*job.active, *self._ended(job_id)] if job is not None else []

    def _ended(self, job_id: str) -> list[JobRun]:
        return [
            JobRun(run["id"], job_id, _time(run["createdAt"]), _time(run["finishedAt"]), succeeded)
            for succeeded, flags in ((True, ()), (False, ("--show-failures",)))
            for run in self._history(job_id, flags)
        ]

    def _history(self, job_id: str, flags: Sequence[str]) -> list[Mapping[str, Any]]:
        try:
            found = self._dcos.json(["job", "history", job_id, "--json", *flags])
        except NotFound:
            return []
        # The Go client prints null for none.
        return found or []

    def _lines(self, run: JobRun, stream: LogStream, count: int) -> list[str]:
        # The run's id is part of its task's id, and of no other task's.
        args = ["task", "log", "--all", f"--lines={count}", run.id, stream]
        try:
            return self._dcos.run(args).splitlines()
        except EngineError as error:
            if not _NOTHING_YET.search(error.said):
                raise
            return []


def job_of(job: Mapping[str, Any]) -> JobStatus:
    """A job from the output of `dcos job list --json`."""
    summary = job.get("historySummary") or {}
    active = [
        JobRun(run["id"], job["id"], _time(run["createdAt"]), None, None)
        for run in job.get("activeRuns") or ()
    ]
    return JobStatus(
        id=job["id"],
        labels=job.get("labels") or {},
        active=sorted(active, key=lambda run: run.started_at),
        succeeded_at=_optional_time(summary.get("lastSuccessAt")),
        failed_at=_optional_time(summary.get("lastFailureAt")),
        observed=job,
    )


def _optional_time(text: str | None) -> datetime | None:
    return _time(text) if text else None


def _time(text: str) -> datetime:
    """Parse a time of Metronome: 2016-07-15T13:02:59.735+0000."""
    return datetime.fromisoformat(text)


def _plain(value: Any) -> Any:
    """A definition without empty and false values, which Metronome may add or omit."""
    if isinstance(value, Mapping):
        kept = {key: _plain(item) for key, item in value.items()}
        return {key: item for key, item in kept.items() if item not in (None, {}, []) and item is not False}
    return [_plain(item) for item in value] if isinstance(value, list) else value
