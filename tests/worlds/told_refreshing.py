"""Stands where profiles are refreshed after events."""

from __future__ import annotations

from typing import Any


class Told:
    """Stands where profiles are refreshed, and remembers whom."""

    def __init__(self, customers: list[list[str]]) -> None:
        self._customers = customers

    def touched(self, customer_ids: Any) -> None:
        if found := list(customer_ids):
            self._customers.append(found)

    def happened(self, event_ids: Any) -> None:
        if found := [f"of {event_id}" for event_id in event_ids]:
            self._customers.append(found)

    def degraded(self) -> list[str]:
        return []
