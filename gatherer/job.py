"""Building the job in PyFlink and submitting it. Only this module and `operator.py` import pyflink.

What runs for each tick are the Java classes in `java/`; the graph of them is put together here.
"""

from __future__ import annotations

import sys
from typing import Any

from pyflink.common import Configuration, Types
from pyflink.datastream import DataStream, KeyedStream, StreamExecutionEnvironment
from pyflink.java_gateway import get_gateway

from gatherer.errors import SettingsError
from gatherer.kafka import consumer_properties, producer_properties
from gatherer.operator import INPUT, OUTPUT, Analysis
from gatherer.rows import PARTITIONS
from gatherer.settings import Settings

_OPTIONS = {
    # A record is not copied between the operators that handle it one after the other.
    "pipeline.object-reuse": "true",
    # How far a partition has got is told as it is, not as it was some looks ago.
    "pipeline.watermark-alignment.buffer-size": "1",
    # Python's worker hands over what it made when it has handled this much, at a watermark and at a
    # checkpoint.
    "python.fn-execution.bundle.size": "1000",
    "python.fn-execution.bundle.time": "50",
    "python.executable": sys.executable,
    "python.client.executable": sys.executable,
}
_KEY = Types.ROW([Types.STRING()])
# How long event time stands still for others when a partition comes back after silence of all.
_RETURN_MS = 1000
# How far a partition is read ahead of the slowest, in event time (what is ahead waits as panes), and how
# often that is looked at: what is read between two looks comes on top.
_AHEAD_MS, _ALIGN_MS = 600_000, 200


def environment() -> StreamExecutionEnvironment:
    """The environment that submits to where FLINK_CONF_DIR says."""
    # A Python client reads no configuration file by itself and would run the job in this process.
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
    """Add the whole job to `stream`. until_now: it ends with what the topics hold now."""
    panes = _panes(settings, stream, _readings(settings, stream, until_now))
    results = panes.process(Analysis(settings), output_type=OUTPUT).name("analysis").uid("analysis")
    results._j_data_stream.sinkTo(_sink(settings)).name("output").uid("output")


def submit(settings: Settings) -> None:
    """Submit the job as FLINK_CONF_DIR says, and return once the cluster has it.

    Raises SettingsError where Python lies in a folder that Flink can't start it from.
    """
    if any(map(str.isspace, sys.executable)):
        raise SettingsError(
            f"{sys.executable}: Flink can't start Python from a path with a space in it; install it elsewhere"
        )
    stream = environment()
    build(settings, stream)
    stream.execute_async(settings.job_name)


def _readings(settings: Settings, stream: StreamExecutionEnvironment, until_now: bool) -> DataStream:
    """A DataStream<Reading>: every record of every position topic and of the topic of limits.

    One subtask reads them, so there is one clock. Of several, each would have its own, and one that was idle
    would come back behind the others and not be waited for.
    """
    jvm = get_gateway().jvm
    topics = settings.topics
    pattern = jvm.java.util.regex.Pattern.compile(topics.position_pattern)
    prices = _source(
        settings, jvm.gatherer.PriceReader(topics.position_start, settings.future_ms), until_now
    ).setTopicPattern(pattern)
    limits = _source(settings, jvm.gatherer.LimitsReader(), until_now).setTopics([topics.limits])
    duration = jvm.java.time.Duration
    # A tick in what counts as future must not make its partition wait.
    ahead_ms = max(_AHEAD_MS, 2 * settings.future_ms)
    event_time = jvm.gatherer.EventTime(
        settings.watermark_ms, settings.idle_ms, _RETURN_MS
    ).withWatermarkAlignment("prices", duration.ofMillis(ahead_ms), duration.ofMillis(_ALIGN_MS))
    no_time = jvm.gatherer.EventTime(0, 0, 0)  # limits are no ticks, and so idle at once
    sources = [
        DataStream(stream._j_stream_execution_environment.fromSource(source.build(), time, name))
        .uid(name)
        .set_parallelism(1)
        for source, time, name in ((prices, event_time, "prices"), (limits, no_time, "limits"))
    ]
    return sources[0].union(sources[1])


def _source(settings: Settings, reader: Any, until_now: bool) -> Any:
    """A KafkaSourceBuilder, but for the topics."""
    jvm = get_gateway().jvm
    kafka = jvm.org.apache.flink.connector.kafka.source
    offsets = kafka.enumerator.initializer.OffsetsInitializer
    builder = kafka.KafkaSource.builder().setDeserializer(reader).setStartingOffsets(offsets.earliest())
    for key, value in consumer_properties(settings).items():
        builder.setProperty(key, value)
    return builder.setBounded(offsets.latest()) if until_now else builder


def _sink(settings: Settings) -> Any:
    jvm = get_gateway().jvm
    builder = jvm.org.apache.flink.connector.kafka.sink.KafkaSink.builder()
    builder.setBootstrapServers(settings.bootstrap_servers).setRecordSerializer(jvm.gatherer.Output())
    for key, value in producer_properties(settings).items():
        builder.setProperty(key, value)
    guarantee = jvm.org.apache.flink.connector.base.DeliveryGuarantee
    if settings.delivery == "exactly-once":
        builder.setDeliveryGuarantee(guarantee.EXACTLY_ONCE).setTransactionalIdPrefix(settings.job_name)
    else:
        builder.setDeliveryGuarantee(guarantee.AT_LEAST_ONCE)
    return builder.build()


def _panes(settings: Settings, stream: StreamExecutionEnvironment, readings: DataStream) -> KeyedStream:
    """The rows of `rows.Input`, keyed by symbol. readings: a DataStream<Reading>.

    Readings go to the subtask that has their symbol; there, panes are made and analysed without another
    exchange, in which the pane of one subtask could come behind the watermark of another.
    """
    jvm = get_gateway().jvm
    api = jvm.org.apache.flink.streaming.api.datastream
    topics, key = settings.topics, _KEY.get_java_type_info()
    by_symbol = readings._j_data_stream.keyBy(jvm.gatherer.Reading.Key(), key).getTransformation()
    operator = jvm.gatherer.Panes(
        topics.position_start, topics.limits, settings.pane_ms, settings.histogram, PARTITIONS
    )
    rows = (
        # No keyed stream: the operator has no keyed state, and its key need not be set for each tick.
        api.DataStream(stream._j_stream_execution_environment, by_symbol)
        .transform("panes", Types.ROW([Types.STRING(), INPUT]).get_java_type_info(), operator)
        .uid("panes")
    )
    selector = jvm.org.apache.flink.streaming.api.functions.python.KeyByKeySelector()
    keyed = api.DataStreamUtils.reinterpretAsKeyedStream(rows, selector, key)
    return KeyedStream(keyed, INPUT, DataStream(rows))
