import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from cli import local
from cli.engine.dcos.client import LOCAL_CLIENT, local_environ
from cli.engine.dcos.engine import DcosEngine
from cli.engine.dcos.runner import Dcos
from cli.planning import Plan, plan_of
from cli.progress import Progress
from cli.rollout import carry_out
from cli.session import Session
from marathon import App, Bundle, Component

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


@pytest.fixture(scope="session")
def local_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A PIPECTL_HOME whose embedded cluster runs without apps."""
    home = tmp_path_factory.mktemp("pipectl")
    agent = [sys.executable, "-m", "local_dcos"]
    subprocess.run([*agent, "start", "--home", str(home / "cluster")], check=True, capture_output=True)
    try:
        yield home
    finally:
        subprocess.run([*agent, "purge", "--home", str(home / "cluster")], check=True, capture_output=True)


@pytest.fixture
def cluster(local_home: Path, monkeypatch: pytest.MonkeyPatch) -> DcosEngine:
    """The `dcos` runner of that cluster, as `pipectl` creates it."""
    monkeypatch.setenv("PIPECTL_HOME", str(local_home))
    return DcosEngine(Dcos(LOCAL_CLIENT, {**os.environ, **local_environ(*local.address())}, timeout=20))


class Small:
    """A bundle whose apps only sleep, on the embedded cluster, behind a `dcos` that fails when it is told to.

    Marathon and its apps are real. The Kafka package and its topics are made up by that `dcos`.
    """

    depends_on: ClassVar = {
        "kafka": frozenset[str](),
        "topics": frozenset({"kafka"}),
        "flink-taskmanager": frozenset[str](),
        "data-generator": frozenset({"topics"}),
    }
    kinds: ClassVar = {"kafka": "package", "topics": "step"}

    def __init__(self, folder: Path, home: Path, group: str) -> None:
        self.folder, self.group = folder, group
        self.env = {"A": "1"}
        self.dropped: set[str] = set()
        # No broker is there: what is read from brokers can't be, unless a test names some.
        self.bootstrap_servers = "127.0.0.1:1"
        self.settings: list[str] = []
        self.keys: dict[str, Any] = {}
        environ = {**os.environ, "PIPECTL_HOME": str(home), **local_environ(*local.address())}
        self._environ = environ
        self.timeout = 20.0
        self.attempts = 4

    @property
    def cluster(self) -> DcosEngine:
        """A fresh way to the cluster, as a new run of pipectl has."""
        # Without site-packages it starts in a tenth of the time.
        argv = (sys.executable, "-SE", str(HERE / "dcos_between.py"), str(self.folder), str(ROOT))
        dcos = Dcos(
            argv,
            self._environ,
            timeout=self.timeout,
            attempts=self.attempts,
            pause=0.02,
            stop=threading.Event(),
        )
        return DcosEngine(dcos)

    @property
    def session(self) -> Session:
        """A session of the cluster `local` whose apps are small ones."""
        own = [f"group={self.group}", "positions=[A]", "timeouts.app=20s"]
        servers = f"kafka.bootstrap_servers={json.dumps(self.bootstrap_servers)}"
        session = Session("local", (), (*own, servers, *self.settings), False)
        apps = {
            name: App(name, app["id"], app, Path(name))
            for name in self.depends_on
            if name not in {"kafka", "topics"} | self.dropped
            for app in [self.definition(name)]
        }
        packages = session.bundle.packages
        # A cached property's value.
        components = {
            name: Component(name, self.kinds.get(name, "app"), depends_on, session.settings.timeouts.app)
            for name, depends_on in self.depends_on.items()
        }
        session.__dict__["bundle"] = Bundle(apps, packages, components)
        return session

    def definition(self, name: str) -> dict[str, Any]:
        """An app that sleeps and counts as healthy at once."""
        return {
            "id": f"{self.group}/{name}",
            "labels": {"pipectl.bundle": self.group},
            "cmd": "exec sleep 1000",
            "instances": 1,
            "cpus": 0.01,
            "mem": 16,
            "networks": [{"mode": "host"}],
            "portDefinitions": [],
            "env": self.env,
            "healthChecks": [
                {"protocol": "COMMAND", "command": {"value": "true"}, "intervalSeconds": 1, "delaySeconds": 0}
            ],
            "upgradeStrategy": {"minimumHealthCapacity": 0, "maximumOverCapacity": 0},
            "taskKillGracePeriodSeconds": 1,
            "backoffSeconds": 0,
            "backoffFactor": 1.0,
            **self.keys,
        }

    def plan(self, cluster: DcosEngine | None = None, **options: Any) -> Plan:
        return plan_of(self.session, cluster or self.cluster, **options)

    def deploy(self, *, atomic: bool = False, **options: Any) -> Plan:
        """What `pipectl deploy --yes` does, up to the proof that data flows."""
        cluster = self.cluster
        plan = self.plan(cluster, **options)
        plan.refuse_blocked()
        with Progress() as progress:
            carry_out(plan, progress, cluster.stop, atomic=atomic)
        return plan

    def fail(self, **fault: Any) -> None:
        """What goes wrong from now on; the count of calls begins anew."""
        (self.folder / "calls").unlink(missing_ok=True)
        (self.folder / "fault.json").write_text(json.dumps(fault))

    def mend(self) -> None:
        (self.folder / "fault.json").unlink(missing_ok=True)
        (self.folder / "calls").unlink(missing_ok=True)

    @property
    def calls(self) -> list[str]:
        """The `dcos` commands since the count began."""
        return (self.folder / "calls").read_text().splitlines()

    @property
    def service(self) -> dict[str, Any]:
        """What is installed, and the topics."""
        found: dict[str, Any] = json.loads((self.folder / "service.json").read_text())
        return found

    def apps(self) -> dict[str, Any]:
        """The apps of this group."""
        cluster = DcosEngine(Dcos(LOCAL_CLIENT, self._environ, timeout=20))
        return {
            app_id.removeprefix(f"{self.group}/"): app.observed
            for app_id, app in cluster.apps().items()
            if app_id.startswith(f"{self.group}/")
        }

    def client(self, *args: str, stdin: str = "") -> str:
        return Dcos(LOCAL_CLIENT, self._environ, timeout=20).run(args, stdin=stdin)

    def clear(self) -> None:
        for app in self.apps().values():
            self.client("marathon", "app", "remove", "--force", app["id"])


@pytest.fixture
def small(
    local_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[Small]:
    """A small bundle in its own group."""
    monkeypatch.setenv("PIPECTL_HOME", str(local_home))
    monkeypatch.setattr("cli.steps.base.POLL_SECONDS", 0.05)
    monkeypatch.setattr("cli.engine.dcos.snapshot.SNAPSHOT_SECONDS", 0.03)
    made = Small(tmp_path, local_home, f"/s{abs(hash(request.node.nodeid)) % 10**8}")
    yield made
    made.mend()
    made.clear()
