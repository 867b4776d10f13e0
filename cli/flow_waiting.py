"""Waits after a deploy until the flows whose sources are apps have fresh results."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from datetime import timedelta

from cli.errors import WaitTimeout
from cli.flow_states import LIVE, OFF, flows_of
from cli.session import Session
from marathon.flows import apps_of

PAUSE_SECONDS = 1.0


def fed_by(run: Session, apps: Collection[str]) -> list[str]:
    """The names of the flows whose sources are among the apps."""
    return [
        name
        for name, flow in run.settings.flows.items()
        if flow is not None and apps_of(flow.source, flow.processing, flow.store)["source"] in apps
    ]


def wait_for_flows(run: Session, *, timeout: timedelta, report: Callable[[str], None]) -> int:
    """Wait until all of them are live on the page, except those that are off; returns their number.

    Raises WaitTimeout, which names the others.
    """
    names = set(fed_by(run, run.bundle.apps))
    deadline = time.monotonic() + timeout.total_seconds()
    while True:
        flows = [each for each in flows_of(run, {}) if each["name"] in names and each["state"] != OFF]
        missing = [each for each in flows if each["state"] != LIVE]
        report(f"waiting for results, {len(flows) - len(missing)}/{len(flows)} flows")
        if not missing:
            return len(flows)
        if time.monotonic() > deadline:
            said = "; ".join(dict.fromkeys(each["text"] for each in missing if each["text"]))
            raise WaitTimeout(
                f"waited {timeout.total_seconds():g} s for fresh results of "
                f"{', '.join(each['name'] for each in missing)}{f': {said}' if said else ''}",
                hint="`pipectl status` shows the component at fault",
            )
        time.sleep(PAUSE_SECONDS)
