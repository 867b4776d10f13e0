"""Small disks that can be full, in memory. Only root may mount them."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_LEFT_BYTES = 4096
"""A disk is full when no more than this is free."""

may_mount = pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small disk")


def may_mount_apart() -> bool:
    """Whether a process may mount what only it and its children see."""
    unshare = shutil.which("unshare")
    if unshare is None:
        return False
    mount = "mount", "--bind", "/etc", "/etc"
    return subprocess.run([unshare, "--mount", *mount], capture_output=True, check=False).returncode == 0


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[None]:
    """A disk of this size is mounted at a folder, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    with _mounted(folder, f"size={megabytes}m,mode=700"):
        yield


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """An empty disk that takes nothing hides a folder."""
    with _mounted(folder, "ro"):
        yield


@contextmanager
def full(folder: Path) -> Iterator[None]:
    """The disk of a folder has no space left."""
    filler = folder / "filler"
    try:
        with filler.open("wb", buffering=0) as file:
            while (free := _free_bytes(filler)) > _LEFT_BYTES:
                file.write(bytes(min(free, 2**20)))
        yield
    finally:
        filler.unlink(missing_ok=True)


@contextmanager
def _mounted(folder: Path, options: str) -> Iterator[None]:
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=True)  # noqa: S607
    try:
        yield
    finally:
        # Lazily: a process that ends may still hold a file.
        subprocess.run(["umount", "--lazy", str(folder)], check=True)  # noqa: S607


def _free_bytes(file: Path) -> int:
    found = os.statvfs(file)
    return found.f_bavail * found.f_frsize
