"""Generated files of settings. `bench/fuzz_settings.py` loads more of them."""

from pathlib import Path

from tests.marathon.fuzz import attack


def test_a_generated_file_is_a_bundle_or_is_refused_with_file_and_line(tmp_path: Path) -> None:
    fuzz = attack(tmp_path, 200, 1)
    assert min(fuzz.outcomes["valid"], fuzz.outcomes["refused"]) > 10
