"""The tables of `dcos marathon`."""

from typing import Any

from local_dcos.client.output import EMPTY, table

ACTIONS = {
    "ResolveArtifacts": "artifacts",
    "ScaleApplication": "scale",
    "StartApplication": "start",
    "StopApplication": "stop",
    "RestartApplication": "restart",
    "KillAllOldTasksOf": "kill-tasks",
}
Row = dict[str, Any]


def apps(rows: list[Row], deployments: list[Row]) -> str:
    """Returns the table of `app list`."""
    running = {one["id"]: one for one in deployments}

    def health(app: Row) -> str:
        return f"{app['tasksHealthy']}/{app['tasksRunning']}" if app["healthChecks"] else EMPTY

    def deployment(app: Row) -> str:
        found = [running[one["id"]] for one in app["deployments"] if one["id"] in running]
        actions = [
            ACTIONS[action["action"]]
            for one in found
            for action in one["currentActions"]
            if action["app"] == app["id"]
        ]
        if not actions:
            return EMPTY
        return actions[0] if len(actions) == 1 else f"({', '.join(actions)})"

    fields = {
        "ID": lambda app: app["id"],
        "MEM": lambda app: app["mem"],
        "CPUS": lambda app: app["cpus"],
        "TASKS": lambda app: f"{app['tasksRunning']}/{app['instances']}",
        "HEALTH": health,
        "DEPLOYMENT": deployment,
        "WAITING": lambda app: app.get("overdue", False),
        "CONTAINER": lambda app: app["container"]["type"],
        # A definition without `cmd` shows N/A, not its arguments: so does the real client.
        "CMD": lambda app: app["cmd"],
    }
    return table(fields, rows, left="CMD|ID|WAITING", sort="ID", limits={"CMD": 35})


def tasks(rows: list[Row]) -> str:
    """Returns the table of `marathon task list`."""
    fields = {
        "APP": lambda task: task["appId"],
        "HEALTHY": lambda task: all(one["alive"] for one in task.get("healthCheckResults", [])),
        "STARTED": lambda task: task.get("startedAt", "N/A"),
        "HOST": lambda task: task["host"],
        "ID": lambda task: task["id"],
    }
    return table(fields, rows, left="APP|ID", sort="APP")


def deployments(rows: list[Row]) -> str:
    """Returns the table of `deployment list`."""

    def action(row: Row) -> str:
        current = row["currentActions"]
        several = len({one["app"] for one in current}) > 1
        return "\n".join(ACTIONS[one["action"]] + (f" {one['app']}" if several else "") for one in current)

    fields = {
        "APP": lambda row: "\n".join(row["affectedApps"]) or "-",
        "POD": lambda row: "\n".join(row["affectedPods"]) or "-",
        "ACTION": action,
        "PROGRESS": lambda row: f"{row['currentStep'] - 1}/{row['totalSteps']}",
        "ID": lambda row: row["id"],
    }
    return table(fields, rows, left="APP|POD|ACTION|ID", sort="APP")


def groups(rows: list[Row]) -> str:
    """Returns the table of `group list`: every group with the number of apps in it and below."""
    counts: dict[str, int] = {}

    def count(group: Row) -> int:
        counts[group["id"]] = len(group["apps"]) + sum(count(child) for child in group["groups"])
        return counts[group["id"]]

    for row in rows:
        count(row)
    fields = {"ID": lambda item: item[0], "APPS": lambda item: item[1]}
    return table(fields, counts.items(), left="ID", sort="ID")


def queue(rows: list[Row]) -> str:
    """Returns the table of `debug list`."""

    def offers(key: str) -> Any:
        return lambda item: item.get("processedOffersSummary", {}).get(key, EMPTY)

    fields = {
        "ID": lambda item: item["app"]["id"],
        "SINCE": lambda item: item.get("since", EMPTY),
        "INSTANCES TO LAUNCH": lambda item: item.get("count", EMPTY),
        "WAITING": lambda item: item.get("delay", {}).get("overdue", EMPTY),
        "PROCESSED OFFERS": offers("processedOffersCount"),
        "UNUSED OFFERS": offers("unusedOffersCount"),
        "LAST UNUSED OFFER": offers("lastUnusedOfferAt"),
        "LAST USED OFFER": offers("lastUsedOfferAt"),
    }
    return table(fields, rows, left="|".join(fields), sort="ID")


def queue_summary(item: Row) -> str:
    """Returns the table of `debug summary`: per resource, what was asked and how often it was there."""
    app = item["app"]
    asked = {
        "ROLE": ("UnfulfilledRole", app.get("acceptedResourceRoles") or "[*]"),
        "CONSTRAINTS": ("UnfulfilledConstraint", app.get("constraints", EMPTY)),
        "CPUS": ("InsufficientCpus", app.get("cpus", EMPTY)),
        "MEM": ("InsufficientMemory", app.get("mem", EMPTY)),
        "DISK": ("InsufficientDisk", app.get("disk", EMPTY)),
        "PORTS": ("InsufficientPorts", app.get("ports", EMPTY)),
    }
    reasons = {
        one["reason"]: one for one in item["processedOffersSummary"].get("rejectSummaryLastOffers", [])
    }

    def counts(name: str) -> tuple[int, int]:
        reason = reasons.get(asked[name][0], {})
        return reason.get("processed", 0) - reason.get("declined", 0), reason.get("processed", 0)

    def percentage(name: str) -> str:
        matched, processed = counts(name)
        return f"{100 * matched / processed:0.2f}%" if processed else EMPTY

    fields = {
        "RESOURCE": lambda name: name,
        "REQUESTED": lambda name: asked[name][1],
        "MATCHED": lambda name: "{} / {}".format(*counts(name)),
        "PERCENTAGE": percentage,
    }
    return table(fields, asked, left="|".join(fields))


def queue_details(item: Row) -> str:
    """Returns the table of `debug details`: the last offers that could not be used."""

    def fits(reason: str) -> Any:
        return lambda offer: "-" if reason in offer.get("reason", []) else "ok"

    fields = {
        "HOSTNAME": lambda offer: offer.get("offer", {}).get("hostname", EMPTY),
        "ROLE": fits("UnfulfilledRole"),
        "CONSTRAINTS": fits("UnfulfilledConstraint"),
        "CPUS": fits("InsufficientCpus"),
        "MEM": fits("InsufficientMemory"),
        "DISK": fits("InsufficientDisk"),
        # The real client looks at the role here: its column says "ok" even when a port was missing.
        "PORTS": fits("UnfulfilledRole"),
        "RECEIVED": lambda offer: offer.get("timestamp", EMPTY),
    }
    return table(fields, item.get("lastUnusedOffers") or [], left="HOSTNAME|RECEIVED", sort="HOSTNAME")
