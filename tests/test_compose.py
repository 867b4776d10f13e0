"""compose.yaml fits the Compose specification and the project."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML

from dashboard.settings import Settings

ROOT = Path(__file__).parent.parent
SCHEMA = json.loads((ROOT / "tests" / "schema" / "compose-spec.json").read_text())
COMPOSE: dict[str, Any] = YAML(typ="safe").load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]


def test_it_fits_the_specification() -> None:
    jsonschema.validate(COMPOSE, SCHEMA)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"services": {"kafka": {"imag": "kafka"}}}, SCHEMA)


def test_the_services_of_the_exercise_are_there() -> None:
    assert SERVICES.keys() >= {"kafka", "producer", "consumer", "page"}
    assert SERVICES["page"]["ports"] == ["127.0.0.1:3030:3030"]
    for name, service in SERVICES.items():
        assert service.get("depends_on", {}).keys() <= SERVICES.keys() - {name}


@pytest.mark.parametrize("name", ["producer", "consumer", "page"])
def test_each_runs_a_module_of_the_project(name: str) -> None:
    python, option, module, *_ = SERVICES[name]["command"]
    assert (python, option) == ("python", "-m")
    assert importlib.util.find_spec(module) is not None


def test_the_page_takes_its_environment() -> None:
    settings = Settings.from_environ(SERVICES["page"]["environment"])
    assert settings.names == {"localhost", "127.0.0.1"}
    assert settings.port == 3030 and [flow.topic for flow in settings.flows] == ["prices"]


def test_only_the_report_has_the_image_with_spark() -> None:
    builds = {name: service["build"] for name, service in SERVICES.items() if "build" in service}
    assert builds == {"producer": ".", "page": ".", "consumer": {"context": ".", "target": "spark"}}


def test_kafka_is_the_version_that_the_project_runs() -> None:
    from local_dcos.kafka.jars import KAFKA_VERSION

    assert SERVICES["kafka"]["image"] == f"apache/kafka:{KAFKA_VERSION}"
