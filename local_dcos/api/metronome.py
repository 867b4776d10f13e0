"""Metronome's v1 API, as far as `dcos job add|update|remove|show|list|run|kill|history` need it."""

from aiohttp import web

from local_dcos.agent import Agent
from local_dcos.api.requests import answer, is_set, object_body
from local_dcos.errors import ApiError
from local_dcos.jobs.definition import complete
from local_dcos.jobs.model import SUCCESS, Job, Run
from local_dcos.model import Json

_ACTIVE, _HISTORY, _SUMMARY, _SCHEDULES = "activeRuns", "history", "historySummary", "schedules"


class Metronome:
    """The handlers; `routes` mounts them below /service/metronome."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self._jobs = agent.state.jobs

    def routes(self) -> list[web.RouteDef]:
        jobs = "/service/metronome/v1/jobs"
        one = f"{jobs}/{{job}}"
        return [
            web.get(jobs, self.list_all),
            web.post(jobs, self.create),
            web.get(one, self.show),
            web.put(one, self.update),
            web.delete(one, self.remove),
            web.get(f"{one}/schedules", self.schedules),
            web.get(f"{one}/runs", self.runs),
            web.post(f"{one}/runs", self.run),
            web.get(f"{one}/runs/{{run}}", self.show_run),
            web.post(f"{one}/runs/{{run}}/actions/stop", self.stop),
        ]

    def _job(self, request: web.Request) -> Job:
        job = self._jobs.get(request.match_info["job"])
        if job is None:
            raise ApiError(404, "Job not found", {"id": request.match_info["job"]})
        return job

    def _active(self, request: web.Request) -> tuple[Job, Run]:
        job, run_id = self._job(request), request.match_info["run"]
        if run_id not in job.active:
            raise ApiError(404, "Job Run not found", {"jobSpec": job.id, "id": run_id})
        return job, job.active[run_id]

    async def list_all(self, request: web.Request) -> web.Response:
        embeds = request.query.getall("embed", [])
        return answer([_shown(job, embeds, alone=False) for job in self._jobs.values()])

    async def show(self, request: web.Request) -> web.Response:
        return answer(_shown(self._job(request), request.query.getall("embed", []), alone=True))

    async def create(self, request: web.Request) -> web.Response:
        definition = complete(await object_body(request))
        if definition["id"] in self._jobs:
            raise ApiError(409, "Job with this id already exists")
        job = Job(definition)
        self._jobs[job.id] = job
        if reason := self._agent.save():
            del self._jobs[job.id]
            raise ApiError(503, f"{reason}. Nothing was changed: free disk space, then send it again.")
        return answer(_shown(job, [], alone=True), 201)

    async def update(self, request: web.Request) -> web.Response:
        job = self._job(request)
        before, job.definition = job.definition, complete(await object_body(request), job.id)
        if reason := self._agent.save():
            job.definition = before
            raise ApiError(503, f"{reason}. Nothing was changed: free disk space, then send it again.")
        return answer(_shown(job, [], alone=True))

    async def remove(self, request: web.Request) -> web.Response:
        job = self._job(request)
        if job.active and not is_set(request, "stopCurrentJobRuns"):
            raise ApiError(409, "There are active job runs. Override with stopCurrentJobRuns=true")
        await self._agent.runs.forget(job)
        return answer(_shown(job, [], alone=True))

    async def schedules(self, request: web.Request) -> web.Response:
        self._job(request)
        return answer([])

    async def runs(self, request: web.Request) -> web.Response:
        return answer([_run(self._job(request), run) for run in self._job(request).active.values()])

    async def run(self, request: web.Request) -> web.Response:
        job = self._job(request)
        return answer(_run(job, self._agent.runs.start(job)), 201)

    async def show_run(self, request: web.Request) -> web.Response:
        return answer(_run(*self._active(request)))

    async def stop(self, request: web.Request) -> web.Response:
        _, run = self._active(request)
        self._agent.runs.kill(run)
        return answer({})


def _shown(job: Job, embeds: list[str], *, alone: bool) -> Json:
    """Returns a job with the requested embeds. In a list, a job without active runs lacks that key."""
    document = dict(job.definition)
    if _ACTIVE in embeds and (alone or job.active):
        document[_ACTIVE] = [_run(job, run) for run in job.active.values()]
    if _SCHEDULES in embeds:
        document[_SCHEDULES] = []
    if _SUMMARY in embeds:
        document[_SUMMARY] = _summary(job)
    if _HISTORY in embeds:
        document[_HISTORY] = {
            **_summary(job),
            "successfulFinishedRuns": [_ended(run) for run in job.ended if run.status == SUCCESS],
            "failedFinishedRuns": [_ended(run) for run in job.ended if run.status != SUCCESS],
        }
    return document


def _summary(job: Job) -> Json:
    def last(*, succeeded: bool) -> str | None:
        runs = (run for run in job.ended if (run.status == SUCCESS) is succeeded)
        return next((_time(run.finished_at) for run in runs), None)

    return {
        "successCount": job.successes,
        "failureCount": job.failures,
        "lastSuccessAt": last(succeeded=True),
        "lastFailureAt": last(succeeded=False),
    }


def _run(job: Job, run: Run) -> Json:
    task = run.task
    tasks = [{"id": task.id, "createdAt": _time(task.started_at), "status": task.state}]
    return {
        "id": run.id,
        "jobId": job.id,
        "status": run.status,
        "createdAt": _time(run.created_at),
        "completedAt": _time(run.finished_at),
        "tasks": tasks if task.pid else [],
    }


def _ended(run: Run) -> Json:
    return {
        "id": run.id,
        "createdAt": _time(run.created_at),
        "finishedAt": _time(run.finished_at),
        "tasks": [run.task.id],
    }


def _time(text: str | None) -> str | None:
    """A time as Metronome writes it: with an offset instead of Z."""
    return None if text is None else text.replace("Z", "+0000")
