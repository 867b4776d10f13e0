"""The jars of this package, each checked by its SHA-256 in jars.lock.

python -m spark_jobs.locked           write jars.lock again, after a coordinate has changed
python -m spark_jobs.locked FOLDER    copy the jars that an image needs into a folder
"""

from __future__ import annotations

import shutil
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


def main(folder: str | None = None) -> str | None:
    """Lock every jar that this package uses, or copy them to a folder. Returns the error message, or None."""
    try:
        if folder is None:
            LOCK.write(KAFKA)
        else:
            Path(folder).mkdir(parents=True, exist_ok=True)
            for jar in LOCK.fetch(KAFKA):
                shutil.copy(jar, folder)
    except JarError as error:
        return f"spark_jobs.locked: {error}"
    return None


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
