"""Waits after a deploy until the flows have data: those that apps feed, and those of the census."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta

from cli.census_jobs import run_census_jobs
from cli.errors import WaitTimeout
from cli.flow_states import EMPTY, LIVE, OFF, PAST, flows_of
from cli.session import Session
from marathon.flows import apps_of

PAUSE_SECONDS = 1.0


def expected_states(run: Session) -> dict[str, str]:
    """By name, the state that each flow must reach: `live` if an app feeds it, `past` if it is of the census.

    A flow that another job feeds has none.
    """
    apps, parts, found = run.bundle.apps, {*run.settings.parts, *run.with_parts}, {}
    for name, flow in run.settings.flows.items():
        if flow is None:
            continue
        if apps_of(flow.source, flow.processing, flow.store)["source"] in apps:
            found[name] = LIVE
        elif flow.source == "census" and parts.issuperset(flow.parts):
            found[name] = PAST
    return found


def wait_for_flows(run: Session, *, timeout: timedelta, report: Callable[[str], None]) -> int:
    """Wait until the page says that all of them have data, except those that are off; returns their number.

    If one of the census is empty, run its jobs once. Raises StepFailed if a job fails, and WaitTimeout,
    which names the flows without data.
    """
    expected, filled = expected_states(run), False
    deadline = time.monotonic() + timeout.total_seconds()
    while True:
        flows = [each for each in flows_of(run, {}) if each["name"] in expected and each["state"] != OFF]
        missing = [each for each in flows if each["state"] != expected[each["name"]]]
        empty = [each for each in missing if each["state"] == EMPTY and expected[each["name"]] == PAST]
        if empty and not filled:
            run_census_jobs(run, report)
            filled = True
            deadline = time.monotonic() + timeout.total_seconds()
            continue
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
