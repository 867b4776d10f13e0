"""One-off jobs as Metronome runs them, over kills of the agent, of a run, and of both."""

import json
import os
import signal
import sys
from typing import Any

import psutil
import pytest

from tests.local_dcos.conftest import Cluster, wait_for

JOB = "work.count"


def definition(code: str, **run) -> dict[str, Any]:
    return {"id": JOB, "description": "counts", "run": {"args": [sys.executable, "-c", code], **SIZE, **run}}


SIZE = {"cpus": 0.1, "mem": 32, "disk": 0}


@pytest.fixture
def jobs(cluster: Cluster):
    yield cluster
    _, found = cluster.call("GET", "/service/metronome/v1/jobs")
    for job in found:
        cluster.call("DELETE", f"/service/metronome/v1/jobs/{job['id']}?stopCurrentJobRuns=true")


def metronome(cluster: Cluster, method: str, path: str, body=None):
    return cluster.call(method, f"/service/metronome/v1/jobs{path}", body)


def added(cluster: Cluster, code: str, **run) -> None:
    status, answer = metronome(cluster, "POST", "", definition(code, **run))
    assert status == 201, answer


def started(cluster: Cluster) -> str:
    status, run = metronome(cluster, "POST", f"/{JOB}/runs")
    assert status == 201, run
    return run["id"]


def history(cluster: Cluster):
    return metronome(cluster, "GET", f"/{JOB}?embed=history&embed=activeRuns")[1]


def ended(cluster: Cluster, count: int = 1):
    """The history, once so many runs have ended and none is active."""

    def look():
        job = history(cluster)
        runs = job["history"]
        both = runs["successCount"] + runs["failureCount"]
        return runs if both == count and job["activeRuns"] == [] else None

    return wait_for(look)


def log(cluster: Cluster, run: str, stream: str = "stdout") -> str:
    done = cluster.dcos("task", "log", "--all", "--lines=100", run, stream)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_run_succeeds_and_its_output_is_kept(jobs):
    added(jobs, "print('counted', 3)")
    run = started(jobs)
    (success,) = ended(jobs)["successfulFinishedRuns"]
    assert success["id"] == run
    assert log(jobs, run) == "counted 3\n"
    assert log(jobs, run, "stderr").startswith("Command exited with status 0 (pid: ")


def test_a_run_that_fails_says_with_which_status(jobs):
    added(jobs, "import sys; sys.exit(7)")
    run = started(jobs)
    assert ended(jobs)["failedFinishedRuns"][0]["id"] == run
    assert "exited with status 7" in log(jobs, run, "stderr").splitlines()[-1]


def test_a_run_that_cannot_start_says_why(jobs):
    added(jobs, "", args=["/there/is/no/program"], mem=32)
    run = started(jobs)
    assert ended(jobs)["failureCount"] == 1
    assert "status 127" in log(jobs, run, "stderr")
    status, _ = metronome(jobs, "PUT", f"/{JOB}", definition("", mem=10**9))
    assert status == 200
    run = started(jobs)
    assert ended(jobs, 2)["failureCount"] == 2
    assert log(jobs, run, "stderr") == "Failed to launch: It requests more memory than the machine has\n"


def test_a_stopped_run_ends_with_all_it_started(jobs):
    added(jobs, "import subprocess; subprocess.run(['sleep', '1000'], start_new_session=True)")
    run = started(jobs)
    wait_for(lambda: len(jobs.processes()) == 3)
    assert "killed" in jobs.dcos("job", "kill", JOB, run).stdout
    assert ended(jobs)["failedFinishedRuns"][0]["id"] == run
    assert jobs.processes() == []
    assert jobs.dcos("job", "kill", JOB, run).returncode == 1


def test_a_run_has_the_environment_of_its_definition(jobs, tmp_path):
    secrets = jobs.home / "secrets"
    secrets.mkdir(exist_ok=True)
    (secrets / "word").write_text("hidden\n")
    code = "import os; print(os.environ['GREETING'], os.environ['WORD'])"
    env = {"GREETING": "hello", "WORD": {"secret": "w"}}
    added(jobs, code, env=env, secrets={"w": {"source": "word"}})
    run = started(jobs)
    ended(jobs)
    assert log(jobs, run) == "hello hidden\n"


def test_runs_side_by_side_are_told_apart(jobs):
    added(jobs, "import os, time; print(os.getpid(), flush=True); time.sleep(1000)")
    first, second = started(jobs), started(jobs)
    wait_for(lambda: len(jobs.processes()) == 4)
    _, runs = metronome(jobs, "GET", f"/{JOB}/runs")
    assert {run["id"] for run in runs} == {first, second}
    assert {run["status"] for run in runs} == {"ACTIVE"}
    assert metronome(jobs, "DELETE", f"/{JOB}")[0] == 409
    for run in (first, second):
        assert jobs.dcos("job", "kill", JOB, run).returncode == 0
    ended(jobs, 2)


