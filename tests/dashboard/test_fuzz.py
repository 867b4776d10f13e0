"""Generated requests to the page. `bench/fuzz_page.py` sends more of them."""

import json

import pytest

from tests.dashboard.fuzz import SECRET, attack

pytestmark = pytest.mark.slow


def test_the_page_survives_generated_requests(feeder, make_app):
    app = make_app(feeder.prefix, PROXY_SECRET=SECRET)
    fuzz = attack(app.port, 500, 1)
    assert sum(fuzz.statuses.values()) == 500
    assert {200, 400, 403} <= fuzz.statuses.keys()
    status, health = app.get("/health")
    assert (status, health["healthy"]) == (200, True)
    # What was set is strict JSON and can be read.
    status, limits = app.get("/api/limits", **{"X-Proxy-Secret": SECRET})
    assert status == 200, json.dumps(limits)
    assert SECRET not in app.said() and "Traceback" not in app.said()
