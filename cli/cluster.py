"""What `pipectl` reads from a cluster and changes on it, as typed calls over `dcos` commands."""

import json
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cli.dcos import Dcos
from cli.errors import DcosError

Json = dict[str, Any]
# Several components wait at once; they share one reading this old instead of asking each for itself.
SNAPSHOT_SECONDS = 0.4


class Cluster:
    """Marathon apps, packages and Kafka topics of one cluster."""

    def __init__(self, dcos: Dcos) -> None:
        self.dcos = dcos
        self._lock = threading.Lock()
        self._apps: dict[str, Json] = {}
        self._read_at = float("-inf")

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
        except DcosError:
            return None
        return failure

    def tasks(self, app_id: str) -> list[Json]:
        """The app's Marathon tasks (`id`, `host`, `ports`, `startedAt`, `version`)."""
        listed = self.dcos.json(["marathon", "task", "list", "--json", app_id])
        return [task for task in listed if task.get("appId") == app_id]

    def rejections(self, app_id: str) -> dict[str, int]:
        """Why the app's tasks are not launched: reason -> number of offers declined for it."""
        queue = self.dcos.json(["marathon", "debug", "list", "--json"])
        items = queue.get("queue", []) if isinstance(queue, dict) else queue
        for item in items:
            if (item.get("app") or item.get("pod") or {}).get("id") == app_id:
                summary = item.get("processedOffersSummary", {}).get("rejectSummaryLastOffers", [])
                return {entry["reason"]: entry["declined"] for entry in summary if entry.get("declined")}
        return {}

    def add_app(self, definition: Mapping[str, Any]) -> None:
        """Create an app; it must not exist."""
        self.dcos.run(["marathon", "app", "add"], stdin=json.dumps(definition))
        self._forget()

    def update_app(self, app_id: str, properties: Mapping[str, Any], *, force: bool) -> None:
        """Change the given properties; `force` replaces a deployment of the app that has not ended."""
        args = ["marathon", "app", "update", *(["--force"] if force else []), app_id]
        self.dcos.run(args, stdin=json.dumps(properties))
        self._forget()

    def remove_app(self, app_id: str) -> None:
        """Remove an app; a deployment of it that has not ended does not hold it up."""
        self.dcos.run(["marathon", "app", "remove", "--force", app_id])
        self._forget()

    def packages(self) -> list[Json]:
        """The installed packages (`name`, `version`, `apps`)."""
        listed: list[Json] = self.dcos.json(["package", "list", "--json"])
        return listed

    def install_package(
        self, name: str, version: str | None, options: Mapping[str, Any], timeout: float
    ) -> None:
        """Install a package with its options, which travel in a file that only this user reads."""
        with TemporaryDirectory(prefix="pipectl-") as folder:
            file = Path(folder) / "options.json"
            file.write_text(json.dumps(options))
            pinned = [f"--package-version={version}"] if version else []
            self.dcos.run(
                ["package", "install", name, *pinned, f"--options={file}", "--yes"], timeout=timeout
            )
        self._forget()

    def install_command(self, name: str) -> None:
        """Install only a package's own `dcos` command, for a machine that does not have it yet."""
        self.dcos.run(["package", "install", name, "--cli", "--yes"])

    def kafka(self, args: Sequence[str]) -> str:
        """Run a command of the Kafka service; its `dcos` command is installed first where it is missing."""
        try:
            return self.dcos.run(args)
        except DcosError as error:
            if "not a dcos command" not in error.said:
                raise
        self.install_command("kafka")
        return self.dcos.run(args)

    def _forget(self) -> None:
        with self._lock:
            self._read_at = float("-inf")
