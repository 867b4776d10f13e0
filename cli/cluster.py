"""What `pipectl` reads from a cluster and changes on it, as typed calls over `dcos` commands."""

import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from cli.dcos import Dcos
from cli.diff import differences
from cli.errors import CommandMissing, NotThere, NotUnderstood

Json = dict[str, Any]
T = TypeVar("T")
# Several components wait at once; they share one reading this old instead of asking each for itself.
SNAPSHOT_SECONDS = 0.4


class Cluster:
    """Marathon apps, packages and Kafka topics of one cluster."""

    def __init__(self, dcos: Dcos) -> None:
        self.dcos = dcos
        self._lock = threading.Lock()
        self._installing = threading.Lock()
        self._apps: dict[str, Json] = {}
        self._read_at = float("-inf")

    def check(self) -> None:
        """Reach Marathon as the user who is logged in; raises the DcosError that says what is wrong."""
        about = self.dcos.json(["marathon", "about"])
        if not isinstance(about, dict) or about.get("name") != "marathon":
            raise NotUnderstood(["dcos", "marathon", "about"], 0, json.dumps(about)[:300], "is not Marathon")

    def apps(self, *, fresh: bool = False) -> dict[str, Json]:
        """Every Marathon app by its id; `fresh` forbids a reading that another component has just made.

        `app list --json`, not `app show`: the Go client's `show` drops fields and invents one.
        """
        with self._lock:
            if fresh or time.monotonic() - self._read_at > SNAPSHOT_SECONDS:
                listed = self.dcos.json(["marathon", "app", "list", "--json"])
                self._apps = {app["id"]: app for app in listed}
                self._read_at = time.monotonic()
            return self._apps

    def last_failure(self, app_id: str) -> Json | None:
        """The app's last task failure (`timestamp`, `taskId`, `state`, `message`), which lists leave out."""
        try:
            failure: Json | None = self.dcos.json(["marathon", "app", "show", app_id]).get("lastTaskFailure")
        except NotThere:
            return None
        return failure

    def tasks(self, app_id: str) -> list[Json]:
        """The app's Marathon tasks (`id`, `host`, `ports`, `startedAt`, `version`)."""
        listed = self.dcos.json(["marathon", "task", "list", "--json", app_id])
        return [task for task in listed if task.get("appId") == app_id]

    def queued(self, app_id: str) -> Json | None:
        """The app's item in Marathon's launch queue (`delay`, `processedOffersSummary`); None when none."""
        queue = self.dcos.json(["marathon", "debug", "list", "--json"])
        items = queue.get("queue", []) if isinstance(queue, dict) else queue
        found: list[Json] = [i for i in items if (i.get("app") or i.get("pod") or {}).get("id") == app_id]
        return found[0] if found else None

    def add_app(self, definition: Mapping[str, Any]) -> None:
        """Create an app; it must not exist."""
        self._change(["marathon", "app", "add"], definition, took=lambda: self._is_as(definition))

    def update_app(
        self, app_id: str, properties: Mapping[str, Any], *, result: Mapping[str, Any], force: bool
    ) -> None:
        """Change the given properties, which makes the app as `result` says.

        `force` replaces a deployment of the app that has not ended.
        """
        args = ["marathon", "app", "update", *(["--force"] if force else []), app_id]
        self._change(args, properties, took=lambda: self._is_as(result))

    def remove_app(self, app_id: str) -> None:
        """Remove an app; a deployment of it that has not ended does not hold it up."""
        with suppress(NotThere):  # that is what was wanted
            self._change(
                ["marathon", "app", "remove", "--force", app_id],
                None,
                took=lambda: app_id not in self.apps(fresh=True),
            )

    def repositories(self) -> list[str]:
        """The names of the package repositories that the cluster knows."""
        listed = self.dcos.json(["package", "repo", "list", "--json"])
        return [str(repository["name"]) for repository in listed.get("repositories", [])]

    def check_package(self, name: str, version: str | None) -> None:
        """Ask the package repositories for a package in a version; raises DcosError when they lack it."""
        pinned = [f"--package-version={version}"] if version else []
        self.dcos.json(["package", "describe", *pinned, name])

    def packages(self) -> list[Json]:
        """The installed packages (`name`, `version`, `apps`)."""
        listed: list[Json] = self.dcos.json(["package", "list", "--json"])
        return listed

    def install_package(
        self,
        name: str,
        version: str | None,
        options: Mapping[str, Any],
        *,
        took: Callable[[], bool],
    ) -> None:
        """Install a package with its options, which travel in a file that only this user reads."""
        with TemporaryDirectory(prefix="pipectl-") as folder:
            file = Path(folder) / "options.json"
            file.write_text(json.dumps(options))
            pinned = [f"--package-version={version}"] if version else []
            self.dcos.change(
                ["package", "install", name, *pinned, f"--options={file}", "--yes"],
                took=took,
            )
        self._forget()

    def kafka(self, args: Sequence[str], *, retry: bool = True) -> str:
        """Run a command of the Kafka service that only reads."""
        return self._with_command(lambda: self.dcos.run(args, retry=retry))

    def change_kafka(self, args: Sequence[str], *, took: Callable[[], bool]) -> None:
        """Run a command of the Kafka service that changes something."""
        self._with_command(lambda: self.dcos.change(args, took=took))

    def _with_command(self, run: Callable[[], T]) -> T:
        """Install the `dcos kafka` command first where this machine does not have it yet."""
        try:
            return run()
        except CommandMissing:
            pass
        with self._installing:
            # Repeating it is harmless, and there is nothing on the cluster to read it from.
            self.dcos.change(["package", "install", "kafka", "--cli", "--yes"], took=lambda: False)
        return run()

    def _change(
        self, args: Sequence[str], document: Mapping[str, Any] | None, *, took: Callable[[], bool]
    ) -> None:
        try:
            self.dcos.change(args, stdin=None if document is None else json.dumps(document), took=took)
        finally:
            self._forget()

    def _is_as(self, definition: Mapping[str, Any]) -> bool:
        current = self.apps(fresh=True).get(definition["id"])
        return current is not None and not differences(definition, current)

    def _forget(self) -> None:
        with self._lock:
            self._read_at = float("-inf")


class NoClusterYet(Cluster):
    """A cluster that has not been made: nothing is on it, and asking it starts nothing."""

    def __init__(self) -> None:
        super().__init__(Dcos((), {}))

    def check(self) -> None:
        """There is nothing to reach."""

    def apps(self, *, fresh: bool = False) -> dict[str, Json]:
        """None."""
        return {}

    def packages(self) -> list[Json]:
        """None."""
        return []

    def repositories(self) -> list[str]:
        """The one that it will come with."""
        return ["local"]

    def kafka(self, args: Sequence[str], *, retry: bool = True) -> str:
        """No topics, which is all that is asked for."""
        return "[]"

    def check_package(self, name: str, version: str | None) -> None:
        """It will come with what the bundle needs."""
