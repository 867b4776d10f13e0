"""The census: a version of the data set is in the topic once."""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from data_generator.sources.census import _FILE, main, values_of, version_to_load
from data_generator.sources.replay import main as replay
from kafka_topic.contracts import CensusValue
from kafka_topic.errors import ContractError
from kafka_topic.security import use
from task_runtime.errors import SettingsError

REGIONS = {"Northeast": 9, "Midwest": 12, "South": 17, "West": 13}


def test_the_data_set_has_all_states_in_the_regions_of_the_census_bureau():
    rows = list(csv.DictReader(_FILE.read_text().splitlines()))
    assert Counter(row["region"] for row in rows) == REGIONS
    assert len({row["state"] for row in rows}) == 51
    values = values_of(_FILE)
    assert len(values) == 51 * 5
    assert all(0 < each.value <= 100 for each in values)
    assert CensusValue.from_json(values[0].to_json()) == values[0]


def test_a_value_that_is_no_number_is_refused():
    with pytest.raises(ContractError, match="'value'"):
        CensusValue("v", "Ohio", "Midwest", "poverty", float("nan"), "%")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("state,poverty\nOhio,15.3\n", "own.csv: no column region"),
        ("state,region,poverty\nOhio,Midwest,15.3\nIowa,Midwest,x\n", "own.csv:3: .*'x'"),
        ("state,region,poverty\nOhio,Midwest\n", "own.csv:2: "),
        ("state,region,poverty\nOhio,Midwest,15.3,1\n", "own.csv:2: "),
        ("state,region,poverty\nOhio,Midwest,nan\n", "own.csv:2: field 'value'"),
    ],
)
def test_a_data_set_that_cannot_be_read_is_named(tmp_path: Path, text: str, said: str):
    file = tmp_path / "own.csv"
    file.write_text(text)
    with pytest.raises(SettingsError, match=said):
        values_of(file)


@pytest.mark.parametrize(
    ("command", "text"), [(main, "state,region,a\nOhio,Midwest,1\n"), (replay, "ts,price\n2020-08-31,1\n")]
)
def test_an_invalid_login_is_one_line(tmp_path: Path, caplog, command, text: str):
    file = tmp_path / "own.csv"
    file.write_text(text)
    argv = ["--file", str(file)] if command is main else [str(file)]
    use(None)
    env = {"KAFKA_SECURITY_PROTOCOL": "SASL_SSL"}
    done = CliRunner(env=env).invoke(command, [*argv, "--bootstrap-servers", "127.0.0.1:1"])
    assert done.exit_code == 2 and "KAFKA_" in caplog.text


@pytest.mark.parametrize(
    ("loaded", "version"),
    [
        ([], "a"),
        (["a"], "a"),
        (["b"], "a"),
        (["a", "b"], "a-2"),
        (["a", "b", "a-2"], "a-2"),
        (["a", "b", "a-2", "b-2"], "a-3"),
    ],
)
def test_a_file_that_comes_back_is_a_version_of_its_own(loaded: list[str], version: str):
    assert version_to_load("a", loaded) == version


@pytest.mark.slow
def test_a_version_is_loaded_once_and_another_one_after_it(kafka, tmp_path: Path):
    kafka.create("census-test")

    def load(*more: str) -> str:
        argv = ["--bootstrap-servers", kafka.bootstrap_servers, "--topic", "census-test", *more]
        done = CliRunner().invoke(main, argv)
        assert done.exit_code == 0, done.output
        return done.output

    assert "255 values, version" in (first := load()) and "this run wrote 255" in first
    assert "this run wrote 0" in load()
    changed = tmp_path / "changed.csv"
    changed.write_text("state,region,poverty\nOhio,Midwest,15.3\n")
    for wrote in (1, 0):
        assert f"this run wrote {wrote}" in load("--file", str(changed))
    # It comes back after another one, and is loaded once more, as a version of its own.
    for wrote in (255, 0):
        assert f"this run wrote {wrote}" in load()
    found = [CensusValue.from_json(each.value() or b"") for each in kafka.records("census-test")]
    again = [replace(value, version=f"{value.version}-2") for value in values_of(_FILE)]
    assert found == values_of(_FILE) + values_of(changed) + again
