"""Stops writing before a disk is full, and begins again by itself when there is room."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

from features.errors import LedgerFull

_LOOK_SECONDS = 0.25


@dataclass
class Disk:
    """The file system of a folder.

    Attributes
    ----------
    refuse_below, warn_below : free bytes.
    """

    folder: Path
    refuse_below: int
    warn_below: int
    _free: int = field(default=0, init=False)
    _looked_at: float = field(default=-_LOOK_SECONDS, init=False)

    @property
    def free(self) -> int:
        """Free bytes for us, at most a quarter of a second ago."""
        now = monotonic()
        if now - self._looked_at >= _LOOK_SECONDS:
            self._free, self._looked_at = _free_bytes(self.folder), now
        return self._free

    @property
    def low(self) -> bool:
        """Whether somebody should make room."""
        return self.free < self.warn_below

    def check(self) -> None:
        """Return if there is room to write.

        Raises
        ------
        LedgerFull : there is not; reading goes on.
        """
        if self.free < self.refuse_below:
            raise LedgerFull(
                f"{self.folder}: {self.free:,} bytes free, and below {self.refuse_below:,} the "
                "ledger is not written"
            )


def _free_bytes(folder: Path) -> int:
    """Return the free bytes; none where the folder is gone, as nothing can be written there."""
    try:
        found = os.statvfs(folder)
    except OSError:
        return 0
    return found.f_bavail * found.f_frsize
