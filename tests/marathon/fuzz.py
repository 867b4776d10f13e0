"""Generated files of settings, each of which must be a valid bundle or be refused with file and line.

Time is that of the processor: a busy machine is no counterexample.
"""

from __future__ import annotations

import gc
import json
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unicodedata import category

from hypothesis import strategies as st

from marathon.bundle import render
from marathon.documents import read_document
from marathon.errors import BundleError
from marathon.paths import PACKAGE
from tests import fuzzing
from tests.settings import load_settings

FILE_SECONDS = 1.0
# In the secrets of the cluster, in a file that settings may name, and in the environment.
PLANTED = "a-secret-that-no-bundle-may-hold"
PLACE_OF_A_SECRET = "/the/place/of/a/secret"
LONGEST_MESSAGE = 2000
DEFAULTS = read_document(PACKAGE / "defaults.yaml").value
Path_ = tuple[str, ...]


def leaves(values: dict[str, Any], above: Path_ = ()) -> Iterator[tuple[Path_, Any]]:
    for key, value in values.items():
        if isinstance(value, dict) and value:
            yield from leaves(value, (*above, key))
        else:
            yield (*above, key), value


LEAVES = dict(leaves(DEFAULTS))
# What YAML, numbers, texts and paths may make of a value.
ODD = (
    r"""
0x10|0o17|1e5|1e400|-1|.inf|-.inf|.nan|~|null|yes|NO|TRUE|0700|1_000|12:30:45|2026-01-01|<<|=|[]|{}|[[[]]]
{a: 1}|[1, x, null]|''|""|"\ud800"|"\0"|"\x07"|'../../etc/passwd'|/|//|file:///|hdfs://x|s3://b/../c|"a b"
!!python/object/apply:os.system [id]|!x y|&a [*a]|*nowhere|&b {c: *b}|{? [1]: 2}|"unterminated|{open|[open|- x
%YAML 9.9|---|...|@at|`tick`|"{{ names }}"|'{% raw %}'|${HOME}|$(id)|é|999999999999999999999|0.1ms
5s|0s|-5s|1h|10000000d|1.5m|{10s: 1s}|{10s: 3s, 1m: 7s}|[AAPL, AAPL]|[BRK.B, BRK_B]|a:b|"a\nb"|/volatility
/the/place/of/a/secret|{a/b: /the/place/of/a/secret}|"${PLANTED}"
[{topic: x, pattern: y}]|[{pattern: '('}]|[{pattern: '.*'}]|{AAPL: {buy: 2, sell: 1}}|SSL|a:1,
""".strip()
    .replace("\n", "|")
    .replace(r"\u202e", "\u202e")
    .split("|")
)
values = st.one_of(
    st.sampled_from(ODD),
    st.sampled_from([str(value) for value in LEAVES.values() if value is not None]),
    st.integers().map(str),
    st.floats().map(str),
    st.text(max_size=8),
    st.sampled_from(["x", "[", "{a: ", "- "]).map(lambda text: text * 300),
)
keys = st.one_of(
    st.sampled_from(sorted(LEAVES)),
    # A section where a value is wanted, a value where a section is, and names that are almost right.
    st.sampled_from(sorted(LEAVES)).map(lambda path: path[:-1] or path),
    st.tuples(st.sampled_from(sorted(LEAVES)), st.text("abcxyz_-. \u00e9", max_size=4)).map(
        lambda both: (*both[0][:-1], both[0][-1] + both[1])
    ),
)
good = st.sampled_from(sorted(LEAVES)).map(lambda path: (path, None))
entries = st.lists(st.one_of(good, good, st.tuples(keys, values)), min_size=1, max_size=5)
edits = st.lists(
    st.tuples(
        st.integers(0, 400),
        st.sampled_from(["\t", "  ", "\n", ":", "#", "'", '"', "\x00", "\x85", "-", "&a "]),
    ),
    max_size=1,
)
noise = st.sampled_from([b""] * 12 + [b"\xff", b"\xc3", b"\xef\xbb\xbf", b"\r", b"\x00"])


def written(value: Any) -> str:
    """A default as YAML's flow style, which is JSON's but for words."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {written(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return f"[{', '.join(map(written, value))}]"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value) or "''"


def file_of(parts: list[tuple[Path_, str | None]], changes: list[tuple[int, str]], more: bytes) -> bytes:
    """The bytes of a file with these settings, then broken at some places."""
    lines = []
    for path, text in parts:
        lines += [f"{'  ' * depth}{key}:" for depth, key in enumerate(path)]
        lines[-1] += f" {written(LEAVES[path]) if text is None else text}"
    content = "\n".join(lines) + "\n"
    for place, text in changes:
        content = content[:place] + text + content[place:]
    return content.encode("utf-8", "surrogatepass") + more


files = st.builds(file_of, entries, edits, noise)


@dataclass
class Fuzz:
    """The outcomes: `valid`, `refused`. home: where secrets are planted. worst_seconds: of a refusal."""

    home: Path
    outcomes: Counter[str] = field(default_factory=Counter)
    worst_seconds: float = 0.0

    def __post_init__(self) -> None:
        secrets = self.home / "cluster" / "secrets"
        for name in ("planted", "flink-token", "kafka/generator-password"):
            (secrets / name).parent.mkdir(parents=True, exist_ok=True)
            (secrets / name).write_text(PLANTED)
        self._planted = str(secrets / "planted").encode()
        self._environ = {"PIPECTL_HOME": str(self.home), "PLANTED": PLANTED}

    def judge(self, file: Path, content: bytes) -> None:
        content = content.replace(PLACE_OF_A_SECRET.encode(), self._planted)
        file.write_bytes(content)
        gc.disable()  # after thousands of files, what Hypothesis keeps takes a second to look through
        began = time.process_time()
        try:
            bundle = render(load_settings("local", files=[file], environ=self._environ))
        except BundleError as error:
            seconds = time.process_time() - began
            self.worst_seconds = max(self.worst_seconds, seconds)
            assert seconds < FILE_SECONDS, f"it took {seconds:.1f} s"
            self._check(error, file, content)
            self.outcomes["refused"] += 1
        else:
            assert bundle.apps.keys() >= {"gatherer", "data-generator"}
            rendered = [app.definition for app in bundle.apps.values()]
            rendered += [job.definition for job in bundle.jobs.values()]
            rendered += [package.options for package in bundle.packages.values()]
            assert PLANTED not in json.dumps(rendered)
            self.outcomes["valid"] += 1
        finally:
            gc.enable()

    @staticmethod
    def _check(error: BundleError, file: Path, content: bytes) -> None:
        # YAML counts these as ends of lines.
        lines = len(content.decode("utf-8", "replace").splitlines()) + 1
        assert error.problems
        for problem in error.problems:
            text = str(problem)
            assert problem.message and len(text) <= LONGEST_MESSAGE, text[:300]
            assert PLANTED not in text, text
            # No control characters, no ends of lines, no direction marks, nothing that is not UTF-8.
            assert not {*map(category, text)} & {"Cc", "Cf", "Cs", "Zl", "Zp"}, repr(text)
            assert problem.file == str(file), text
            assert problem.line is not None and 1 <= problem.line <= lines, text


def attack(folder: Path, count: int, with_seed: int) -> Fuzz:
    """Load `count` generated files."""
    fuzz, file = Fuzz(folder / "home"), folder / "settings.yaml"
    fuzzing.run(
        lambda content: fuzz.judge(file, content), files, count=count, with_seed=with_seed, shrink=True
    )
    return fuzz
