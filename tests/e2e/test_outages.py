"""What `pipectl status` says while records are lost or cannot be used, while the network is cut or slow, and
while the name of the brokers cannot be resolved.

bench/outages.py has more outages.
"""

import re

import pytest

from tests.benchmarks import Run
from tests.disks import may_mount_apart
from tests.e2e.conftest import LIGHT
from tests.e2e.losses import LOSSES
from tests.e2e.outages import Site, live_through

pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.timeout(1800)]

# Other tests take the CPU.
FRESH_SECONDS = 15.0
# JVMs keep an address for 30 s.
DNS = f"dns.py --seconds 45 --fresh {FRESH_SECONDS}"
COMMANDS = (DNS,)


def test_status_names_each_loss_and_data_flow_again(pipectl_elsewhere):
    # Other tests compare the shared bundle's windows with its topics.
    user = pipectl_elsewhere
    user.settings = LIGHT
    user.run("deploy", "--yes")
    for course in live_through(Site(user), LOSSES, fresh_seconds=FRESH_SECONDS):
        assert course.said is not None, f"{course.outage.name}: {course.last}"
        assert course.fresh_after is not None, f"{course.outage.name}: {course.last}"


def test_a_network_that_is_cut_and_slow_loses_nothing(changeable_bundle, run_benchmark: Run):
    """The benchmark fails if `status` does not say what it must, or if anything is not exact afterwards."""
    shown = run_benchmark(
        f"outages.py --only network --fresh {FRESH_SECONDS}", bundle=changeable_bundle.pipectl
    )
    assert "network cut" in shown and "network slow" in shown


def test_status_says_that_the_name_of_the_brokers_cannot_be_resolved(run_benchmark: Run):
    if not may_mount_apart():
        pytest.skip("only root, with a mount namespace of its own, may change what names mean")
    shown = run_benchmark(DNS)
    assert shown.count("the name kafka.test cannot be resolved") == 2, shown


def test_status_names_a_store_that_hangs_or_is_away_and_nothing_is_lost(run_benchmark: Run):
    shown = run_benchmark(f"outages.py --with mysql --fresh {FRESH_SECONDS}")
    assert "mysql frozen" in shown and "mysql away" in shown
    assert re.findall(r"^(\w+) in mysql: [\d,]+ records", shown, re.MULTILINE) == ["movingaverage", "signals"]
