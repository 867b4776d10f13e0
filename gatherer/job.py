"""Builds the job in PyFlink and submits it. Only this module imports pyflink.

The Java classes in `java/` handle each tick and run the analysis in Python; this module connects them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from pyflink.common import Configuration
from pyflink.datastream import StreamExecutionEnvironment
from pyflink.java_gateway import get_gateway

from gatherer.answers import DEAD_LETTER, MOVING_AVERAGE, SIGNALS
from gatherer.kafka import consumer_properties, producer_properties
from gatherer.settings import Settings

_OPTIONS = {
    # Chained operators pass records on without copying them.
    "pipeline.object-reuse": "true",
}


def environment() -> StreamExecutionEnvironment:
    """The environment that submits to the cluster in FLINK_CONF_DIR."""
    # By itself, a Python client reads no configuration file and runs the job in this process.
    jvm = get_gateway().jvm
    configuration = Configuration(
        j_configuration=jvm.org.apache.flink.configuration.GlobalConfiguration.loadConfiguration()
    )
    for key, value in _OPTIONS.items():
        configuration.set_string(key, value)
    return StreamExecutionEnvironment(
        jvm.org.apache.flink.streaming.api.environment.StreamExecutionEnvironment(
            configuration._j_configuration
        )
    )


def build(settings: Settings, stream: StreamExecutionEnvironment, *, until_now: bool = False) -> None:
    """Add the whole job to `stream`. until_now: it ends after the records that the topics hold now."""
    results = _analysed(settings, _updates(settings, stream, until_now))
    results.sinkTo(_sink(settings)).name("output").uid("output")


def submit(settings: Settings) -> None:
    """Submit the job to the cluster in FLINK_CONF_DIR, and return once the cluster has it."""
    stream = environment()
    build(settings, stream)
    stream.execute_async(settings.job_name)


def _updates(settings: Settings, stream: StreamExecutionEnvironment, until_now: bool) -> Any:
    """A Java DataStream<Update>: the panes of all prices, records that can't be used, and limits."""
    jvm = get_gateway().jvm
    watermarks = jvm.org.apache.flink.api.common.eventtime.WatermarkStrategy.noWatermarks()
    source = jvm.gatherer.source.LogSource(_source_settings(settings, until_now))
    return stream._j_stream_execution_environment.fromSource(source, watermarks, "prices").uid("prices")


def _source_settings(settings: Settings, until_now: bool) -> Any:
    gateway = get_gateway()
    jvm, topics = gateway.jvm, settings.topics
    properties = jvm.java.util.Properties()
    for key, value in consumer_properties(settings).items():
        properties.setProperty(key, value)
    formats = jvm.gatherer.records.InputFormat
    inputs = jvm.java.util.ArrayList([formats.positions(topics.position_start)])
    inputs.addAll(formats.parse(settings.inputs_json))
    return jvm.gatherer.source.SourceSettings(
        inputs,
        topics.limits,
        jvm.gatherer.panes.PaneSettings(
            _windows(settings), settings.max_out_of_orderness_ms, settings.idle_timeout_ms, settings.histogram
        ),
        settings.max_clock_skew_ms,
        settings.discovery_interval_ms,
        properties,
        until_now,
    )


def _windows(settings: Settings) -> Any:
    """A Java Windows."""
    return get_gateway().jvm.gatherer.panes.Windows(
        _longs(window.length_ms for window in settings.windows),
        _longs(window.slide_ms for window in settings.windows),
    )


def _longs(values: Iterable[int]) -> Any:
    """A Java long[]."""
    gateway, numbers = get_gateway(), list(values)
    array = gateway.new_array(gateway.jvm.long, len(numbers))
    for index, number in enumerate(numbers):
        array[index] = number
    return array


def _sink(settings: Settings) -> Any:
    jvm = get_gateway().jvm
    builder = jvm.org.apache.flink.connector.kafka.sink.KafkaSink.builder()
    builder.setBootstrapServers(settings.bootstrap_servers).setRecordSerializer(
        jvm.gatherer.sink.RecordSerializer()
    )
    for key, value in producer_properties(settings).items():
        builder.setProperty(key, value)
    guarantee = jvm.org.apache.flink.connector.base.DeliveryGuarantee
    if settings.delivery == "exactly-once":
        builder.setDeliveryGuarantee(guarantee.EXACTLY_ONCE).setTransactionalIdPrefix(settings.job_name)
    else:
        builder.setDeliveryGuarantee(guarantee.AT_LEAST_ONCE)
    return builder.build()


def _analysed(settings: Settings, updates: Any) -> Any:
    """A Java DataStream<Result> of all results. updates: a Java DataStream<Update>.

    They go to the subtask that has their symbol. There, the panes of several partitions are merged and
    analysed without another exchange.
    """
    gateway = get_gateway()
    jvm, topics = gateway.jvm, settings.topics
    api = jvm.org.apache.flink.streaming.api.datastream
    key = jvm.gatherer.Update.Key()
    merged = (
        updates.keyBy(key)
        .process(jvm.gatherer.panes.PositionMerge(_windows(settings)))
        .name("merge")
        .uid("merge")
    )
    names = {
        MOVING_AVERAGE: topics.moving_average,
        SIGNALS: topics.signals,
        DEAD_LETTER: topics.dead_letter,
    }
    factory = jvm.gatherer.analysis.AnalysisFactory(
        _strings([sys.executable, "-m", "gatherer.worker"]),
        settings.analysis.to_json(),
        _strings([names[number] for number in sorted(names)]),
    )
    return (
        api.DataStreamUtils.reinterpretAsKeyedStream(merged, key)
        .transform("analysis", jvm.gatherer.analysis.Result.TYPE, factory)
        .uid("analysis")
    )


def _strings(values: Iterable[str]) -> Any:
    """A Java List<String>."""
    strings = get_gateway().jvm.java.util.ArrayList()
    for value in values:
        strings.add(value)
    return strings
