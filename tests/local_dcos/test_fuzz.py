"""Generated requests. `bench/fuzz_cluster.py` sends more of them."""

from tests.local_dcos.fuzz import attack


def test_an_app_runs_after_generated_requests(own_cluster):
    fuzz = attack(own_cluster, 2000, 1, per_canary=50, per_kill=1000)
    assert sum(fuzz.statuses.values()) == 2000
    assert fuzz.statuses[201] > 0, "no app was ever accepted"
    assert "Traceback" not in (own_cluster.home / "agent.log").read_text()
