"""An outbox: files of JSON lines that somebody else's program reads, one line per delivery."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path


class Outbox:
    """Appends lines that are on disk when `append` returns; one process at a time writes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def append(self, line: bytes, now: datetime) -> None:
        """Add a line to the file of the day (UTC).

        A half line that a crash has left is cut off first: its delivery was not done, so it comes
        again as a whole.

        Raises
        ------
        OSError : it cannot be written.
        """
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self._folder / f"outbox-{now:%Y-%m-%d}.jsonl"
        new = not path.exists()
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            end = _end_of_lines(file)
            os.ftruncate(file, end)
            content = line + b"\n"
            while content:
                written = os.pwrite(file, content, end)
                content, end = content[written:], end + written
            os.fsync(file)
        finally:
            os.close(file)
        if new:
            folder = os.open(self._folder, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)


def _end_of_lines(file: int) -> int:
    """Return where the last whole line of a file ends."""
    end = os.fstat(file).st_size
    while end:
        start = max(end - 65_536, 0)
        found = os.pread(file, end - start, start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0
