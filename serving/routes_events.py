"""POST /v1/events: what happened besides outcomes; durable before it is confirmed."""

from __future__ import annotations

import json

from starlette.requests import Request
from starlette.responses import Response

from decisioning.ledger.rows import EventRow
from features.errors import LedgerError
from serving.event_schemas import EventsIn
from serving.events import read_events
from serving.guard import CLOUD_EVENT_TYPES, EVENTS_PATH, JSON_TYPE
from serving.item_schemas import ItemsAnswer
from serving.operations import Operation, Parts, parts_of
from serving.recognition import Identities
from serving.reported import Reported
from serving.storing import answer_items, not_stored


async def events(request: Request) -> Response:
    """Store one event or a list; each is told what became of it."""
    parts = parts_of(request)
    reported = await _read(parts, await request.body())
    return await answer_items(
        parts,
        reported,
        lambda ledger, rows, now: ledger.store_events(rows, now),
        parts.metrics.event,
    )


async def _read(parts: Parts, raw: bytes) -> Reported[EventRow]:
    """Return the events of a body, each of the customer whom its ids name.

    Raises
    ------
    ProblemError : as `read_events`; `not_stored`, whose ids they are cannot be looked up.
    """
    now, calendar = parts.engine.clock.now(), parts.engine.calendar
    named: dict[str, Identities] = {}

    def note(identities: Identities) -> str:
        named[_key(identities)] = identities
        return ""

    reported = read_events(raw, now, calendar, note)
    if not named:
        return reported
    # Recognising takes the ledger, and one look for all of them: so they are read once more.
    try:
        found = await parts.recognition.recognise_all(list(named.values()), now.timestamp())
    except LedgerError as error:
        raise not_stored(error) from error
    parts.touched(one.customer_id for one in found if one.logins and one.customer_id)
    whose = {key: one.customer_id for key, one in zip(named, found, strict=True)}
    return read_events(raw, now, calendar, lambda identities: whose[_key(identities)])


def _key(identities: Identities) -> str:
    return json.dumps(identities, sort_keys=True)


EXAMPLES = {
    "page_view": {
        "event_id": "web-77-1",
        "type": "page_view",
        "customer_id": "1053",
        "channel": "web",
        "category": "COFFEE",
        "session_id": "web-77",
    },
    "transaction": {
        "event_id": "till-4-9001",
        "type": "transaction",
        "customer_id": "1053",
        "channel": "store",
        "transaction_id": "9001",
        "lines": [
            {"item_id": "819063", "category": "COFFEE", "quantity": 2, "amount": 8.4},
            {"item_id": "5978656", "category": "SOUP", "amount": 1.29, "coupon_discount": 0.5},
        ],
    },
    "several": [
        {
            "event_id": "call-12-1",
            "type": "complaint",
            "customer_id": "1053",
            "channel": "phone",
            "rating": 2,
            "on_behalf_of": "agent-7",
            "attributes": {"about": "late delivery"},
        },
        {
            "event_id": "web-77-2",
            "type": "undo",
            "customer_id": "1053",
            "channel": "web",
            "refers_to": "web-77-1",
        },
    ],
    "cloud_event": {
        "specversion": "1.0",
        "id": "shop-5-1",
        "source": "/shop",
        "type": "basket",
        "time": "2018-01-01T05:55:00Z",
        "subject": "1053",
        "data": {"channel": "web", "amount": 12.5, "session_id": "web-77"},
    },
}

OPERATIONS = (
    Operation(
        "POST",
        EVENTS_PATH,
        events,
        "What else happened: one event or up to 500, also as CloudEvents.",
        scope="events",
        body=EventsIn,
        body_types=(JSON_TYPE, *CLOUD_EVENT_TYPES),
        answer=ItemsAnswer,
        problems=(409, 503),
        examples=EXAMPLES,
        answer_example={"items": [{"event_id": "web-77-1", "status": "stored"}]},
    ),
)