def test_the_history_and_its_sandboxes_are_bounded(jobs):
    added(jobs, "", args=["true"])
    for count in range(1, 13):
        started(jobs)
        ended(jobs, count)
    runs = ended(jobs, 12)
    assert (runs["successCount"], len(runs["successfulFinishedRuns"])) == (12, 10)
    assert len(list((jobs.home / "sandboxes").glob(f"{JOB}_*"))) == 10
    assert metronome(jobs, "DELETE", f"/{JOB}")[0] == 200
    assert list((jobs.home / "sandboxes").glob(f"{JOB}_*")) == []


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"id": "Upper"}, "/id"),
        ({"id": None}, "/id"),
        ({"run": None}, "/run"),
        ({"run": {"cpus": 0.1, "mem": 32, "disk": 0}}, "/run"),
        ({"run": {**SIZE, "mem": 16, "cmd": "true"}}, "/run/mem"),
        ({"run": {**SIZE, "cmd": "true", "memory": 64}}, "/run/memory"),
        ({"run": {**SIZE, "cmd": "true", "env": {"A": {"secret": "s"}}}}, "/run/env/A"),
        ({"run": {**SIZE, "cmd": "true", "restart": {"policy": "OFTEN"}}}, "/run/restart/policy"),
    ],
)
def test_a_wrong_definition_is_refused_with_its_path(jobs, change, path):
    status, answer = metronome(jobs, "POST", "", {**definition("1"), **change})
    assert (status, [detail["path"] for detail in answer["details"]]) == (422, [path])


def test_a_missing_object_is_reported(jobs):
    assert metronome(jobs, "GET", "/none")[0] == 404
    assert jobs.dcos("job", "run", "none").stderr == "Error: Job not found\n"
    added(jobs, "1")
    assert metronome(jobs, "POST", "", definition("1"))[0] == 409


@pytest.mark.parametrize("code", [0, 5])
def test_a_run_outlives_the_agent_and_is_judged_by_the_next(own_cluster, tmp_path, code):
    gate = tmp_path / "gate"
    added(
        own_cluster,
        f"import pathlib, sys, time\nwhile not pathlib.Path({str(gate)!r}).exists(): time.sleep(0.02)\n"
        f"print('done'); sys.exit({code})",
    )
    run = started(own_cluster)
    own_cluster.kill_agent()
    assert len(own_cluster.processes()) == 2
    own_cluster.start()
    assert [one["id"] for one in history(own_cluster)["activeRuns"]] == [run]
    gate.touch()
    runs = ended(own_cluster)
    assert (runs["successCount"], runs["failureCount"]) == ((1, 0) if code == 0 else (0, 1))
    assert log(own_cluster, run) == "done\n"


def test_a_run_that_ends_while_no_agent_looks_is_judged_by_what_it_left(own_cluster, tmp_path):
    gate = tmp_path / "gate"
    code = f"import pathlib, time\nwhile not pathlib.Path({str(gate)!r}).exists(): time.sleep(0.02)"
    added(own_cluster, code)
    good, killed = started(own_cluster), started(own_cluster)
    own_cluster.kill_agent()
    for pid in own_cluster.processes():
        if f"{JOB}_{killed}" in psutil.Process(pid).environ()["MESOS_TASK_ID"]:
            os.kill(pid, signal.SIGKILL)
    gate.touch()
    wait_for(lambda: own_cluster.processes() == [])
    own_cluster.start()
    runs = ended(own_cluster, 2)
    assert [one["id"] for one in runs["successfulFinishedRuns"]] == [good]
    assert [one["id"] for one in runs["failedFinishedRuns"]] == [killed]


def test_stopping_the_cluster_ends_runs_and_starting_it_repeats_none(own_cluster):
    added(own_cluster, "import time; time.sleep(1000)")
    started(own_cluster)
    wait_for(lambda: len(own_cluster.processes()) == 2)
    own_cluster.local_dcos("stop")
    assert own_cluster.processes() == []
    own_cluster.start()
    assert ended(own_cluster)["failureCount"] == 1
    assert own_cluster.processes() == []


def test_following_a_run_ends_with_it(jobs):
    code = "import time\nfor n in range(3): print(n, flush=True); time.sleep(0.2)"
    added(jobs, code)
    run = started(jobs)
    # On a busy machine, the run may have ended before this command looks for it.
    done = jobs.dcos("task", "log", "--all", "--follow", "--lines=100", run, "stdout")
    assert done.stdout == "0\n1\n2\n"


def test_a_state_without_jobs_is_read(own_cluster):
    own_cluster.local_dcos("stop")
    document = json.loads((own_cluster.home / "state.json").read_text())
    del document["jobs"]
    (own_cluster.home / "state.json").write_text(json.dumps(document))
    own_cluster.start()
    assert metronome(own_cluster, "GET", "") == (200, [])
