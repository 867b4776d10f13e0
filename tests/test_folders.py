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
OPTIONS = ("--import-mode=importlib", "-s", "-p", "no:randomly", "-p", "no:cacheprovider")
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
    run = pytester.inline_run(*OPTIONS, "a/below", "a/test_a.py", "b")
    run.assertoutcome(passed=5)
    said = re.findall(r"SAID (\w+)", capsys.readouterr().out)
    assert said == ["made", *["it"] * 4, "ended", "other"]


def test_what_fails_to_start_is_not_tried_again(
    pytester: pytest.Pytester, capsys: pytest.CaptureFixture[str]
) -> None:
    fails = FOLDER.replace("    yield", "    raise OSError('in use')\n    yield")
    pytester.makepyfile(conftest=fails, test_a=USES)
    run = pytester.inline_run(*OPTIONS)
    run.assertoutcome(failed=2)
    said = capsys.readouterr().out
    assert (len(re.findall("SAID made$", said, re.MULTILINE)), said.count("E       OSError: in use")) == (
        1,
        2,
    )
