"""Reading the settings of one cluster: defaults, cluster file, files, overrides, checked together."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from platformdirs import user_data_path
from pydantic import ValidationError

from marathon.agreement import disagreements
from marathon.catalogue import Catalogue
from marathon.components import parts_of
from marathon.documents import Document, read_document
from marathon.errors import BundleError, Problem
from marathon.layers import Layers, as_written, override, without
from marathon.paths import ROOM, dotted
from marathon.settings import Settings, settings_model
from marathon.wording import did_you_mean, path_of, problem_of

LOCAL = "local"
"""The cluster on this machine. Only there is Flink's state a folder that need not be named."""


def cluster_names(room: Path = ROOM) -> list[str]:
    """The clusters there is a file for, sorted."""
    return sorted(file.stem for file in (room / "clusters").glob("*.yaml"))


def load_settings(
    cluster: str,
    *,
    catalogue: Catalogue,
    files: Iterable[str | os.PathLike[str]] = (),
    overrides: Iterable[str] = (),
    environ: Mapping[str, str] | None = None,
    room: Path = ROOM,
) -> Settings:
    """The settings of `cluster`: defaults.yaml <- clusters/NAME.yaml <- `files` <- `overrides` ("a.b=c").

    `catalogue` says which statistics and kinds of signals there are. `environ` (default: this process's)
    tells where PIPECTL_HOME is, below which Flink keeps its state on `local`. `room` is the folder with
    defaults.yaml and clusters/. Raises `BundleError` with every mistake in every layer.
    """
    known = cluster_names(room)
    if cluster not in known:
        hint = did_you_mean(cluster, known) or f"there are {', '.join(known)}"
        message = f"unknown cluster; there is no file {room / 'clusters' / cluster}.yaml"
        raise BundleError([Problem(f"--cluster {cluster}", None, "", message, hint)])
    paths = [room / "defaults.yaml", room / "clusters" / f"{cluster}.yaml", *map(Path, files)]
    documents = [*map(read_document, paths), *map(override, overrides)]

    problems: list[Problem] = []
    layers, settings = Layers(), None
    for document in documents:
        layers, settings, found = _laid_over(layers, document, settings, settings_model(catalogue))
        problems += found
    if settings is not None:
        problems += _disagreements(settings, catalogue, layers, local=cluster == LOCAL)
        problems += _unknown_parts(settings, layers, list(parts_of(room)))
    if problems or settings is None:
        raise BundleError(problems)
    return settings if settings.flink.state else _with_local_state(settings, environ)


def _laid_over(
    below: Layers, document: Document, before: Settings | None, model: type[Settings]
) -> tuple[Layers, Settings | None, list[Problem]]:
    """`document` laid over layers that are right so far, less its mistakes, which are told.

    Checking layer by layer tells a mistake that a later layer hides, and leaving each one out lets the checks
    of settings against one another run whatever else is wrong.
    """
    problems = list(document.problems)
    if document.value is None:
        return below, before, problems
    if not isinstance(document.value, dict):
        return below, before, [*problems, Problem(document.file, 1, "", "expected a mapping of settings")]
    layers = below.under(document)
    try:
        return layers, model.model_validate(layers.value), problems
    except ValidationError as error:
        # YAML takes 0700 for a number; where a setting is text, it is the text that was written.
        kinds = {path_of(detail): detail["type"] for detail in error.errors()}
        if texts := [path for path in document.written if kinds.get(path) == "string_type"]:
            return _laid_over(below, as_written(document, texts), before, model)
        problems += [problem_of(detail, model, layers) for detail in error.errors()]
        layers = below.under(without(document, [path_of(detail) for detail in error.errors()]))
    try:
        return layers, model.model_validate(layers.value), problems
    except ValidationError:
        return below, before, problems


def _disagreements(settings: Settings, catalogue: Catalogue, layers: Layers, *, local: bool) -> list[Problem]:
    problems = []
    for paths, message, hint in disagreements(settings, catalogue, local=local):
        path = layers.latest(paths)
        place = layers.place(path)
        file, line = (place.file, place.line) if place else ("marathon/defaults.yaml", None)
        problems.append(Problem(file, line, dotted(path), message, hint))
    return problems


def _unknown_parts(settings: Settings, layers: Layers, known: list[str]) -> Iterator[Problem]:
    for index, part in enumerate(settings.parts):
        if part not in known and (place := layers.place(("parts", index))):
            hint = did_you_mean(part, known) or f"there are {', '.join(known)}"
            yield Problem(place.file, place.line, f"parts[{index}]", f"no part {part}", hint)


def _with_local_state(settings: Settings, environ: Mapping[str, str] | None) -> Settings:
    home = (os.environ if environ is None else environ).get("PIPECTL_HOME")
    folder = Path(home).expanduser().absolute() if home else user_data_path("pipectl")
    # Not Path.as_uri(): Flink takes a path as it is, and would make a folder named with %20.
    flink = settings.flink.model_copy(update={"state": f"file://{folder / 'flink'}"})
    return settings.model_copy(update={"flink": flink})
