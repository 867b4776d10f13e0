"""Loads thousands of generated files of settings: is each a valid bundle, or refused with file and line?

    python bench/fuzz_settings.py [--files 20000] [--seed 1]

What a file holds, and what must hold for it, is that of the tests (`tests/marathon/fuzz.py`). The first file
that breaks a rule ends the run, in its shortest form.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import broker  # noqa: F401 - first: it lets the next ones be found

from tests.marathon.fuzz import attack


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args()
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        fuzz = attack(Path(folder), wanted.files, wanted.seed)
    outcomes = ", ".join(f"{name}: {count}" for name, count in sorted(fuzz.outcomes.items()))
    print(f"seed {wanted.seed}: {sum(fuzz.outcomes.values())} files in {time.monotonic() - begun:.0f} s")
    print(f"{outcomes}; worst file: {fuzz.worst_seconds:.2f} s")


if __name__ == "__main__":
    main()
