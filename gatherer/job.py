"""Building the job in PyFlink and submitting it. The only module of the room that imports pyflink."""

from __future__ import annotations

from pyflink.common import Configuration
from pyflink.java_gateway import get_gateway
from pyflink.table import EnvironmentSettings, TableEnvironment

from gatherer.settings import Settings
from gatherer.statements import PLANNER_OPTIONS, moving_average_table, prices_table, statistics


def table_environment() -> TableEnvironment:
    """An environment that submits to where FLINK_CONF_DIR says, with the planner's options set."""
    # A TableEnvironment reads no configuration file by itself and would run the job in this process.
    loaded = get_gateway().jvm.org.apache.flink.configuration.GlobalConfiguration.loadConfiguration()
    mode = EnvironmentSettings.new_instance().in_streaming_mode()
    environment = TableEnvironment.create(
        mode.with_configuration(Configuration(j_configuration=loaded)).build()
    )
    for key, value in PLANNER_OPTIONS.items():
        environment.get_config().set(key, value)
    return environment


def submit(settings: Settings) -> None:
    """Submit the job as FLINK_CONF_DIR says, and return once the cluster has it."""
    environment = table_environment()
    environment.execute_sql(prices_table(settings))
    environment.execute_sql(moving_average_table(settings))
    environment.execute_sql(f"INSERT INTO moving_average {statistics(settings)}")
