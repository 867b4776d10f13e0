"""PyPI's dcoscli 0.6.1 carries a bundle through its life, and the built-in client agrees with it."""

import json
import re
import subprocess
import sys

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]

# What pipectl asks a cluster about a bundle: each is asked with both clients. What it asks of any cluster has
# tests of its own, in tests/local_dcos/test_real_clients.py.
READS = [
    ["marathon", "app", "list", "--json"],
    ["marathon", "task", "list", "--json"],
    ["package", "list", "--json"],
    ["kafka", "--name=kafka", "topic", "describe", "movingaverage"],
]
# What a bundle's life makes pipectl issue (`marathon debug list` only when an app waits for resources, and
# `kafka topic describe` only where the brokers cannot be reached). The plan at the end finds all as wanted.
ISSUED = [
    "marathon about",
    "marathon app list --json",
    "marathon app show",
    "marathon app add",
    "marathon app update",
    "marathon app remove --force",
    "marathon task list --json",
    "package repo list --json",
    "package describe kafka",
    "package install kafka --options=",
    "package list --json",
    "kafka --name=kafka plan status deploy --json",
    "kafka --name=kafka topic create",
    "kafka --name=kafka topic list",
    "kafka --name=kafka topic delete",
    "kafka --name=kafka endpoints broker",
    "task log --lines=",
]
# Every command is issued without Flink too, whose processes would slow this client down: each command takes
# it half a second of processor time.
SMALL = (
    *("positions=[AAPL]", "parts=[]", "initial_limits={}", "generator.rate=5", "generator.instances=2"),
    "kafka.security.protocol=SASL_SSL",
)
WITHOUT_FLINK = ("--skip=flink-jobmanager", "--skip=flink-taskmanager", "--skip=gatherer")
# The gatherer would set what the topics are set to.
TO_PLAN = (*WITHOUT_FLINK, "--skip=topics")
# What may be another at each asking: the outcome of the health check of each second is.
MOVING = re.compile(
    r'"(alive|consecutiveFailures|firstSuccess|lastFailure|lastFailureCause|lastSuccess|since|timeLeftSeconds'
    r'|tasksHealthy|tasksUnhealthy)": [^,\n]+'
)


@pytest.mark.parametrize("drift", [False, pytest.param(True, marks=pytest.mark.long)])
def test_the_real_client_carries_a_bundle_through_its_life(pipectl_elsewhere, dcoscli, drift):
    user, log = pipectl_elsewhere, []

    def run(verb, *args, settings=(), code=0):
        options = [option for setting in settings for option in ("--set", setting)]
        done = user.run(verb, *args, *options, "-v", "--dcos", str(dcoscli), code=code, timeout=500)
        log.append(re.sub(r"/\S+/options.json", "FILE", done.stderr))
        return done

    run("deploy", *WITHOUT_FLINK, settings=SMALL)
    assert "data_generator: " in run("logs", "data-generator", "--stderr").stdout
    compare(user, dcoscli)

    upgrade = (*SMALL, "generator.volatility=0.5")
    if drift:
        states = {line.split()[0]: line.split()[2] for line in run("status", code=4).stdout.splitlines()[1:7]}
        absent = {"flink-jobmanager", "flink-taskmanager", "gatherer"}
        present = {"kafka", "topics", "data-generator"}
        assert states == dict.fromkeys(present, "healthy") | dict.fromkeys(absent, "absent")
        run("scale", "generator=1", settings=SMALL)
        refused = run("deploy", *WITHOUT_FLINK, settings=upgrade, code=2)
        shown = refused.stdout + refused.stderr
        assert re.search(r'-  "instances": 1', shown), shown
        assert "~ data-generator" in shown
        assert "--yes" in refused.stderr
        assert "update data-generator" in refused.stderr
    run("deploy", "--yes", *WITHOUT_FLINK, settings=upgrade)
    assert "no changes" in run("plan", *TO_PLAN, settings=upgrade).stdout

    run("destroy", "--yes", "--delete-topics")
    said = "\n".join(log)
    issued = set(re.findall(r"^\$ dcos (.+)$", said, re.MULTILINE))
    assert [command for command in ISSUED if not any(one.startswith(command) for one in issued)] == []
    # What the client installed for itself is not in the user's own folder.
    assert list((user.home / "dcos").rglob("dcos-kafka"))


def compare(user, dcoscli) -> None:
    environ = {**user.environ, **user.json("cluster", "env"), "DCOS_DIR": str(user.home / "dcos")}
    for read in READS:
        answers = []
        for client in ([str(dcoscli)], [sys.executable, "-m", "local_dcos.client"]):
            done = subprocess.run([*client, *read], env=environ, capture_output=True, text=True, timeout=60)
            answers.append((compared(read, done.stdout), done.stderr, done.returncode))
        assert answers[0] == answers[1], read


def compared(read: list[str], stdout: str) -> str:
    if read[:2] != ["package", "list"]:
        return MOVING.sub("", stdout)
    # Of a package with a command, the real client shows a copy that it keeps on disk besides.
    return str([(package["name"], package["version"], package["apps"]) for package in json.loads(stdout)])
