"""The pages in docs/notebooks show the notebooks as they are, on all stores."""

from __future__ import annotations

import html
import json
import re
from importlib.resources import files
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "docs" / "notebooks"
LIBRARY = files("notebooks").joinpath("library")
# The charts of `stores` are of MySQL, of Cassandra, of the files on disk, and of those in HDFS.
CHARTS = {"limits": 2, "stores": 4, "volatility": 6}


@pytest.mark.parametrize("name", CHARTS)
def test_a_page_has_the_code_and_the_charts_of_its_notebook(name: str) -> None:
    page = (FOLDER / f"{name}.html").read_text()
    shown = html.unescape(re.sub(r"<[^>]+>", "", page))
    for cell in json.loads(LIBRARY.joinpath(f"{name}.ipynb").read_text())["cells"]:
        if cell["cell_type"] == "code":
            source = "".join(cell["source"])
            assert source in shown, f"run `python bench/notebooks.py`: {source}"
    assert page.count('src="data:image/png;base64,') == CHARTS[name]
    assert name != "stores" or "stores: cassandra, disk, hdfs, mysql" in shown


def test_every_notebook_has_a_page() -> None:
    assert {f"{name}.ipynb" for name in CHARTS} == {
        each.name for each in LIBRARY.iterdir() if each.name.endswith(".ipynb")
    }
