"""The settings table of the README holds exactly the settings, with their defaults and meanings."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from cli.catalogue import CATALOGUE
from marathon.documents import read_document
from marathon.messages import section_of
from marathon.paths import PACKAGE
from marathon.section import Section
from marathon.settings import settings_model

README = (PACKAGE / "README.md").read_text()
DEFAULTS = read_document(PACKAGE / "defaults.yaml").value


def written(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(value)}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}: {written(each)}' for key, each in value.items())}}}"
    return value if isinstance(value, str) and value else json.dumps(value)


def rows(
    model: type[Section], values: dict[str, Any] | None, above: str = ""
) -> Iterator[tuple[str, str, str]]:
    """The rows of a section; one that is null by default has its settings too."""
    if values is None:
        values = dict.fromkeys(model.model_fields)
    assert list(values) == list(model.model_fields), "defaults.yaml is in the order of the model"
    for name, info in model.model_fields.items():
        section = section_of(info.annotation)
        if section is not None:
            yield from rows(section, values[name], f"{above}{name}.")
        else:
            assert info.description, f"{above}{name} has no description"
            yield f"{above}{name}", written(values[name]), info.description


def test_the_table_is_the_model() -> None:
    table = README.split("## Settings")[1]
    assert re.findall(r"^\| `(.+?)` \| `(.*?)` \| (.+) \|$", table, re.MULTILINE) == list(
        rows(settings_model(CATALOGUE), DEFAULTS)
    )


def test_every_module_is_listed() -> None:
    listed = set(re.findall(r"`(\w+\.py)`", README))
    assert listed == {file.name for file in PACKAGE.glob("*.py")} - {"__init__.py", "errors.py", "paths.py"}
