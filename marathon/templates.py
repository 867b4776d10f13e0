"""Templates turned into text, remembering which line of which template each part of the text came from.

Every value must pass through the filter `tojson`: text that reached the output on another way could break the
JSON, or change its meaning, so it is refused.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
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
from marathon.paths import shown
from marathon.wording import did_you_mean

# A mark in the rendered text: what follows came from this line of this template. Neither control character
# can occur in JSON text, since `tojson` escapes them.
_MARK = re.compile("\x02([^\x02\x03:]+):([0-9]+)\x03")


@dataclass(frozen=True)
class Rendered:
    """The text of a rendered template, and where in the template each part of it was written."""

    template: Path
    text: str
    starts: tuple[int, ...]
    """Offsets in `text`, ascending, at which a part that comes from one template line starts."""
    origins: tuple[tuple[Path, int], ...]
    """The template and the line of it that each of those parts came from."""

    def origin(self, offset: int) -> tuple[Path, int]:
        """The template, and its line, that the character at `offset` of the text came from."""
        part = bisect_right(self.starts, offset) - 1
        return self.origins[part] if part >= 0 else (self.template, 1)


class TemplateFault(Exception):
    """A template that can't be rendered."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


def render_template(template: Path, context: Mapping[str, object]) -> Rendered:
    """`template` with the values of `context`. Raises `TemplateFault` naming the template's line."""
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
    """The template and line an exception was raised at; Jinja2 writes template frames into the traceback.

    `template` or one that it extends or includes, which lies in the same folder.
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
    """A name that a template uses and nothing defines; `choices` are its holder's names, if it has one."""

    def __init__(self, name: str, holder: object) -> None:
        super().__init__(f'"{name}" is not defined')
        self.name = name
        self.choices = list(getattr(type(holder), "model_fields", ())) or [*vars(holder)] if holder else []


class _Strict(jinja2.StrictUndefined):
    """An undefined value that says what it is as soon as it is used for anything."""

    def __init__(
        self,
        hint: str | None = None,
        obj: Any = missing,
        name: str | None = None,
        exc: type[jinja2.TemplateRuntimeError] = jinja2.UndefinedError,
    ) -> None:
        super().__init__(hint, obj, name, exc)
        holder = None if obj is missing else obj
        self._undefined_exception = lambda _: _UndefinedName(str(name), holder)  # type: ignore[assignment]


class _Json(str):
    """Text that came out of `tojson`."""

    __slots__ = ()


class _MarkLines(Extension):
    """Puts a mark before every piece of template text and after every newline in it."""

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


def _environment(folder: Path) -> jinja2.Environment:
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
    }
    return environment


def _tojson(value: object) -> _Json:
    _use(value)
    return _Json(json.dumps(value, allow_nan=False))


def _plain(value: object) -> str:
    """A number as an environment variable shows it: without a fraction where it has none."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _pairs(lengths: Mapping[str, timedelta]) -> str:
    """Lengths of time by name, as an environment variable shows them: `10s=1s,1m=5s`."""
    _use(lengths)
    return ",".join(f"{name}={format_duration(length)}" for name, length in lengths.items())


def _only_json(value: object) -> object:
    _use(value)
    if not isinstance(value, _Json):
        raise TypeError("every value must pass through tojson: write {{ … | tojson }}")
    return value


def _use(value: object) -> None:
    """Raises what an undefined value raises when it is used."""
    if isinstance(value, jinja2.Undefined):
        str(value)
