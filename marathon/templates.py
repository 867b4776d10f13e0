"""Renders templates, and records the template line of each part of the text.

Every value must pass through the filter `tojson`. Any other text could break the JSON or change its meaning,
so it is rejected.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from itertools import accumulate
from pathlib import Path
from types import TracebackType
from typing import Any

import jinja2
from jinja2.ext import Extension
from jinja2.lexer import Token, TokenStream
from jinja2.utils import missing

from marathon.durations import format_duration, seconds
from marathon.errors import Problem
from marathon.messages import did_you_mean
from marathon.paths import shown

# A mark in the rendered text: the following text came from this template and line. JSON text contains neither
# control character, since `tojson` escapes them.
_MARK = re.compile("\x02([^\x02\x03:]+):([0-9]+)\x03")


@dataclass(frozen=True)
class Rendered:
    """The text of a rendered template, and the origin of each part."""

    template: Path
    text: str
    starts: tuple[int, ...]
    """The start of each part in `text`, ascending."""
    origins: tuple[tuple[Path, int], ...]
    """The template and line of each part."""

    def origin(self, offset: int) -> tuple[Path, int]:
        """The template and line of the character at `offset`."""
        part = bisect_right(self.starts, offset) - 1
        return self.origins[part] if part >= 0 else (self.template, 1)


class TemplateFault(Exception):
    """A template cannot be rendered."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


def render_template(template: Path, context: Mapping[str, object]) -> Rendered:
    """Render `template` with `context`. Raises `TemplateFault` with the template's line."""
    try:
        marked = _environment(template.parent).get_template(template.name).render(context)
    except jinja2.TemplateNotFound as error:
        raise _fault(template.parent / str(error.name), None, "no such file") from None
    except jinja2.TemplateSyntaxError as error:
        file = Path(error.filename) if error.filename else template
        raise _fault(file, error.lineno, f"template syntax: {error.message}") from None
    except _UndefinedName as error:
        hint = did_you_mean(error.name, error.choices or list(context))
        raise _fault(*_origin_of(error.__traceback__, template), str(error), hint) from None
    except Exception as error:  # an expression in a template can fail in any way
        raise _fault(*_origin_of(error.__traceback__, template), str(error)) from None
    return _unmarked(template, marked)


def _fault(template: Path, line: int | None, message: str, hint: str = "") -> TemplateFault:
    return TemplateFault(Problem(shown(template), line, "", message, hint))


def _origin_of(traceback: TracebackType | None, template: Path) -> tuple[Path, int | None]:
    """The template and line that raised an exception, from the template frames in Jinja2's traceback.

    The template is `template` itself or one in the same folder that it extends or includes.
    """
    origin: tuple[Path, int | None] = (template, None)
    while traceback is not None:
        file = Path(traceback.tb_frame.f_code.co_filename)
        if file.parent == template.parent and file.suffix == ".j2":
            origin = (file, traceback.tb_lineno)
        traceback = traceback.tb_next
    return origin


def _unmarked(template: Path, marked: str) -> Rendered:
    # [text before the first mark, template, line, text, template, line, text, …]
    pieces = _MARK.split(marked)
    texts = pieces[3::3]
    origins = tuple(
        (template.parent / name, int(line)) for name, line in zip(pieces[1::3], pieces[2::3], strict=True)
    )
    ends = accumulate((len(text) for text in texts), initial=len(pieces[0]))
    return Rendered(template, pieces[0] + "".join(texts), tuple(ends)[:-1], origins)


class _UndefinedName(jinja2.UndefinedError):
    """A template uses an undefined name. `choices` are the names that its parent defines."""

    def __init__(self, name: str, parent: object) -> None:
        super().__init__(f'"{name}" is not defined')
        self.name = name
        self.choices = list(getattr(type(parent), "model_fields", ())) or [*vars(parent)] if parent else []


class _Strict(jinja2.StrictUndefined):
    """An undefined value that raises as soon as it is used."""

    def __init__(
        self,
        hint: str | None = None,
        obj: Any = missing,
        name: str | None = None,
        exc: type[jinja2.TemplateRuntimeError] = jinja2.UndefinedError,
    ) -> None:
        super().__init__(hint, obj, name, exc)
        parent = None if obj is missing else obj
        self._undefined_exception = lambda _: _UndefinedName(str(name), parent)  # type: ignore[assignment]


class _Json(str):
    """The output of `tojson`."""

    __slots__ = ()


class _MarkLines(Extension):
    """Puts a mark before every piece of template text and after each of its newlines."""

    def filter_stream(self, stream: TokenStream) -> Iterable[Token]:
        for token in stream:
            if token.type != "data":
                yield token
                continue
            lines = token.value.split("\n")
            marked = "\n".join(
                f"\x02{stream.name}:{token.lineno + n}\x03{line}" for n, line in enumerate(lines)
            )
            yield Token(token.lineno, "data", marked)


@cache
def _environment(folder: Path) -> jinja2.Environment:
    """Keeps the compiled templates of a folder, and compiles one again if its file has changed."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        undefined=_Strict,
        finalize=_only_json,
        extensions=[_MarkLines],
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - JSON, not HTML; `_only_json` is the guard
    )
    environment.filters = {
        "tojson": _tojson,
        "plain": _plain,
        "seconds": seconds,
        "pairs": _pairs,
        "join": lambda items, separator: separator.join(items),
        "min": min,
        "mounts": _mounts,
        "duration": format_duration,
    }
    return environment


def _tojson(value: object) -> _Json:
    _use(value)
    return _Json(json.dumps(value, allow_nan=False))


def _plain(value: object) -> str:
    """A number for an environment variable: without a fraction if it is whole."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _pairs(lengths: Mapping[str, timedelta]) -> str:
    """Durations by name for an environment variable: `10s=1s,1m=5s`."""
    _use(lengths)
    return ",".join(f"{name}={format_duration(length)}" for name, length in lengths.items())


def _mounts(paths: Iterable[str | None], mode: str = "RO") -> list[dict[str, str]]:
    """Volumes that show files and folders of the agent at the same paths; None are left out."""
    return [{"containerPath": path, "hostPath": path, "mode": mode} for path in paths if path is not None]


def _only_json(value: object) -> object:
    _use(value)
    if not isinstance(value, _Json):
        raise TypeError("every value must pass through tojson: write {{ … | tojson }}")
    return value


def _use(value: object) -> None:
    """Raise if the value is undefined."""
    if isinstance(value, jinja2.Undefined):
        str(value)
