"""Resolves the names that users type: components, `--only` and `--skip`, and positions."""

import difflib
from collections.abc import Collection, Mapping, Sequence, Set

from cli.errors import UsageProblem


def component(written: str, known: Collection[str]) -> str:
    """The component that `written` names; `taskmanager` means `flink-taskmanager`.

    Raises UsageProblem when there is no such component.
    """
    if written in known:
        return written
    ends = [name for name in known if name.endswith(f"-{written}")]
    if len(ends) == 1:
        return ends[0]
    tails = {name.rpartition("-")[2]: name for name in known}
    close = difflib.get_close_matches(written, [*known, *tails], n=1, cutoff=0.5)
    guess = f"did you mean {tails.get(close[0], close[0])}? " if close else ""
    raise UsageProblem(f"no component {written}", hint=f"{guess}the components are {', '.join(known)}")


def selected(known: Collection[str], only: Sequence[str], skip: Sequence[str]) -> list[str]:
    """The components that remain after `--only` and `--skip`, in the order of `known`."""
    wanted = {component(name, known) for name in only} or set(known)
    wanted -= {component(name, known) for name in skip}
    if not wanted:
        raise UsageProblem(
            "--only and --skip leave no component", hint=f"the components are {', '.join(known)}"
        )
    return [name for name in known if name in wanted]


def missing_dependencies(chosen: Collection[str], depends_on: Mapping[str, Set[str]]) -> list[str]:
    """The direct and indirect dependencies of `chosen` that are not in `chosen`, in order."""
    found: set[str] = set()
    queue = list(chosen)
    while queue:
        for name in depends_on[queue.pop()]:
            if name not in found:
                found.add(name)
                queue.append(name)
    return [name for name in depends_on if name in found and name not in chosen]


def check_positions(symbols: Sequence[str], known: Sequence[str]) -> None:
    """Raise UsageProblem when a symbol is not a known position."""
    unknown = [symbol for symbol in dict.fromkeys(symbols) if symbol not in known]
    if unknown:
        near = difflib.get_close_matches(unknown[0].upper(), known, n=1)
        hint = f"the positions are {', '.join(known)}" + (f"; did you mean {near[0]}?" if near else "")
        raise UsageProblem(f"no position {', '.join(unknown)} in this bundle", hint=hint)
