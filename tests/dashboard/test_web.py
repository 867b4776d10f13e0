"""The page's own tests, which need Node but no browser."""

import re
import subprocess

import pytest

from tests.conftest import SCRIPTS

pytestmark = pytest.mark.slow


def test_the_modules_of_the_page(web):
    node = [str(SCRIPTS / "node"), "--test", "--experimental-test-module-mocks", "--test-reporter=tap"]
    tests = sorted((web / "test").glob("*.test.js"))
    done = subprocess.run([*node, *tests], cwd=web, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stdout[-6000:]
    # A file that could not be loaded is one failed test; one that has none passes.
    passed = re.search(r"^# pass (\d+)$", done.stdout, re.MULTILINE)
    assert passed is not None and int(passed[1]) > 5 * len(tests), done.stdout[-2000:]
