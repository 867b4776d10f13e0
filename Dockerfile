# One image for all apps of the bundle. Nothing is fetched when it runs: Python packages, a Java, the jars of
# Flink's connector and file systems, and our own Java classes are inside.
FROM python:3.11.14-slim-bookworm

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /opt/pipectl

# What changes seldom comes first, so that a changed line of ours doesn't fetch it all again.
COPY constraints.txt setup.cfg pyproject.toml build_backend.py README.md LICENSE ./
COPY cli/__init__.py cli/__init__.py
RUN python -m pip install --no-cache-dir -c constraints.txt '.[local]'

COPY . .
RUN python -m flink_scripts.building flink_scripts/java && python -m flink_scripts.building gatherer/java && \
    python -m pip install --no-cache-dir --no-deps . && rm -rf build *.egg-info
RUN python -m flink_scripts.jars /opt/pipectl/jars

ENV FLINK_CONNECTOR_JARS=/opt/pipectl/jars/connector/flink-sql-connector-kafka-5.0.0-2.2.jar:/opt/pipectl/jars/connector/zstd-jni-1.5.6-10.jar \
    FLINK_PLUGINS_DIR=/opt/pipectl/jars/plugins \
    HADOOP_CLASSPATH=/opt/pipectl/jars/hadoop/*

# Not root: a task needs to write in its sandbox only.
RUN useradd --uid 10001 --create-home pipectl
USER 10001
WORKDIR /home/pipectl

# For those who run it in Docker by hand; on DC/OS, Marathon's own checks count.
HEALTHCHECK --interval=10s --timeout=5s --start-period=120s \
    CMD ["python", "-c", "import os, socket; socket.create_connection(('127.0.0.1', int(os.environ['PORT0'])), 4)"]

# Marathon hands an app's args to the entry point.
ENTRYPOINT ["/usr/bin/env"]
CMD ["pipectl", "--help"]
