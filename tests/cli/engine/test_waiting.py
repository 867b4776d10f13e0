"""Why an app waits, and for how long it may."""

from datetime import timedelta

import pytest

from cli.engine.dcos.apps import start_limit
from cli.engine.dcos.waiting import over_quota, why_waiting
from cli.engine.surroundings import AreaStatus, Quota

APP = {"cpus": 2, "mem": 1536.0, "portDefinitions": [{"port": 8081}, {"port": 0}]}


def queued(*reasons, delay=0):
    rejected = [{"reason": reason, "declined": 3, "processed": 3} for reason in reasons]
    rejected.append({"reason": "UnfulfilledRole", "declined": 0, "processed": 3})
    return {
        "processedOffersSummary": {"rejectSummaryLastOffers": rejected},
        "delay": {"timeLeftSeconds": delay},
    }


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("InsufficientMemory", "no agent has 1536 MiB of memory free"),
        ("InsufficientCpus", "no agent has 2 CPUs free"),
        ("InsufficientPorts", "port 8081 is taken by another process"),
        ("UnfulfilledConstraint", "no agent meets its constraints"),
        ("SomethingNew", "SomethingNew"),
    ],
)
def test_a_declined_offer_is_explained_by_what_the_app_asks_for(reason, words):
    assert why_waiting(queued(reason), APP) == f"no offer fits: {words}"


def test_a_back_off_is_explained():
    assert why_waiting(queued(delay=30), APP) == "next try in 30 s after a failure"
    assert why_waiting(queued(), APP) == why_waiting(None, APP) == ""


def test_an_app_may_take_what_its_own_health_check_allows():
    check = {"delaySeconds": 1, "gracePeriodSeconds": 180, "intervalSeconds": 10, "maxConsecutiveFailures": 6}
    app = {"taskKillGracePeriodSeconds": 60, "healthChecks": [check]}
    assert start_limit(app) == timedelta(seconds=60 + 60 + 1 + 180 + 60)
    assert start_limit({}) == timedelta(seconds=63)


def test_what_just_fits_is_not_over_quota() -> None:
    area = AreaStatus("dev", Quota(cpus=0.3), 0.2, 0.0)
    assert over_quota(area, {"cpus": 0.1}) == ""
    assert "0.2 CPUs more than the 0.2 in use are over 0.3" in over_quota(area, {"cpus": 0.2})
