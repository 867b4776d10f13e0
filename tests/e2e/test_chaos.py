"""Random kills and a reboot: nothing is missing, duplicated, wrong or lost."""

from __future__ import annotations

import re

import pytest

from tests.benchmarks import Run
from tests.e2e.conftest import SharedBundle
from tests.hdfs_nodes import NODES

# Slower than on an idle machine: a window counts as fresh although other tests take the CPU.
COMMANDS = ("chaos.py --kills 5 --reboot --fresh 15",)


@pytest.mark.e2e
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("command", COMMANDS)
def test_five_kills_at_random_and_a_reboot_lose_nothing(
    command: str, changeable_bundle: SharedBundle, run_benchmark: Run
) -> None:
    """The benchmark compares all windows, dead letters and ticks, and fails if one is not as it must be."""
    shown = run_benchmark(command, bundle=changeable_bundle.pipectl)
    found = re.search(r"([\d,]+) windows due", shown)
    assert found and int(found[1].replace(",", "")) > 100, shown
    # A kill may find its component still starting, but most do not.
    assert len(killed(shown)) > 2, shown


@pytest.mark.e2e
@pytest.mark.long
@pytest.mark.timeout(2400)
def test_kills_of_hdfs_and_of_its_sink_lose_nothing(run_benchmark: Run) -> None:
    """With this seed, each of the two nodes and the sink are killed alone, and must recover."""
    shown = run_benchmark("chaos.py --with hdfs --kills 3 --seed 289 --fresh 15 --patience 300")
    assert killed(shown) == {*NODES, "sink-to-hdfs"}, shown
    compared = re.findall(r"^(\w+) in hdfs: [\d,]+ records", shown, re.MULTILINE)
    assert compared == ["movingaverage", "signals"], shown


def killed(shown: str) -> set[str]:
    """The components that were killed."""
    kills = re.findall(r"^ *\d+ ([a-z -]+)[:,]", shown, re.MULTILINE)
    return {name for kill in kills for name in kill.split(" and ")} - {"nothing ran"}
