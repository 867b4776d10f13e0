"""A secret planted in a cluster: what asks for it gets it, and it shows up nowhere else."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

from tests.cli.invoking import invoke

# Only apps in this folder may ask for the secret.
KNOWS = "/knows/"
NAME = "planted"
# Secrets of a bundle that pipectl finds in the cluster's folder.
OF_A_BUNDLE = ("flink-token", "kafka/ca", "kafka/pipectl-password", "kafka/generator-password")
SECURED = ("--set", "kafka.security.protocol=SASL_SSL", "--set", "positions=[AAPL]")


def using(variable: str) -> dict[str, Any]:
    """The keys of an app's definition that ask for the secret."""
    return {"env": {variable: {"secret": "key"}}, "secrets": {"key": {"source": NAME}}}


class PlantedSecret:
    """`value` is that of the secret `planted` of a cluster, and of a bundle's secrets."""

    def __init__(self, cluster: Any) -> None:
        self._cluster, self.value = cluster, f"planted{secrets.token_hex(16)}"
        for name in (NAME, *OF_A_BUNDLE):
            file = self._folder / name
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            file.write_text(f"{self.value}\n")

    @property
    def _folder(self) -> Path:
        return Path(self._cluster.home / "secrets")

    def start_one_that_knows(self) -> None:
        """Starts an app that uses the secret, and checks that it has got it."""
        app_id = f"{KNOWS}surely"
        definition = {"cmd": "exec sleep 1000", "mem": 16, "cpus": 0.1, "instances": 1, **using("KEY")}
        self._cluster.marathon("PUT", f"apps{app_id}?force=true", definition)
        self._cluster.wait_for(
            lambda: any(
                environ.get("KEY") == self.value and environ.get("MARATHON_APP_ID") == app_id
                for environ in map(_environ, psutil.process_iter())
            )
        )

    def check_nothing_shows_it(self) -> None:
        """Raises AssertionError if it is in an argument, an environment of others, or a file."""
        shown = [*self._processes_that_show_it(), *self._files_that_show_it()]
        assert shown == [], shown

    def _processes_that_show_it(self) -> Iterator[str]:
        for process in psutil.process_iter():
            environ = _environ(process)
            try:
                words = " ".join(process.cmdline())
            except psutil.Error:
                continue  # it has just ended
            if self.value in words:
                yield f"arguments of {process.pid}: {words}"
            if self.value in str(environ) and not environ.get("MARATHON_APP_ID", "").startswith(KNOWS):
                yield f"environment of {process.pid}: {words}"

    def _files_that_show_it(self) -> Iterator[str]:
        # Sandboxes come and go meanwhile.
        for folder, _, names in os.walk(self._cluster.home):
            for file in (Path(folder) / name for name in names):
                with contextlib.suppress(OSError):
                    if self._folder not in file.parents and self.value.encode() in file.read_bytes():
                        yield str(file)

    def check_pipectl_does_not_show_it(self, rendered: Path) -> None:
        """Renders a bundle that uses it and compares it with a cluster where a part of it runs.

        rendered: an empty folder for the files.
        """
        definition = {"cmd": "exec sleep 1000", "mem": 16, **using("OLD")}
        self._cluster.marathon("PUT", "apps/volatility/data-generator?force=true", definition)
        home = self._cluster.home.parent
        invoke(home, "render", "--out", str(rendered), *SECURED)
        shown = invoke(home, "plan", "--full", "--verbose", *SECURED, code=2).output
        # It has shown where the values come from.
        assert '-    "OLD"' in shown and "generator-password" in shown, shown
        assert self.value not in shown
        files = [file for file in rendered.rglob("*") if file.is_file()]
        assert any("generator-password" in file.read_text() for file in files)
        assert not any(self.value in file.read_text() for file in files)


def _environ(process: psutil.Process) -> dict[str, str]:
    try:
        return dict(process.environ())
    except psutil.Error:
        return {}  # it has just ended, or is another user's
