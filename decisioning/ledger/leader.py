"""One process of all that share a ledger leads; the others wait until it is gone."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from decisioning.ledger.locking import try_lock

_KEY = 0x6E6261_74726967
"""The number of the advisory lock on PostgreSQL."""


class Leader:
    """Leads while it holds a lock that is released when its process dies, however it dies.

    Parameters
    ----------
    place : of the ledger: a lock beside the file, or an advisory lock of the server.
    """

    def __init__(self, place: str) -> None:
        self._place = place
        self._held: Any = None
        self._remote = place.startswith(("postgresql://", "postgres://"))

    def leads(self) -> bool:
        """Tell whether this process leads now; try to if it does not."""
        return self._leads_server() if self._remote else self._leads_file()

    def close(self) -> None:
        """Stop leading."""
        held, self._held = self._held, None
        if held is None:
            return
        with suppress(Exception):
            held.close() if self._remote else os.close(held)

    def _leads_file(self) -> bool:
        if self._held is None:
            path = Path(f"{self._place}.triggers.lock")
            file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            if not try_lock(file):
                os.close(file)
                return False
            self._held = file
        return True

    def _leads_server(self) -> bool:
        import psycopg

        try:
            if self._held is None:
                connection = psycopg.connect(self._place, autocommit=True, connect_timeout=5)
                row = connection.execute("SELECT pg_try_advisory_lock(%s)", (_KEY,)).fetchone()
                if row is None or not row[0]:
                    connection.close()
                    return False
                self._held = connection
            # The lock is gone with the connection, and that is only seen by asking.
            self._held.execute("SELECT 1")
        except psycopg.Error:
            self.close()
            return False
        return True
