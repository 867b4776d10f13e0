"""Windows of ten seconds every second in Spark Structured Streaming, with ticks added up per second first.

python spark_windows.py SERVERS OUTPUT GROUP TOPIC...
"""

from __future__ import annotations

import sys

from pyspark.sql import functions as f

from spark_jobs.session import SessionSettings, spark_session

SERVERS, OUTPUT, GROUP, *TOPICS = sys.argv[1:]
TICK = "ts TIMESTAMP, symbol STRING, price DOUBLE"
FORM = {"timestampFormat": "yyyy-MM-dd HH:mm:ss.SSS"}
BATCH = 250_000

with spark_session(GROUP, SessionSettings(master="local[2]", driver_memory="1g")) as spark:
    spark.conf.set("spark.sql.shuffle.partitions", "2")
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    kafka = {"kafka.bootstrap.servers": SERVERS}
    records = (
        spark.readStream.format("kafka")
        .options(**kafka, subscribe=",".join(TOPICS), startingOffsets="earliest", maxOffsetsPerTrigger=BATCH)
        .load()
    )
    ticks = (
        records.select(f.from_json(f.col("value").cast("string"), TICK, FORM).alias("tick"))
        .select("tick.*")
        .withWatermark("ts", "500 milliseconds")
    )
    panes = ticks.groupBy(f.window("ts", "1 second"), "symbol").agg(
        f.count("price").alias("n"),
        f.sum("price").alias("total"),
        f.sum(f.col("price") * f.col("price")).alias("squares"),
        f.min("price").alias("low"),
        f.max("price").alias("high"),
    )
    ten = f.window(f.window_time("window"), "10 seconds", "1 second")
    windows = panes.groupBy(ten, "symbol").agg(
        f.sum("n").alias("count"),
        f.sum("total").alias("total"),
        f.sum("squares").alias("squares"),
        f.min("low").alias("min"),
        f.max("high").alias("max"),
    )
    record = f.struct(
        "symbol",
        f.unix_millis("window.end").alias("window_end"),
        "count",
        "min",
        "max",
        (f.col("total") / f.col("count")).alias("mean"),
        f.expr("sqrt(greatest(0, squares - total * total / count) / nullif(count - 1, 0))").alias("stddev"),
    )
    query = (
        windows.select("symbol", f.to_json(record, {"ignoreNullFields": "false"}).alias("value"))
        .withColumnRenamed("symbol", "key")
        .writeStream.format("kafka")
        .options(**kafka, topic=OUTPUT, checkpointLocation="state")
        .trigger(availableNow=True)
        .start()
    )
    query.awaitTermination()
