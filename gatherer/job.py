"""Building the job in PyFlink and submitting it. Only this module and `operator.py` import pyflink."""

from __future__ import annotations

import sys

from pyflink.common import Configuration, Types
from pyflink.datastream import StreamExecutionEnvironment
from pyflink.java_gateway import get_gateway
from pyflink.table import EnvironmentSettings, StreamTableEnvironment, Table

from gatherer.errors import SettingsError
from gatherer.operator import OUTPUT, Analysis
from gatherer.settings import Settings
from gatherer.statements import (
    PLANNER_OPTIONS,
    analysis_input,
    limits_table,
    output_table,
    prices_table,
)

# Python's worker hands over what it made when it has handled this much, at a watermark and at a checkpoint.
_PYTHON_OPTIONS = {
    "python.fn-execution.bundle.size": "1000",
    "python.fn-execution.bundle.time": "50",
    "python.executable": sys.executable,
    "python.client.executable": sys.executable,
}


def environments() -> tuple[StreamExecutionEnvironment, StreamTableEnvironment]:
    """Environments that submit to where FLINK_CONF_DIR says, with the planner's options set."""
    # A Python client reads no configuration file by itself and would run the job in this process.
    jvm = get_gateway().jvm
    configuration = Configuration(
        j_configuration=jvm.org.apache.flink.configuration.GlobalConfiguration.loadConfiguration()
    )
    for key, value in {**PLANNER_OPTIONS, **_PYTHON_OPTIONS}.items():
        configuration.set_string(key, value)
    stream = StreamExecutionEnvironment(
        jvm.org.apache.flink.streaming.api.environment.StreamExecutionEnvironment(
            configuration._j_configuration
        )
    )
    mode = EnvironmentSettings.new_instance().in_streaming_mode().with_configuration(configuration).build()
    tables = StreamTableEnvironment.create(stream, mode)
    tables.execute_sql("CREATE TEMPORARY SYSTEM FUNCTION PANE AS 'gatherer.Pane'")
    return stream, tables


def analysed(settings: Settings, tables: StreamTableEnvironment, query: str) -> Table:
    """The rows of OUTPUT that the analysis makes of the rows of `query` (see analysis_input)."""
    rows = tables.to_data_stream(tables.sql_query(query))
    results = (
        rows.key_by(lambda row: row[0], key_type=Types.STRING())
        .process(Analysis(settings), output_type=OUTPUT)
        .name("analysis")
        .uid("analysis")
    )
    return tables.from_data_stream(results)


def submit(settings: Settings) -> None:
    """Submit the job as FLINK_CONF_DIR says, and return once the cluster has it.

    Raises SettingsError where Python lies in a folder that Flink can't start it from.
    """
    if any(map(str.isspace, sys.executable)):
        raise SettingsError(
            f"{sys.executable}: Flink can't start Python from a path with a space in it; install it elsewhere"
        )
    stream, tables = environments()
    for statement in (prices_table(settings), limits_table(settings), output_table(settings)):
        tables.execute_sql(statement)
    statements = tables.create_statement_set()
    statements.add_insert("output", analysed(settings, tables, analysis_input(settings)))
    statements.attach_as_datastream()
    stream.execute_async(settings.job_name)
