"""Events as they are sent, and how they are read where only customer ids are known."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from features.calendar import Calendar
from serving.events import read_events
from serving.reported import Unread, told

NOW = datetime(2018, 1, 1, 6, tzinfo=UTC)
GOOD = {"event_id": "e", "type": "page_view", "customer_id": "7", "channel": "web"}
BASKET = {"event_id": "t", "type": "transaction", "customer_id": "7", "channel": "store"}
WRAPPED = {"specversion": "1.0", "id": "e", "source": "/shop", "type": "page_view",
           "subject": "7", "data": {"channel": "web"}}  # fmt: skip


def by_customer_id(identities: Mapping[str, Sequence[str]]) -> str | None:
    ids = set(identities.get("customer_id", ()))
    return ids.pop() if len(ids) == 1 else None


def read(content: Any) -> Any:
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    (item,) = read_events(raw, NOW, Calendar("UTC"), by_customer_id).items
    return item


def fault(content: Any) -> dict[str, Any]:
    """Return what is told of an item that has to be refused."""
    item = read(content)
    assert isinstance(item, Unread), item
    said = told(item)
    json.dumps(said).encode("ascii")
    return said
