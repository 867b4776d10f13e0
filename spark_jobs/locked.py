"""The jars of this package, each checked by its SHA-256 in jars.lock.

python -m spark_jobs.locked    write jars.lock again, after a coordinate has changed
"""

from __future__ import annotations

import sys
from pathlib import Path

from jvm.errors import JarError
from jvm.lock import JarLock

SPARK = "4.2.0"
# The connector, and its dependencies that Spark's own jars lack.
KAFKA = (
    f"org.apache.spark:spark-sql-kafka-0-10_2.13:{SPARK}",
    f"org.apache.spark:spark-token-provider-kafka-0-10_2.13:{SPARK}",
    "org.apache.kafka:kafka-clients:3.9.2",
    "org.apache.commons:commons-pool2:2.13.1",
)
LOCK = JarLock(Path(__file__).with_name("jars.lock"))


def main() -> str | None:
    """Lock every jar that this package uses. Returns the error message, or None."""
    try:
        LOCK.write(KAFKA)
    except JarError as error:
        return f"spark_jobs.locked: {error}"
    return None


if __name__ == "__main__":
    sys.exit(main())
