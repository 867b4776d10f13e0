"""The JSON that Marathon's clients read."""

import getpass
import math
import time

from local_dcos import model
from local_dcos.definition import port_list
from local_dcos.home import OWN_AGENT
from local_dcos.model import App, CheckResult, Deployment, Json, Task
from local_dcos.ports import HOST
from local_dcos.stamps import stamp
from local_dcos.store import State

FRAMEWORK_ID = "local-0001"
JOBS_FRAMEWORK_ID = "local-0002"
REJECT_REASONS = (
    "UnfulfilledRole",
    "UnfulfilledConstraint",
    "NoCorrespondingReservationFound",
    "AgentMaintenance",
    "InsufficientCpus",
    "InsufficientMemory",
    "InsufficientDisk",
    "InsufficientGpus",
    "InsufficientPorts",
)


def task_view(app: App | None, task: Task) -> Json:
    """Returns a task as /v2/tasks shows it."""
    return {
        "appId": task.app_id,
        "healthCheckResults": [_result(task, one) for one in task.health if one.alive is not None],
        "host": HOST,
        "id": task.id,
        "ipAddresses": [{"ipAddress": HOST, "protocol": "IPv4"}],
        "ports": task.ports,
        "servicePorts": _service_ports(app.definition) if app else [],
        "slaveId": task.agent_id,
        "stagedAt": task.staged_at,
        "startedAt": task.started_at,
        "state": task.state,
        "version": task.version,
    }


def _result(task: Task, result: CheckResult) -> Json:
    return {
        "alive": result.alive,
        "consecutiveFailures": result.consecutive_failures,
        "firstSuccess": result.first_success,
        "lastFailure": result.last_failure,
        "lastFailureCause": result.last_cause,
        "lastSuccess": result.last_success,
        "taskId": task.id,
    }


def _service_ports(definition: Json) -> list[int]:
    return [int(port.get("servicePort") or port.get("port") or 0) for port in port_list(definition)]


def app_view(state: State, app: App, *, with_tasks: bool = False) -> Json:
    """Returns an app: its definition and its status."""
    tasks = state.tasks_of(app.id)
    shown = [*tasks, *state.unreachable_of(app.id)]
    running = [task for task in tasks if task.state == model.RUNNING]
    document: Json = {
        **app.definition,
        "versionInfo": {
            "lastConfigChangeAt": app.last_config_change_at,
            "lastScalingAt": app.last_scaling_at,
        },
        "tasksStaged": sum(task.state == model.STAGING for task in tasks),
        "tasksRunning": len(running),
        "tasksHealthy": sum(task.is_healthy is True for task in running),
        "tasksUnhealthy": sum(task.is_healthy is False for task in running),
        "deployments": [{"id": app.deployment}] if app.deployment else [],
    }
    if app.last_failure:
        document["lastTaskFailure"] = app.last_failure
    if with_tasks:
        document["tasks"] = [task_view(app, task) for task in shown]
    return document


def deployment_view(deployment: Deployment) -> Json:
    """Returns a deployment as /v2/deployments shows it."""
    action = {"action": deployment.action, "app": deployment.app_id}
    return {
        "id": deployment.id,
        "version": deployment.version,
        "affectedApps": [deployment.app_id],
        "affectedPods": [],
        "steps": [{"actions": [action]}],
        "currentActions": [{**action, "readinessCheckResults": []}],
        "currentStep": 1,
        "totalSteps": 1,
    }


def queue_view(state: State) -> list[Json]:
    """Returns the apps that wait to launch, and why they wait."""
    waiting = [app for app in state.apps.values() if app.waiting_since and not app.deleting]
    return [_queue_item(state, app) for app in waiting]


def _queue_item(state: State, app: App) -> Json:
    left = max(0, math.ceil(app.next_launch - time.time()))
    held = sum(app.keeps_place(task) for task in state.unreachable_of(app.id))
    summary: Json = {
        "processedOffersCount": app.offers,
        "unusedOffersCount": app.offers,
        "rejectSummaryLaunchAttempt": [],
        "rejectSummaryLastOffers": [
            {
                "reason": reason,
                "declined": int(reason in app.rejections),
                "processed": int(bool(app.offers)),
            }
            for reason in REJECT_REASONS
        ],
    }
    if app.last_rejection:
        summary["lastUnusedOfferAt"] = app.last_rejection
    if app.last_offer_used:
        summary["lastUsedOfferAt"] = app.last_offer_used
    agent = next(iter(state.nodes), OWN_AGENT)
    offer = {"id": "local-O1", "hostname": HOST, "agentId": agent, "resources": [], "attributes": []}
    rejected = {"offer": offer, "reason": list(app.rejections), "timestamp": app.last_rejection}
    return {
        "app": app.definition,
        "count": app.instances - len(state.tasks_of(app.id)) - held,
        "delay": {"timeLeftSeconds": left, "overdue": left == 0},
        "since": stamp(app.waiting_since),
        "processedOffersSummary": summary,
        "lastUnusedOffers": [rejected] if app.rejections else [],
    }


def group_view(state: State, group_id: str = "/") -> Json:
    """Returns a group with its apps and the groups in it.

    Groups are the folders in the apps' ids, and top-level groups that clients have added.
    """
    prefix = group_id.rstrip("/") + "/"
    names = [app_id.removeprefix(prefix) for app_id in state.apps if app_id.startswith(prefix)]
    children = {prefix + name.split("/")[0] for name in names if "/" in name}
    children |= {name for name in state.groups if group_id == "/"}
    return {
        "id": group_id,
        "enforceRole": bool(state.groups.get(group_id, {}).get("enforceRole")),
        "apps": [app_view(state, state.apps[prefix + name]) for name in names if "/" not in name],
        "dependencies": [],
        "groups": [group_view(state, child) for child in sorted(children)],
        "pods": [],
    }


def mesos_task(task: Task, framework_id: str = FRAMEWORK_ID) -> Json:
    """Returns a task as Mesos shows it."""
    name = ".".join(reversed(task.app_id.strip("/").split("/")))
    status: Json = {
        "state": task.state,
        "container_status": {
            "container_id": {"value": task.id},
            "network_infos": [{"ip_addresses": [{"ip_address": HOST, "protocol": "IPv4"}]}],
        },
    }
    return {
        "id": task.id,
        "name": name,
        "framework_id": framework_id,
        "executor_id": "",
        "slave_id": task.agent_id,
        "state": task.state,
        "user": getpass.getuser(),
        "resources": {},
        "statuses": [status],
        "discovery": {"name": name, "ports": {"ports": [{"number": port} for port in task.ports]}},
    }
