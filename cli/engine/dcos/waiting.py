"""Why Marathon does not launch an app's tasks, from its launch queue (`dcos marathon debug list`)."""

from collections.abc import Mapping
from typing import Any

from cli.engine.dcos.runner import Dcos
from cli.engine.surroundings import AreaStatus

_RESOURCES = {
    "InsufficientCpus": ("cpus", "CPUs"),
    "InsufficientMemory": ("mem", "MiB of memory"),
    "InsufficientDisk": ("disk", "MiB of disk"),
    "InsufficientGpus": ("gpus", "GPUs"),
}
_OTHERS = {
    "UnfulfilledRole": "no agent offers resources to its role",
    "UnfulfilledConstraint": "no agent meets its constraints",
    "NoCorrespondingReservationFound": "no agent has reserved the resources that it needs",
    "AgentMaintenance": "agents are down for maintenance",
    "DeclinedScarceResources": "only agents with scarce resources, such as GPUs, have capacity",
}


def queued(dcos: Dcos, app_id: str) -> Mapping[str, Any] | None:
    """The app's item in the launch queue (`delay`, `processedOffersSummary`), if any."""
    queue = dcos.json(["marathon", "debug", "list", "--json"])
    items = queue.get("queue", []) if isinstance(queue, dict) else queue
    return next((i for i in items if (i.get("app") or i.get("pod") or {}).get("id") == app_id), None)


def why_waiting(queued: Mapping[str, Any] | None, definition: Mapping[str, Any]) -> str:
    """What a queued app waits for: free resources, a back-off; empty if unknown."""
    if queued is None:
        return ""
    summary = queued.get("processedOffersSummary", {})
    reasons = [r["reason"] for r in summary.get("rejectSummaryLastOffers", []) if r.get("declined")]
    said = []
    if reasons:
        said.append(f"no offer fits: {', '.join(in_words(reason, definition) for reason in reasons)}")
    delay = queued.get("delay", {}).get("timeLeftSeconds", 0)
    if delay > 0:
        said.append(f"next try in {delay} s after a failure")
    return ", ".join(said)


def over_quota(area: AreaStatus, definition: Mapping[str, Any]) -> str:
    """That one more task would be over the quota of its area; empty if it fits."""
    shares = (
        ("CPUs", area.used_cpus, area.quota.cpus, definition.get("cpus", 1)),
        ("MiB of memory", area.used_mem, area.quota.mem, definition.get("mem", 128)),
    )
    said = [
        f"{needed:g} {unit} more than the {used:g} in use are over {most:g}"
        for unit, used, most, needed in shares
        if used is not None and most is not None and round(used + needed, 3) > most
    ]
    return f"the quota of area {area.name} is used up: {', '.join(said)}" if said else ""


def in_words(reason: str, definition: Mapping[str, Any]) -> str:
    """One of Marathon's reasons for declining an offer, with the resources of this app."""
    if reason in _RESOURCES:
        key, unit = _RESOURCES[reason]
        return f"no agent has {definition.get(key, 0):g} {unit} free"
    if reason == "InsufficientPorts":
        ports = [str(port["port"]) for port in definition.get("portDefinitions", []) if port["port"]]
        return (
            f"port {' or '.join(ports)} is taken by another process" if ports else "no agent has a port free"
        )
    return _OTHERS.get(reason, reason)
