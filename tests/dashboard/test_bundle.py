"""The page that is checked in is what its sources give."""

import hashlib
import json
import re
import subprocess
from pathlib import Path

import pytest

import dashboard
from tests.conftest import SCRIPTS

ROOM = Path(dashboard.__file__).parent
STATIC, WEB = ROOM / "static", ROOM / "web"
AGAIN = "sources and page differ: run `make page`"


def digest(file):
    return hashlib.sha256(file.read_bytes()).hexdigest()


def test_the_page_was_made_from_these_sources():
    record = json.loads((STATIC / "made.json").read_text())
    sources = {
        *WEB.glob("src/*"),
        *(WEB / name for name in ("build.mjs", "package.json", "package-lock.json")),
    }
    assert {str(file.relative_to(WEB)): digest(file) for file in sources} == record["sources"], AGAIN
    made = {file.name: digest(file) for file in STATIC.iterdir() if file.name != "made.json"}
    assert made == record["made"], AGAIN


@pytest.mark.slow
def test_building_again_gives_the_same_bytes(web, tmp_path):
    subprocess.run([SCRIPTS / "node", web / "build.mjs", tmp_path], check=True, timeout=120)
    for file in STATIC.iterdir():
        assert (tmp_path / file.name).read_bytes() == file.read_bytes(), AGAIN


def test_packages_are_pinned_and_the_lock_names_no_registry():
    lock = json.loads((WEB / "package-lock.json").read_text())
    ours = json.loads((WEB / "package.json").read_text())
    for name, version in {**ours["dependencies"], **ours["devDependencies"]}.items():
        assert re.fullmatch(r"\d+\.\d+\.\d+", version), name
        assert lock["packages"][f"node_modules/{name}"]["version"] == version
    assert all("resolved" not in package for package in lock["packages"].values())
    assert all("integrity" in package for path, package in lock["packages"].items() if path)


def test_the_page_refers_to_nothing_outside_itself():
    page = (STATIC / "index.html").read_text()
    addresses = re.findall(r'(?:href|src)="([^"]*)"', page)
    assert addresses
    assert not [one for one in addresses if "//" in one or one.startswith("/")]
    assert "//" not in (STATIC / "app.css").read_text()
    assert "url(" not in (STATIC / "app.css").read_text()
