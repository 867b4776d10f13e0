"""The entry point of `pipectl`."""

import importlib
import sys

import click

from cli import __version__, standard_streams
from cli.commands import SHORT_HELP


class _Verbs(click.Group):
    """Imports the module of a verb only when the verb is used, so that `--help` is fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(SHORT_HELP)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in SHORT_HELP:
            return None
        command: click.Command = importlib.import_module(f"cli.commands.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(SHORT_HELP.items()))


@click.command(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="pipectl")
def pipectl() -> None:
    """Deploy a streaming volatility pipeline to a DC/OS cluster or this machine, and verify that data flows.

    \b
    Exit codes: 0 success or healthy, 1 error, 2 invalid usage or settings,
    3 timeout or no answer, 4 unhealthy, 130 interrupted.

    \b
    Example:
      pipectl deploy              # real Kafka and real Flink on this machine
      pipectl watch --position AAPL
      pipectl deploy --cluster prod
    """


def main() -> None:
    """Run `pipectl`. Ctrl-C ends it with exit code 130 and no traceback."""
    standard_streams.prepare()
    try:
        sys.exit(_run())
    except standard_streams.ReaderGone:
        standard_streams.end_as_if_piped()


def _run() -> int:
    colour = standard_streams.colour()
    # Errors are shown after the command's own context has ended.
    with click.Context(pipectl, color=colour).scope(cleanup=False):
        try:
            code = pipectl.main(standalone_mode=False, color=colour)
            sys.stdout.flush()
        except click.exceptions.Abort:
            click.secho("interrupted", fg="yellow", err=True)
            return 130
        except click.ClickException as error:
            error.show()
            return error.exit_code
        except OSError as error:
            standard_streams.discard()
            click.secho(f"error: {error}", fg="red", err=True)
            return 1
    return code if isinstance(code, int) else 0


if __name__ == "__main__":
    main()
