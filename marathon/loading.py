"""Loads the settings of one cluster from defaults, cluster file, further files and overrides."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from pydantic import ValidationError

from marathon.areas import in_area
from marathon.catalogue import Catalogue
from marathon.components import parts_of
from marathon.cross_validation import cross_validate
from marathon.documents import Document, read_document
from marathon.errors import BundleError, Problem
from marathon.home import LOCAL, is_local, pipectl_home
from marathon.layers import Layers, as_written, override, without_keys
from marathon.messages import did_you_mean, path_of, problem_of
from marathon.paths import PACKAGE, dotted
from marathon.renamed import with_new_names
from marathon.settings import Settings, settings_model


def cluster_names(package: Path = PACKAGE) -> list[str]:
    """The names of all cluster files, sorted."""
    return sorted(file.stem for file in (package / "clusters").glob("*.yaml"))


def load_settings(
    cluster: str,
    *,
    catalogue: Catalogue,
    files: Iterable[str | os.PathLike[str]] = (),
    overrides: Iterable[str] = (),
    environ: Mapping[str, str] | None = None,
    warn: Callable[[Problem], object] = lambda problem: None,
    area: str | None = None,
    package: Path = PACKAGE,
) -> Settings:
    """The settings of `cluster`: defaults.yaml <- clusters/NAME.yaml <- `files` <- `overrides` ("a.b=c").

    `catalogue` lists the statistics and the kinds of signals. `environ` (default: this process's) holds
    PIPECTL_HOME, where Flink's state and the store `disk` are on `local`. `warn` is called for each
    deprecated name. `area`: the area of the bundle. `package` is the folder with defaults.yaml and clusters/.
    Raises `BundleError` with every error in every layer.
    """
    known = cluster_names(package)
    if cluster not in known and not is_local(cluster):
        hint = did_you_mean(cluster, known) or f"the clusters are {', '.join(known)}"
        message = f"unknown cluster; there is no file {package / 'clusters' / cluster}.yaml"
        raise BundleError([Problem(f"--cluster {cluster}", None, "", message, hint)])
    # A further local cluster has the settings of `local`, and its own file only if there is one.
    names = [LOCAL, *({cluster} & set(known) - {LOCAL})] if is_local(cluster) else [cluster]
    paths = [
        package / "defaults.yaml",
        *(package / "clusters" / f"{name}.yaml" for name in names),
        *map(Path, files),
    ]
    documents = [*map(read_document, paths), *map(override, overrides)]

    problems: list[Problem] = []
    layers, settings = Layers(), None
    for document in documents:
        document, warnings = with_new_names(document, layers)
        for warning in warnings:
            warn(warning)
        layers, settings, found = _overlay(layers, document, settings, settings_model(catalogue))
        problems += found
    if settings is not None:
        problems += _conflicts(settings, catalogue, layers, local=is_local(cluster))
        problems += _unknown_parts(settings, layers, list(parts_of(package)))
    if problems or settings is None:
        raise BundleError(problems)
    if is_local(cluster):
        settings = _with_local_folders(settings, environ)
    if area is not None:
        settings = in_area(settings, area)
    if settings.notebooks.users is None:
        notebooks = settings.notebooks.model_copy(update={"users": settings.accounts.people(area)})
        settings = settings.model_copy(update={"notebooks": notebooks})
    return settings


def _overlay(
    below: Layers, document: Document, before: Settings | None, model: type[Settings]
) -> tuple[Layers, Settings | None, list[Problem]]:
    """Overlay a document on valid layers; drop and report its invalid keys.

    Validating layer by layer reports an error that a higher layer hides. Dropping invalid keys lets the
    cross validation run whatever else is wrong.
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
        # YAML reads 0700 as a number. A text setting takes the text that was written.
        kinds = {path_of(detail): detail["type"] for detail in error.errors()}
        if texts := [path for path in document.written if kinds.get(path) == "string_type"]:
            return _overlay(below, as_written(document, texts), before, model)
        problems += [problem_of(detail, model, layers) for detail in error.errors()]
        layers = below.under(without_keys(document, [path_of(detail) for detail in error.errors()]))
    try:
        return layers, model.model_validate(layers.value), problems
    except ValidationError:
        return below, before, problems


def _conflicts(settings: Settings, catalogue: Catalogue, layers: Layers, *, local: bool) -> list[Problem]:
    problems = []
    for paths, message, hint in cross_validate(settings, catalogue, local=local):
        path = layers.latest(paths)
        location = layers.location(path)
        file, line = (location.file, location.line) if location else ("marathon/defaults.yaml", None)
        problems.append(Problem(file, line, dotted(path), message, hint))
    return problems


def _unknown_parts(settings: Settings, layers: Layers, known: list[str]) -> Iterator[Problem]:
    for index, part in enumerate(settings.parts):
        if part not in known and (location := layers.location(("parts", index))):
            hint = did_you_mean(part, known) or f"the parts are {', '.join(known)}"
            yield Problem(location.file, location.line, f"parts[{index}]", f"no part {part}", hint)


def _with_local_folders(settings: Settings, environ: Mapping[str, str] | None) -> Settings:
    """With the folders of this machine for those that no layer sets."""
    home, flink = pipectl_home(environ), settings.flink
    stores, notebooks = settings.stores, settings.notebooks
    if flink.state is None:
        # Not Path.as_uri(): Flink does not decode %20, and would create a folder of that name.
        flink = flink.model_copy(update={"state": f"file://{home / 'flink'}"})
    if stores.disk is None:
        stores = stores.model_copy(update={"disk": str(home / "store")})
    if notebooks.folder is None:
        notebooks = notebooks.model_copy(update={"folder": str(home / "notebooks")})
    return settings.model_copy(update={"flink": flink, "stores": stores, "notebooks": notebooks})
