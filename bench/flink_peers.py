"""Peers that run on the same Flink as the gatherer: plain SQL, a DataStream job, and jobs that only read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ticks import PREFIX

from gatherer.settings import Settings

OUTPUT = f"{PREFIX}peer.datastream"

# What Flink's own SQL does of it: its JSON format skips what is no JSON and makes null of what is wrong, the
# window knows no exact sums, no median and no late tick that still counts.
SQL_SOURCE = """
CREATE TEMPORARY TABLE prices (
  ts TIMESTAMP(3),
  symbol STRING,
  price DECIMAL(17, 8),
  topic STRING METADATA VIRTUAL,
  event_time AS CASE WHEN price > 0 AND topic = 'bench.position.' || symbol THEN ts END,
  WATERMARK FOR event_time AS event_time - INTERVAL '0.5' SECOND(3)
) WITH (
  'connector' = 'kafka', 'topic-pattern' = '{pattern}', 'scan.startup.mode' = 'earliest-offset',
  'scan.bounded.mode' = 'latest-offset', 'properties.bootstrap.servers' = '{servers}',
  'format' = 'json', 'json.ignore-parse-errors' = 'true'
)"""
SQL_SINK = """
CREATE TEMPORARY TABLE sink (
  symbol STRING, n BIGINT, total DOUBLE, low DECIMAL(17, 8), high DECIMAL(17, 8), deviation DOUBLE
) WITH ('connector' = 'blackhole')"""
SQL_QUERY = """
INSERT INTO sink
SELECT symbol, COUNT(*), SUM(CAST(price AS DOUBLE)), MIN(price), MAX(price),
  STDDEV_SAMP(CAST(price AS DOUBLE))
FROM TUMBLE(TABLE prices, DESCRIPTOR(event_time), INTERVAL '1' SECOND)
WHERE event_time IS NOT NULL
GROUP BY symbol, window_start, window_end"""


def plain_sql(settings: Settings, stream: Any) -> None:
    """The same ticks in tumbling windows of a second, by SQL alone."""
    from pyflink.table import EnvironmentSettings, StreamTableEnvironment

    tables = StreamTableEnvironment.create(stream, EnvironmentSettings.in_streaming_mode())
    tables.get_config().set("table.optimizer.agg-phase-strategy", "TWO_PHASE")
    pattern, servers = settings.topics.position_pattern, settings.bootstrap_servers
    tables.execute_sql(SQL_SOURCE.format(pattern=pattern, servers=servers))
    tables.execute_sql(SQL_SINK)
    statements = tables.create_statement_set()
    statements.add_insert_sql(SQL_QUERY)
    statements.attach_as_datastream()


def data_stream(settings: Settings, stream: Any) -> None:
    """Windows of ten seconds every second, by Flink's own windows."""
    _java(stream).DataStreamJob.add(
        stream._j_stream_execution_environment,
        settings.bootstrap_servers,
        settings.topics.position_pattern,
        OUTPUT,
    )


def read(settings: Settings, stream: Any, *, parse: bool) -> None:
    """Read all records and discard them. parse: read each as the gatherer does; else look at its bytes."""
    _java(stream).ReadJob.add(
        stream._j_stream_execution_environment,
        settings.bootstrap_servers,
        settings.topics.position_pattern,
        settings.topics.position_start if parse else None,
    )


def _java(stream: Any) -> Any:
    """The package of the jobs in Java, with the jar that PEERS_JAR names."""
    from pyflink.java_gateway import get_gateway

    stream.add_jars(Path(os.environ["PEERS_JAR"]).as_uri())
    return get_gateway().jvm.peer
