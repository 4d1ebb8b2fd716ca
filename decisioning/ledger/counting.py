"""Counts presentations and open reservations while a transaction runs, and writes them at its end.

Counters are rows that every process changes. Written once, in the order of their keys, they are
locked for the shortest time and never in two orders at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container
from typing import Any

from sqlalchemy import Table

from decisioning.ledger import schema
from decisioning.ledger.statements import Parameters, Session, Sql, named

_MINUTE_SECONDS = 60.0


def minute_of(moment: float) -> int:
    """Return the minute since 1970 that a moment lies in.

    >>> minute_of(119.9), minute_of(120.0)
    (1, 2)
    """
    return int(moment // _MINUTE_SECONDS)


def end_of(minute: int) -> float:
    """Return the moment at which a minute is over."""
    return (minute + 1) * _MINUTE_SECONDS


def _add_to(table: Table, count: str) -> Sql:
    """Return what adds to a counter, or begins it."""

    def build(insert: Any, _size: int) -> Any:
        added = insert(table).values(named(table))
        return added.on_conflict_do_update(
            index_elements=list(table.primary_key.columns),
            set_={count: table.c[count] + added.excluded[count]},
        )

    return Sql(build)


_PRESENTED = _add_to(schema.VOLUMES, "presented")
_RESERVED = _add_to(schema.RESERVED, "open")

Key = tuple[str, str, int]
"""Action, channel and business day."""


class Counting:
    """What one transaction adds to the counters."""

    def __init__(self) -> None:
        self._presented: Counter[Key] = Counter()
        self._reserved: Counter[tuple[str, int, str, int]] = Counter()

    def present(self, action_id: str, channel: str, day: int) -> None:
        """Count a presentation."""
        self._presented[action_id, channel, day] += 1

    def reserve(
        self, action_id: str, channel: str, day: int, expires_at: float, count: int = 1
    ) -> None:
        """Count a reservation; -1 for one that is confirmed."""
        self._reserved[action_id, minute_of(expires_at), channel, day] += count

    def add_to(
        self, volumes: Counter[Key], now: float, action_ids: Container[str], from_day: int
    ) -> None:
        """Add the counts of this transaction to those that are written already."""
        for (action_id, channel, day), count in self._presented.items():
            if action_id in action_ids and day >= from_day:
                volumes[action_id, channel, day] += count
        for (action_id, minute, channel, day), count in self._reserved.items():
            # Those that lapse in this very minute are counted one by one, from their rows.
            if action_id in action_ids and day >= from_day and minute > minute_of(now):
                volumes[action_id, channel, day] += count

    def flush(self, session: Session) -> None:
        """Write the counts."""
        presented: list[Parameters] = [
            {"action_id": action_id, "channel": channel, "day": day, "presented": count}
            for (action_id, channel, day), count in sorted(self._presented.items())
            if count
        ]
        reserved: list[Parameters] = [
            {
                "action_id": action_id,
                "minute": minute,
                "channel": channel,
                "day": day,
                "open": count,
            }
            for (action_id, minute, channel, day), count in sorted(self._reserved.items())
            if count
        ]
        session.many(_PRESENTED, presented)
        session.many(_RESERVED, reserved)
