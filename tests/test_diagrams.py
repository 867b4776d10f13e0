"""The pictures of the documentation show what their sources say."""

import html
import re
from pathlib import Path

import pytest

SOURCES = sorted((Path(__file__).parents[1] / "docs" / "diagrams").glob("*.dot"))


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)
def test_every_label_of_the_source_is_in_the_picture(source):
    svg = html.unescape(source.with_suffix(".svg").read_text())
    shown = " ".join(re.findall(r"<text[^>]*>([^<]*(?:<SYMBOL>|<name>)?[^<]*)</text>", svg))
    for label in re.findall(r'label="([^"]+)"', source.read_text()):
        for line in label.split(r"\n"):
            assert line in shown, f"{source.name} has changed: run `make diagrams`"
