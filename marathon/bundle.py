"""Rendering settings into a bundle: apps, jobs and package options, all of them checked."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from marathon.components import Components
from marathon.definition import Definition, read_definition
from marathon.errors import BundleError, Problem
from marathon.job_definitions import render_jobs
from marathon.layers import merge
from marathon.model import PART, App, Bundle, Package, Part
from marathon.paths import ROOM
from marathon.rules import findings
from marathon.settings import Settings
from marathon.shape import misshapen, unknown_keys
from marathon.templates import TemplateFault, render_template


def render(settings: Settings, *, with_parts: Collection[str] = (), room: Path = ROOM) -> Bundle:
    """The bundle of `settings`, from the components and templates in `room`.

    `with_parts`: optional parts beside those that the settings name; a label of their apps says so.

    Raises `BundleError` with every mistake: an undefined name, text that skipped `tojson`, invalid JSON, a
    shape that Marathon doesn't know, a rule of Marathon's broken. Each names its template and line.
    """
    context = {name: getattr(settings, name) for name in Settings.model_fields}
    context |= {"names": settings.names, "freshness": settings.freshness}
    components = Components(room)
    more = frozenset(with_parts) - frozenset(settings.parts)
    on = components.enabled(settings, more | frozenset(settings.parts))
    problems: list[Problem] = []
    definitions: dict[str, Definition] = {}
    for name, component in sorted(on.items()):
        if component.kind == "step":
            continue
        template = room / f"{component.kind}s" / f"{name}.json.j2"
        try:
            definitions[name] = read_definition(render_template(template, context))
        except TemplateFault as fault:
            problems.append(fault.problem)
    options = definitions.pop("kafka", None)
    for definition in definitions.values():
        problems += _app_problems(definition)
    problems += _bundle_problems(settings.group, definitions)
    jobs, mistakes = render_jobs(
        settings, context, components=components.names(), parts=components.parts, room=room
    )
    problems += mistakes
    if problems or options is None:
        raise BundleError(problems)

    for name, definition in definitions.items():
        if (part := on[name].part) in more:
            definition.value.setdefault("labels", {})[PART] = part
    apps = {
        name: App(name, definition.value["id"], definition.value, room / "apps" / f"{name}.json.j2")
        for name, definition in definitions.items()
    }
    kafka = settings.kafka
    package = Package(kafka.package, kafka.version, merge(options.value, kafka.options))
    return Bundle(
        MappingProxyType(apps),
        MappingProxyType({"kafka": package}),
        MappingProxyType(on),
        MappingProxyType(jobs),
    )


def parts(settings: Settings, *, room: Path = ROOM) -> dict[str, Part]:
    """Every optional part that there is, by name."""
    components = Components(room)
    return {name: components.part(name, settings) for name in components.parts}


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
