"""Generated requests to the page. `bench/fuzz_page.py` sends more of them."""

import pytest

from tests.dashboard.fuzz import attack
from tests.dashboard.marathon_page import marathon_page

pytestmark = pytest.mark.slow


def test_the_page_works_after_generated_requests_and_a_kill(feeder, tmp_path):
    with marathon_page(feeder, tmp_path) as page:
        fuzz = attack(page, 500, 1, per_canary=100, per_kill=250)
        assert (fuzz.statuses.total(), len(fuzz.canaries), len(fuzz.restarts)) == (500, 5, 2)
        assert {200, 400, 403} <= fuzz.statuses.keys()
        assert page.healthy()
        log = page.log()
    assert page.secret not in log and "Traceback" not in log
