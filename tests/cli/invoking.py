"""Running `pipectl` in this process."""

from __future__ import annotations

from pathlib import Path

import click
from click.testing import CliRunner, Result

from cli.__main__ import pipectl


def invoke(home: Path, *args: str, code: int = 0) -> Result:
    """Run a command with `home` as PIPECTL_HOME. It must end with this exit code, and no other exception."""
    runner = CliRunner(env={"PIPECTL_HOME": str(home)})
    result = runner.invoke(pipectl, args, standalone_mode=False)
    error = result.exception
    done = result.return_value if isinstance(result.return_value, int) else 0
    found = error.exit_code if isinstance(error, click.ClickException) else done
    assert error is None or isinstance(error, click.ClickException), result.exc_info
    assert found == code, (result.output, error)
    return result
