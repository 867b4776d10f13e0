"""Renders settings into a bundle: app and job definitions and package options, all checked."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from marathon.app_schema import schema_errors, unknown_keys
from marathon.components import read_components
from marathon.definition import Definition, read_definition
from marathon.errors import BundleError, Problem
from marathon.flows import flow_list
from marathon.job_definitions import render_jobs
from marathon.layers import merge
from marathon.model import PART, App, Bundle, Package, Part
from marathon.paths import PACKAGE
from marathon.rules import findings
from marathon.secrets import Logins
from marathon.settings import Settings
from marathon.sizing import python_mem
from marathon.templates import TemplateFault, render_template


def render(settings: Settings, *, with_parts: Collection[str] = (), package: Path = PACKAGE) -> Bundle:
    """The bundle of `settings`, from the components and templates in `package`.

    `with_parts`: further optional parts. A label marks their apps.

    Raises `BundleError` with every error: an undefined name, text that skipped `tojson`, invalid JSON, a
    value that Marathon's schema rejects, a broken Marathon rule. Each names its template and line.
    """
    context: dict[str, object] = {name: getattr(settings, name) for name in Settings.model_fields}
    context |= {
        "names": settings.names,
        "freshness": settings.freshness,
        "python_mem": python_mem(settings),
        "flow_list": flow_list(settings.flows),
    }
    components = read_components(package)
    more = frozenset(with_parts) - frozenset(settings.parts)
    context["enabled_parts"] = enabled_parts = sorted(more | frozenset(settings.parts))
    context["store_addresses"] = {
        **settings.stores.addresses,
        **{
            store: address
            for store, address in (
                ("cassandra", settings.names.cassandra),
                ("mysql", settings.names.mysql),
                ("hdfs", settings.names.hdfs),
            )
            if store in enabled_parts
        },
    }
    # No flow ends in MySQL.
    flow_stores = [
        section
        for part, section in (("cassandra", settings.cassandra), ("hdfs", settings.hdfs))
        if part in enabled_parts
    ]
    context["flow_logins"] = Logins.of(flow_stores)
    context["store_logins"] = Logins.of(
        [*flow_stores, *([settings.mysql] if "mysql" in enabled_parts else [])]
    )
    on = components.enabled(settings, more | frozenset(settings.parts))
    problems: list[Problem] = []
    definitions: dict[str, Definition] = {}
    for name, component in sorted(on.items()):
        if component.kind == "step":
            continue
        template = package / f"{component.kind}s" / f"{name}.json.j2"
        try:
            definitions[name] = read_definition(render_template(template, context))
        except TemplateFault as fault:
            problems.append(fault.problem)
    packages = {name: definitions.pop(name) for name in list(definitions) if on[name].kind == "package"}
    for definition in definitions.values():
        problems += _app_problems(definition)
    problems += _bundle_problems(settings.group, definitions)
    jobs, job_problems = render_jobs(
        settings, context, components=components.names(), parts=components.parts, package=package
    )
    problems += job_problems
    if problems:
        raise BundleError(problems)

    for name, definition in definitions.items():
        if (part := on[name].part) in more:
            definition.value.setdefault("labels", {})[PART] = part
    apps = {
        name: App(name, definition.value["id"], definition.value, package / "apps" / f"{name}.json.j2")
        for name, definition in definitions.items()
    }
    kafka, cassandra, mysql, hdfs = settings.kafka, settings.cassandra, settings.mysql, settings.hdfs
    services = {
        "kafka": (kafka.package, kafka.version, kafka.service, kafka.options),
        "cassandra": ("cassandra", cassandra.version, cassandra.service, cassandra.options),
        "mysql": ("mysql", None, mysql.service, mysql.options),
        "hdfs": ("hdfs", hdfs.version, hdfs.service, hdfs.options),
    }
    made = {}
    for name, definition in packages.items():
        package_name, version, service, more_options = services[name]
        made[name] = Package(package_name, version, service, merge(definition.value, more_options))
    return Bundle(
        MappingProxyType(apps),
        MappingProxyType(made),
        MappingProxyType(on),
        MappingProxyType(jobs),
    )


def parts(settings: Settings, *, package: Path = PACKAGE) -> dict[str, Part]:
    """All optional parts by name."""
    components = read_components(package)
    return {name: components.part(name, settings) for name in components.parts}


def _app_problems(definition: Definition) -> list[Problem]:
    app = definition.value
    invalid = [definition.problem(*found) for found in schema_errors(app)]
    # The rules expect values of the right types. Unknown keys do them no harm.
    rules = [] if invalid else [definition.problem(*found) for found in findings(app)]
    return [*(definition.problem(*found) for found in unknown_keys(app)), *invalid, *rules]


def _bundle_problems(group: str, definitions: Mapping[str, Definition]) -> Iterator[Problem]:
    owners: dict[str, str] = {}
    for definition in definitions.values():
        path = definition.value.get("id")
        if not isinstance(path, str):
            continue
        if not path.startswith(f"{group}/"):
            yield definition.problem(("id",), f"{path!r} is not in the group {group}")
        if path in owners:
            yield definition.problem(("id",), f"{path!r} is also the id of {owners[path]}")
        owners.setdefault(path, definition.file)
