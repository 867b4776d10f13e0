"""What tests of a folder share is made once, and ends before the tests of other folders begin."""

import re

import pytest

pytest_plugins = ["pytester"]

FOLDER = """
from contextlib import contextmanager
from pathlib import Path
import pytest
from tests.folders import shared_in

KEY = pytest.StashKey()

@contextmanager
def made():
    print("SAID made")
    yield "it"
    print("SAID ended")

@pytest.fixture
def shared(request):
    return shared_in(Path(__file__).parent, request, KEY, made)
"""
USES = "def test_first(shared): print('SAID', shared)\ndef test_second(shared): print('SAID', shared)\n"


def test_what_a_folder_shares_ends_with_its_last_test(
    pytester: pytest.Pytester, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, content in {
        "a/conftest.py": FOLDER,
        "a/test_a.py": USES,
        "a/below/test_below.py": USES,
        "b/test_b.py": "def test_other(): print('SAID other')\n",
    }.items():
        path = pytester.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    options = ("--import-mode=importlib", "-s", "-p", "no:randomly", "-p", "no:cacheprovider")
    run = pytester.inline_run(*options, "a/below", "a/test_a.py", "b")
    run.assertoutcome(passed=5)
    said = re.findall(r"SAID (\w+)", capsys.readouterr().out)
    assert said == ["made", *["it"] * 4, "ended", "other"]
