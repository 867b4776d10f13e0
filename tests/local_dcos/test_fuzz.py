"""Some generated requests; `bench/fuzz_cluster.py` sends as many thousands as are asked for."""

from tests.local_dcos.fuzz import attack


def test_whatever_is_sent_an_app_that_is_added_afterwards_runs(own_cluster):
    fuzz = attack(own_cluster, 2000, 1, per_canary=50, per_kill=1000)
    assert sum(fuzz.statuses.values()) == 2000
    assert fuzz.statuses[201] > 0, "no app was ever accepted"
    assert "Traceback" not in (own_cluster.home / "agent.log").read_text()
