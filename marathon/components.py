"""The components of a bundle and their dependencies, from the YAML files beside the templates.

A component is `apps/NAME.yaml` or `packages/NAME.yaml` beside its template NAME.json.j2, or `steps/NAME.yaml`
for what `pipectl` itself does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache, reduce
from graphlib import CycleError, TopologicalSorter
from math import prod
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field, ValidationError

from marathon import validators
from marathon.documents import Document, read_document
from marathon.errors import BundleError, Problem
from marathon.layers import Layers
from marathon.messages import did_you_mean, problem_of
from marathon.model import Component, Kind, Part
from marathon.paths import PACKAGE, KeyPath, dotted, shown
from marathon.section import Section
from marathon.settings import Settings

_FOLDERS: Mapping[str, Kind] = {"apps": "app", "packages": "package", "steps": "step"}
_Names = Annotated[tuple[str, ...], Field(strict=False)]


class Declaration(Section):
    """The content of a component's file.

    ready_within: the setting with its readiness timeout. enabled: the setting that enables it. instances: the
    setting with its number of instances, if an app may have several. memory, disk: settings; their product is
    what the component needs, in MiB. An app's template states its own. folders: settings with the folders
    that it fills. topics: the topics that it needs besides the bundle's own, without the prefix.
    """

    depends_on: _Names
    ready_within: str | None = None
    enabled: str | None = None
    instances: str | None = None
    part: str | None = None
    memory: _Names = ()
    disk: _Names = ()
    folders: _Names = ()
    topics: Annotated[
        tuple[Annotated[str, AfterValidator(validators.check_symbol)], ...], Field(strict=False)
    ] = ()


@cache
def read_components(package: Path = PACKAGE) -> Components:
    """The components of a package. Their files are read once in a process, because a command asks often."""
    return Components(package)


class Components:
    """The components and optional parts that the files in a package declare."""

    def __init__(self, package: Path = PACKAGE) -> None:
        """Read all files. Raises BundleError with every error in every file."""
        self._problems: list[Problem] = []
        self._documents: dict[str, Document] = {}
        self._declared: dict[str, Declaration] = {}
        self._kinds: dict[str, Kind] = {}
        self.parts = parts_of(package)
        for folder, kind in _FOLDERS.items():
            for file in sorted((package / folder).glob("*.yaml")):
                self._read(file, kind)
            for template in sorted((package / folder).glob("*.json.j2")):
                name = template.name.removesuffix(".json.j2")
                if name not in self._documents:
                    hint = f"create {name}.yaml beside it, with depends_on: […]"
                    self._problems.append(Problem(shown(template), None, "", "has no component file", hint))
        for name, declaration in self._declared.items():
            self._problems += self._check(name, declaration)
        self._problems += self._cycles()
        if self._problems:
            raise BundleError(self._problems)

    def enabled(self, settings: Settings, parts: frozenset[str]) -> dict[str, Component]:
        """The components that these settings and parts enable, in dependency order, parts last."""
        on = {
            name: declaration
            for name, declaration in self._declared.items()
            if (declaration.part is None or declaration.part in parts)
            and (declaration.enabled is None or _setting(settings, declaration.enabled))
        }
        order: dict[str, None] = {}

        def visit(name: str) -> None:
            for other in on[name].depends_on:
                if other in on:
                    visit(other)
            order.setdefault(name)

        for name in sorted(on, key=lambda name: (on[name].part is not None, name)):
            visit(name)
        return {name: self._component(name, settings, on.keys()) for name in order}

    def names(self) -> list[str]:
        """The names of all components, enabled or not."""
        return list(self._declared)

    def switched_off(self, settings: Settings) -> dict[str, str]:
        """The components that a setting with the value false disables: the name of each, and that setting."""
        return {
            name: declaration.enabled
            for name, declaration in self._declared.items()
            if declaration.enabled is not None and _is_off(settings, declaration.enabled)
        }

    def part(self, name: str, settings: Settings) -> Part:
        """A part with its own components, without their dependencies in the bundle."""
        components = {
            each: self._component(each, settings, self._declared.keys())
            for each, declaration in self._declared.items()
            if declaration.part == name
        }
        return Part(name, self.parts[name], components)

    def _component(self, name: str, settings: Settings, on: Any) -> Component:
        declared = self._declared[name]
        limit = None if declared.ready_within is None else _setting(settings, declared.ready_within)
        return Component(
            name,
            self._kinds[name],
            frozenset(declared.depends_on) & on,
            limit,
            declared.part,
            instances=declared.instances,
            memory=_product(settings, declared.memory),
            disk=_product(settings, declared.disk),
            folders=declared.folders,
            topics=tuple(f"{settings.topics.prefix}{topic}" for topic in declared.topics),
        )

    def _read(self, file: Path, kind: Kind) -> None:
        document, name = read_document(file), file.stem
        self._documents[name], self._kinds[name] = document, kind
        self._problems += document.problems
        if document.problems:
            return
        layers = Layers().under(document)
        if not isinstance(document.value, dict):
            self._problems.append(Problem(document.file, 1, "", "expected a mapping with depends_on"))
            return
        try:
            self._declared[name] = Declaration.model_validate(layers.value)
        except ValidationError as error:
            self._problems += [
                problem_of(detail, Declaration, layers)
                if detail["type"] != "missing"
                else Problem(document.file, 1, str(detail["loc"][0]), "is required")
                for detail in error.errors()
            ]

    def _check(self, name: str, declared: Declaration) -> Iterator[Problem]:
        known = list(self._declared)
        for index, other in enumerate(declared.depends_on):
            if other not in self._documents:
                hint = did_you_mean(other, known) or f"the components are {', '.join(known)}"
                yield self._problem(name, ("depends_on", index), f"no component {other}", hint)
        if declared.part is not None and declared.part not in self.parts:
            hint = did_you_mean(declared.part, list(self.parts)) or "parts.yaml lists them"
            yield self._problem(name, ("part",), f"no part {declared.part}", hint)
        paths: list[tuple[KeyPath, str | None]] = [
            (("ready_within",), declared.ready_within),
            (("enabled",), declared.enabled),
            (("instances",), declared.instances),
            *((("memory", index), path) for index, path in enumerate(declared.memory)),
            *((("disk", index), path) for index, path in enumerate(declared.disk)),
            *((("folders", index), path) for index, path in enumerate(declared.folders)),
        ]
        for where, path in paths:
            if path is not None and not is_setting(path):
                yield self._problem(name, where, f"no setting {path}", "")

    def _cycles(self) -> Iterator[Problem]:
        try:
            TopologicalSorter({name: one.depends_on for name, one in self._declared.items()}).prepare()
        except CycleError as error:
            cycle: list[str] = error.args[1]
            message = f"depends on itself: {' <- '.join(cycle)}"
            yield self._problem(cycle[0], ("depends_on",), message, "")

    def _problem(self, name: str, path: KeyPath, message: str, hint: str) -> Problem:
        document = self._documents[name]
        location = document.locations.get(path)
        return Problem(document.file, location.line if location else None, dotted(path), message, hint)


def parts_of(package: Path = PACKAGE) -> Mapping[str, str]:
    """The description of each optional part, by name. Raises BundleError when the file cannot be read."""
    document = read_document(package / "parts.yaml")
    if document.problems:
        raise BundleError(document.problems)
    return document.value or {}


def _is_off(settings: Settings, path: str) -> bool:
    *sections, name = path.split(".")
    section = reduce(getattr, sections, settings)
    return name in type(section).model_fields and getattr(section, name) is False


def _setting(settings: Settings, path: str) -> Any:
    return reduce(getattr, path.split("."), settings)


def is_setting(path: str) -> bool:
    """Whether a dotted path names a setting or a property of a section."""
    section: Any = Settings
    *above, last = path.split(".")
    for name in above:
        fields = getattr(section, "model_fields", {})
        if name not in fields:
            return False
        section = fields[name].annotation
    return last in getattr(section, "model_fields", {}) or isinstance(getattr(section, last, None), property)


def _product(settings: Settings, paths: tuple[str, ...]) -> int:
    return prod(_setting(settings, path) for path in paths) if paths else 0
