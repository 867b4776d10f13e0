"""The quotas of roles: how much the tasks of a role may use, and what is kept free for it.

A limit counts CPUs and memory. A promise counts only memory, because processes share the machine's CPUs.
"""

from collections import defaultdict

import psutil

from local_dcos.errors import NoOfferError
from local_dcos.model import App, Json
from local_dcos.store import State

RESOURCES = ("cpus", "mem")
MEBIBYTE = 1024**2


def used(state: State) -> dict[str, dict[str, float]]:
    """Returns what the tasks of each role have, in CPUs and MiB."""
    found: dict[str, dict[str, float]] = defaultdict(lambda: dict.fromkeys(RESOURCES, 0.0))
    for _, claim in state.claims():
        # Jobs have no role.
        if (role := claim.get("role")) is not None:
            for name in RESOURCES:
                found[role][name] += claim[name]
    return found


def check(state: State, app: App) -> None:
    """Checks whether a further task of an app fits.

    Raises:
        NoOfferError: Its role has used up its limit, or the rest is promised to other roles.
    """
    if not state.quotas:
        return
    role, taken = app.definition["role"], used(state)
    for name, limit in state.quotas.get(role, {}).get("limit", {}).items():
        # Like Mesos: to three decimals. Three times 0.1 CPUs fit into 0.3.
        if round(taken[role][name] + app.definition[name], 3) > limit:
            raise NoOfferError("UnfulfilledRole", f"The role {role} has used up its quota of {name}")
    promised = sum(
        max(0.0, quota["guarantee"].get("mem", 0.0) - taken[other]["mem"])
        for other, quota in state.quotas.items()
        if other != role
    )
    all_taken = sum(each["mem"] for each in taken.values())
    if promised and all_taken + promised + app.definition["mem"] > memory():
        raise NoOfferError("UnfulfilledRole", "The rest of the memory is promised to other roles")


def can_promise(state: State, role: str, mem: float) -> bool:
    """Tells whether the machine has the memory, in MiB, besides what other roles are promised."""
    promised = (
        float(quota["guarantee"].get("mem", 0)) for name, quota in state.quotas.items() if name != role
    )
    return mem + sum(promised) <= memory()


def memory() -> float:
    """Returns the machine's memory in MiB."""
    return float(psutil.virtual_memory().total / MEBIBYTE)


def view(state: State) -> list[Json]:
    """Returns the quotas with what is consumed."""
    taken = used(state)
    return [
        {"role": role, **quota, "consumed": {name: value for name, value in taken[role].items() if value}}
        for role, quota in state.quotas.items()
    ]
