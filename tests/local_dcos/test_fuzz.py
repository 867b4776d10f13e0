"""Generated requests. `bench/fuzz_cluster.py` sends more of them."""

import pytest

from tests.local_dcos.fuzz import attack
from tests.local_dcos.planted import PlantedSecret, using


def test_an_app_runs_after_generated_requests(own_cluster):
    fuzz = attack(own_cluster, 2000, 1, per_canary=50, per_kill=1000)
    assert sum(fuzz.statuses.values()) == 2000
    assert fuzz.statuses[201] > 0, "no app was ever accepted"
    assert "Traceback" not in (own_cluster.home / "agent.log").read_text()


@pytest.mark.parametrize(
    ("cmd", "where"),
    [
        ("echo $KEY; exec sleep 1000", "stdout"),
        ("sh -c 'sleep 1000; true' $KEY", "arguments of"),
        ("exec env MARATHON_APP_ID=/other sleep 1000", "environment of"),
    ],
)
def test_a_planted_secret_that_shows_is_found(own_cluster, cmd, where):
    planted = PlantedSecret(own_cluster)
    planted.start_one_that_knows()
    planted.check_nothing_shows_it()
    own_cluster.run({"id": "/knows/leak", "cmd": cmd, **using("KEY")})

    def found() -> bool:
        try:
            planted.check_nothing_shows_it()
        except AssertionError as error:
            return where in str(error)
        return False

    own_cluster.wait_for(found)
