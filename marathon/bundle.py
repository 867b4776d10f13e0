"""Rendering settings into a bundle: Marathon app definitions and package options, all of them checked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from marathon.definition import Definition, read_definition
from marathon.errors import BundleError, Problem
from marathon.layers import merge
from marathon.model import App, Bundle, Package
from marathon.paths import ROOM
from marathon.rules import findings
from marathon.settings import Settings
from marathon.shape import misshapen, unknown_keys
from marathon.templates import TemplateFault, render_template


def render(settings: Settings, *, room: Path = ROOM) -> Bundle:
    """The bundle of `settings`, from the templates in `room`.

    Raises `BundleError` with every mistake: an undefined name, text that skipped `tojson`, invalid JSON, a
    shape that Marathon doesn't know, a rule of Marathon's broken. Each names its template and line.
    """
    context = {name: getattr(settings, name) for name in Settings.model_fields}
    context |= {"names": settings.names, "freshness": settings.freshness}
    problems: list[Problem] = []
    definitions: dict[str, Definition] = {}
    for template in [*_templates(room / "apps"), room / "packages" / "kafka.json.j2"]:
        try:
            definitions[_name(template)] = read_definition(render_template(template, context))
        except TemplateFault as fault:
            problems.append(fault.problem)
    options = definitions.pop("kafka", None)
    for definition in definitions.values():
        problems += _app_problems(definition)
    problems += _bundle_problems(settings.group, definitions)
    if problems or options is None:
        raise BundleError(problems)

    apps = {
        name: App(name, definition.value["id"], definition.value, room / "apps" / f"{name}.json.j2")
        for name, definition in definitions.items()
    }
    kafka = settings.kafka
    package = Package(kafka.package, kafka.version, merge(options.value, kafka.options))
    return Bundle(MappingProxyType(apps), MappingProxyType({"kafka": package}))


def _templates(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.json.j2"))


def _name(template: Path) -> str:
    return template.name.removesuffix(".json.j2")


def _app_problems(definition: Definition) -> list[Problem]:
    app = definition.value
    shape = [definition.problem(*found) for found in misshapen(app)]
    # The rules expect each key to be of the right type; keys they don't know don't hurt them.
    rules = [] if shape else [definition.problem(*found) for found in findings(app)]
    return [*(definition.problem(*found) for found in unknown_keys(app)), *shape, *rules]


def _bundle_problems(group: str, definitions: Mapping[str, Definition]) -> Iterator[Problem]:
    owners: dict[str, str] = {}
    for definition in definitions.values():
        path = definition.value.get("id")
        if not isinstance(path, str):
            continue
        if not path.startswith(f"{group}/"):
            yield definition.problem(("id",), f"{path!r} is not below the group {group}")
        if path in owners:
            yield definition.problem(("id",), f"{path!r} is the id of {owners[path]} too")
        owners.setdefault(path, definition.file)
