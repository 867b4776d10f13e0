"""Names of components as users write them, and the part of a bundle that `--only` and `--skip` choose."""

import difflib
from collections.abc import Collection, Mapping, Sequence, Set

from cli.errors import UsageProblem


def component(written: str, known: Collection[str]) -> str:
    """The component that is meant: `taskmanager` is `flink-taskmanager`. Raises UsageProblem if none is."""
    if written in known:
        return written
    ends = [name for name in known if name.endswith(f"-{written}")]
    if len(ends) == 1:
        return ends[0]
    tails = {name.rpartition("-")[2]: name for name in known}
    close = difflib.get_close_matches(written, [*known, *tails], n=1, cutoff=0.5)
    guess = f"did you mean {tails.get(close[0], close[0])}? " if close else ""
    raise UsageProblem(f"no component {written}", hint=f"{guess}there are {', '.join(known)}")


def selected(known: Collection[str], only: Sequence[str], skip: Sequence[str]) -> list[str]:
    """The components that `--only` and `--skip` leave, in the order of `known`."""
    wanted = {component(name, known) for name in only} or set(known)
    wanted -= {component(name, known) for name in skip}
    if not wanted:
        raise UsageProblem("--only and --skip leave no component", hint=f"there are {', '.join(known)}")
    return [name for name in known if name in wanted]


def needed_besides(chosen: Collection[str], needs: Mapping[str, Set[str]]) -> list[str]:
    """What the chosen components need, directly or not, and that is not chosen; in the order of `needs`."""
    found: set[str] = set()
    looked_at = list(chosen)
    while looked_at:
        for name in needs[looked_at.pop()]:
            if name not in found:
                found.add(name)
                looked_at.append(name)
    return [name for name in needs if name in found and name not in chosen]
