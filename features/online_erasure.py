"""Takes rows out of an online store: Feast has a call for a whole view, and none for one customer.

`features.store` knows which keys and tables a customer has; nothing in here imports Feast.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any


def erase_from_sqlite(
    connection: sqlite3.Connection, tables: Sequence[str], keys: Sequence[bytes]
) -> int:
    """Delete the rows of some entity keys; return how many there were.

    What is deleted is overwritten, and the write-ahead log emptied as far as readers let it be.
    """
    connection.execute("PRAGMA secure_delete = ON")
    gone = 0
    with connection:
        for table in tables:
            quoted = table.replace('"', '""')
            for key in keys:
                done = connection.execute(f'DELETE FROM "{quoted}" WHERE entity_key = ?', (key,))
                gone += done.rowcount
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    return gone


def erase_from_redis(client: Any, project: str, keys: Sequence[bytes]) -> int:
    """Delete the hashes of some entity keys; return how many there were."""
    named = [key + project.encode() for key in keys]
    return int(client.delete(*named)) if named else 0
