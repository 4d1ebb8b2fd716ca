"""A file system of a few megabytes, to be filled up and emptied again."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class SmallDisk:
    """A mounted folder."""

    folder: Path

    def grow(self, megabytes: int) -> None:
        """Make it larger."""
        _mount(self.folder, "remount", f"size={megabytes}m")

    def fill(self, leave: int = 0) -> None:
        """Take what is free, all but some bytes of it, as a file of somebody else would."""
        with (self.folder / "filler").open("ab", buffering=0) as file, suppress(OSError):
            while (spare := self.free - leave) > 0:
                file.write(bytes(min(spare, 65_536)))

    def clear(self) -> None:
        """Give it back."""
        (self.folder / "filler").unlink()

    @property
    def free(self) -> int:
        """Free bytes."""
        found = os.statvfs(self.folder)
        return found.f_bavail * found.f_frsize


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[SmallDisk]:
    """Mount a file system of some megabytes, or skip the test where nobody may."""
    folder.mkdir()
    try:
        _mount(folder, f"size={megabytes}m")
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no file system can be mounted here ({error})")
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False, capture_output=True)


def _mount(folder: Path, *options: str) -> None:
    words = ["mount", "-t", "tmpfs", "-o", ",".join(options), "tmpfs", str(folder)]
    subprocess.run(words, check=True, capture_output=True, timeout=20)
