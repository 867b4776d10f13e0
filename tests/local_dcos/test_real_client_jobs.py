"""PyPI's dcoscli 0.6.1 carries jobs through their life, and the built-in client agrees with it."""

import json
import re
import sys

import pytest

from tests.local_dcos.conftest import wait_for
from tests.local_dcos.test_real_clients import RealDcos, both

pytestmark = pytest.mark.slow
SIZE = {"cpus": 0.1, "mem": 32, "disk": 0}
CODE = "import sys; print('one'); print('two'); sys.exit(int(sys.argv[1]))"


@pytest.fixture
def real(own_cluster, tmp_path, dcoscli) -> RealDcos:
    return RealDcos(own_cluster, tmp_path / "dcos", dcoscli)


def alike(text: str) -> str:
    """Hides what two runs of the same job can't have in common."""
    text = re.sub(r"20\d{12}\w{5}", "RUN", text)
    return re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+\+0000|[0-9a-f]{8}-[0-9a-f-]{27}|pid: \d+", "*", text)


def test_both_clients_walk_through_a_jobs_life(own_cluster, real, tmp_path):
    seen = {}
    for name, client in (("theirs", real), ("ours", own_cluster.dcos)):
        file, outputs = tmp_path / "job.json", []

        def run(*arguments: str, client=client, outputs=outputs) -> str:
            done = client("job", *arguments)
            outputs.append((arguments[0], done.returncode, alike(done.stdout), alike(done.stderr)))
            return done.stdout

        def finished(count: int) -> None:
            def look():
                _, job = own_cluster.call("GET", "/service/metronome/v1/jobs/a.b?embed=history")
                runs = job["history"]
                return runs["successCount"] + runs["failureCount"] == count

            wait_for(look)

        def write(*args: str, file=file, **more) -> str:
            run = {**SIZE, "args": [sys.executable, "-c", *args], **more}
            file.write_text(json.dumps({"id": "a.b", "description": "d", "run": run}))
            return str(file)

        run("show", "a.b")
        run("add", write(CODE, "0"))
        run("add", str(file))
        run("show", "a.b")
        run("run", "a.b")
        finished(1)
        run("update", write(CODE, "3"))
        run("run", "a.b", "--json")
        finished(2)
        run("update", write("import time; time.sleep(1000)"))
        started = json.loads(run("run", "a.b", "--json"))["id"]
        run("list", "--json")
        run("show", "a.b")
        run("remove", "a.b")
        run("kill", "a.b", started)
        finished(3)
        run("kill", "a.b", started)
        run("history", "a.b", "--json")
        run("history", "a.b", "--failures", "--json")
        run("remove", "a.b", "--stop-current-job-runs")
        run("run", "a.b")
        seen[name] = outputs
    for theirs, ours in zip(seen["theirs"], seen["ours"], strict=True):
        assert theirs == ours
    codes = [(verb, code) for verb, code, _, _ in seen["theirs"]]
    assert codes[:4] == [("show", 1), ("add", 0), ("add", 1), ("show", 0)]
    shown = json.loads(seen["ours"][3][2])
    assert (shown["id"], shown["run"]["args"][2:]) == ("a.b", [CODE, "0"])


def test_both_clients_read_what_a_run_has_printed(own_cluster, real, tmp_path):
    file = tmp_path / "job.json"
    run = {**SIZE, "args": [sys.executable, "-c", CODE, "3"]}
    file.write_text(json.dumps({"id": "a.b", "run": run}))
    assert real("job", "add", str(file)).returncode == 0
    run_id = json.loads(real("job", "run", "a.b", "--json").stdout)["id"]
    wait_for(lambda: "a.b" in real("job", "history", "a.b", "--failures").stdout)
    wait_for(lambda: real("job", "history", "a.b", "--show-failures", "--json").stdout != "[]\n")
    for stream in ("stdout", "stderr"):
        both(own_cluster, real, "task", "log", "--all", "--lines=1000000", run_id, stream)
    assert real("task", "log", "--all", run_id, "stdout").stdout == "one\ntwo\n"
    both(own_cluster, real, "job", "list", "--json")
