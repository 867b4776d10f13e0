# One image for all apps of the bundle, and one with Spark besides (`--target spark`). Nothing is fetched when they run: Python packages,
# a Java, the jars of Flink's connector and file systems, and our own Java classes are inside.
#
# The digest is that of the base for all architectures. `make lock-base` replaces it; it asks the registry, so it needs Docker.
FROM python:3.11.14-slim-bookworm@sha256:65a93d69fa75478d554f4ad27c85c1e69fa184956261b4301ebaf6dbb0a3543d AS base

FROM base AS build
ENV PATH=/opt/pipectl/bin:$PATH PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /build

# What changes seldom comes first, so that a changed line of ours doesn't fetch it all again.
COPY requirements-build.txt requirements.txt ./
RUN python3 -m venv /opt/pipectl && \
    pip install --require-hashes -r requirements-build.txt && \
    pip install --require-hashes --use-pep517 --no-build-isolation -r requirements.txt

COPY . .
RUN python -m flink_scripts.jars /opt/pipectl/jars && \
    python -m flink_scripts.building flink_scripts/java && python -m flink_scripts.building gatherer/java && \
    pip install --no-deps --no-build-isolation .

# What no app uses: tests and examples of packages, Flink's Table API and SQL client, and what installed all of this.
RUN cd /opt/pipectl/lib/python3.11/site-packages && \
    find . -type d \( -name tests -o -name include -o -name examples \) -prune -exec rm -r {} + && \
    find . -type f -name '*_test.*py*' -delete && \
    rm -r pyflink/lib/flink-table-planner-loader-*.jar pyflink/lib/flink-scala_*.jar pyflink/opt/flink-sql-client-*.jar && \
    pip uninstall --yes setuptools pip

FROM base AS bundle
COPY --from=build /opt/pipectl /opt/pipectl

RUN useradd --uid 10001 --home-dir /tmp pipectl

# An agent may run the image as a user that it doesn't know: HOME is a folder that every user may write to, and PyFlink
# asks for a name.
ENV PATH=/opt/pipectl/bin:$PATH HOME=/tmp LOGNAME=pipectl PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 CLASS_ARCHIVES=off \
    FLINK_CONNECTOR_JARS=/opt/pipectl/jars/connector/flink-sql-connector-kafka-5.0.0-2.2.jar:/opt/pipectl/jars/connector/zstd-jni-1.5.6-10.jar \
    FLINK_PLUGINS_DIR=/opt/pipectl/jars/plugins \
    HADOOP_CLASSPATH=/opt/pipectl/jars/hadoop/*
USER 10001
WORKDIR /tmp

# For those who run it in Docker by hand; on DC/OS, Marathon's own checks count.
HEALTHCHECK --interval=10s --timeout=5s --start-period=120s \
    CMD ["python", "-c", "import os, socket; socket.create_connection(('127.0.0.1', int(os.environ['PORT0'])), 4)"]

# Marathon hands an app's args to the entry point.
ENTRYPOINT ["/usr/bin/env"]
CMD ["pipectl", "--help"]

# For the apps and jobs of Spark. What builds Spark's package stays out of it, and so do its examples.
FROM build AS spark-build
RUN python3 -m venv --clear /opt/installing && \
    /opt/installing/bin/pip install --require-hashes -r requirements-build.txt && \
    /opt/installing/bin/pip install --require-hashes --use-pep517 --no-build-isolation --no-deps \
        --target /opt/spark/lib/python3.11/site-packages -r requirements-spark.txt && \
    rm -r /opt/spark/lib/python3.11/site-packages/bin /opt/spark/lib/python3.11/site-packages/pyspark/examples && \
    python -m spark_jobs.locked /opt/spark/jars/spark

FROM bundle AS spark
COPY --from=spark-build /opt/spark /opt/pipectl
ENV SPARK_KAFKA_JARS=/opt/pipectl/jars/spark/commons-pool2-2.13.1.jar:/opt/pipectl/jars/spark/kafka-clients-3.9.2.jar:/opt/pipectl/jars/spark/spark-sql-kafka-0-10_2.13-4.2.0.jar:/opt/pipectl/jars/spark/spark-token-provider-kafka-0-10_2.13-4.2.0.jar

# The image without Spark is the one that a build without a target makes.
FROM bundle
