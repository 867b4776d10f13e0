"""The one-off jobs: reads their declarations, and renders and checks their definitions.

A job is `jobs/NAME.yaml` with its template `jobs/NAME.json.j2`. Its definition is a Metronome job
(schema/NOTICE states the origin of the schema).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from operator import attrgetter
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field, ValidationError

from marathon import validators
from marathon.app_schema import METRONOME, schema_errors, unknown_keys
from marathon.components import is_setting
from marathon.definition import Definition, read_definition
from marathon.documents import Document, read_document
from marathon.errors import BundleError, Problem
from marathon.layers import Layers
from marathon.messages import did_you_mean, problem_of
from marathon.model import Job
from marathon.paths import PACKAGE, KeyPath, dotted, shown
from marathon.section import Section
from marathon.settings import Settings
from marathon.templates import TemplateFault, render_template

_Names = Annotated[tuple[str, ...], Field(strict=False)]
_Text = Annotated[str, Field(min_length=1)]
# A topic's name without the prefix; templates use the same name.
_TopicNames = Annotated[
    tuple[Annotated[str, AfterValidator(validators.check_symbol)], ...], Field(strict=False)
]


class Declaration(Section):
    """The content of a job's file.

    depends_on: the components that must be ready before it runs. topics: the topics that it needs besides the
    bundle's own, without the prefix; they are created before its first run. part: the optional part that it
    belongs to, or the setting that names it, such as `sink.part`.
    """

    description: _Text
    depends_on: _Names
    topics: _TopicNames = ()
    part: str | None = None


def render_jobs(
    settings: Settings,
    context: Mapping[str, object],
    *,
    components: Collection[str],
    parts: Collection[str],
    package: Path = PACKAGE,
) -> tuple[dict[str, Job], list[Problem]]:
    """The jobs that the package declares, by name, and all errors in their files and definitions.

    context: the names available in templates. components, parts: the known names.
    """
    problems: list[Problem] = []
    jobs: dict[str, Job] = {}
    for template in sorted((package / "jobs").glob("*.json.j2")):
        if not template.with_name(f"{_name(template)}.yaml").exists():
            hint = f"create {_name(template)}.yaml beside it, with description: … and depends_on: […]"
            problems.append(Problem(shown(template), None, "", "has no job file", hint))
    for file in sorted((package / "jobs").glob("*.yaml")):
        try:
            declared = _declaration(file, components, parts)
            job = _rendered(file, declared, settings, context)
        except BundleError as error:
            problems += error.problems
        else:
            jobs[job.name] = job
    return jobs, problems


def _name(template: Path) -> str:
    return template.name.removesuffix(".json.j2")


def _declaration(file: Path, components: Collection[str], parts: Collection[str]) -> Declaration:
    document = read_document(file)
    if document.problems:
        raise BundleError(document.problems)
    if not isinstance(document.value, dict):
        raise BundleError(
            [Problem(document.file, 1, "", "expected a mapping with description and depends_on")]
        )
    layers = Layers().under(document)
    try:
        declared = Declaration.model_validate(layers.value)
    except ValidationError as error:
        raise BundleError(
            [
                problem_of(detail, Declaration, layers)
                if detail["type"] != "missing"
                else Problem(document.file, 1, str(detail["loc"][0]), "is required")
                for detail in error.errors()
            ]
        ) from None
    if problems := list(_unknown_names(document, declared, components, parts)):
        raise BundleError(problems)
    return declared


def _unknown_names(
    document: Document, declared: Declaration, components: Collection[str], parts: Collection[str]
) -> Iterator[Problem]:
    asked: list[tuple[KeyPath, str, Collection[str], str]] = [
        (("depends_on", index), name, components, "component")
        for index, name in enumerate(declared.depends_on)
    ]
    if declared.part is not None and "." in declared.part:
        if not is_setting(declared.part):
            location = document.locations.get(("part",))
            line = location.line if location else None
            yield Problem(document.file, line, "part", f"no setting {declared.part}", "")
    elif declared.part is not None:
        asked.append((("part",), declared.part, parts, "part"))
    for path, name, known, what in asked:
        if name not in known:
            hint = did_you_mean(name, list(known)) or f"the {what}s are {', '.join(known)}"
            location = document.locations.get(path)
            line = location.line if location else None
            yield Problem(document.file, line, dotted(path), f"no {what} {name}", hint)


def _rendered(file: Path, declared: Declaration, settings: Settings, context: Mapping[str, object]) -> Job:
    template = file.with_suffix(".json.j2")
    topics = {name: f"{settings.topics.prefix}{name}" for name in declared.topics}
    job_id = ".".join([*settings.group.strip("/").split("/"), file.stem])
    job: dict[str, Any] = {"id": job_id, "description": declared.description, "topics": topics}
    try:
        definition = read_definition(render_template(template, {**context, "job": job}))
    except TemplateFault as fault:
        raise BundleError([fault.problem]) from None
    if problems := _problems(definition):
        raise BundleError(problems)
    return Job(
        name=file.stem,
        id=job_id,
        description=declared.description,
        definition=definition.value,
        template=template,
        depends_on=declared.depends_on,
        topics=tuple(topics.values()),
        part=_part(declared, settings),
    )


def _part(declared: Declaration, settings: Settings) -> str | None:
    if declared.part is None or "." not in declared.part:
        return declared.part
    part: str | None = attrgetter(declared.part)(settings)
    return part


def _problems(definition: Definition) -> list[Problem]:
    job = definition.value
    found = [definition.problem(*one) for one in unknown_keys(job, METRONOME)]
    shape = [definition.problem(*one) for one in schema_errors(job, METRONOME)]
    run = job.get("run")
    if not shape and isinstance(run, dict) and ("cmd" in run) == ("args" in run):
        shape.append(definition.problem(("run",), "needs either cmd or args"))
    return [*found, *shape]
