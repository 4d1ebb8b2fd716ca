"""Reported outcomes are read item by item; one that cannot be used costs no other."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from decisioning.ledger.rows import OutcomeRow
from features.calendar import Calendar
from serving.outcomes import read_outcomes
from serving.problems import ProblemError
from serving.reported import AHEAD, Unread, told

NOW = datetime(2018, 1, 1, 6, tzinfo=UTC)
GOOD = {"event_id": "e", "decision_id": "d", "action_id": "tea", "outcome": "presented"}


def read(content: Any, zone: str = "UTC") -> Any:
    return read_outcomes(json.dumps(content).encode(), NOW, Calendar(zone))


def one(**changes: Any) -> Any:
    (item,) = read(GOOD | changes).items
    return item


def test_one_outcome_is_read_and_happened_now_unless_it_says_when() -> None:
    reported = read(GOOD)
    (row,) = reported.items
    assert not reported.batch
    assert isinstance(row, OutcomeRow)
    assert (row.event_id, row.decision_id, row.action_id) == ("e", "d", "tea")
    assert (row.occurred_at, row.attributes) == (NOW.timestamp(), "{}")
    earlier = one(occurred_at="2017-12-31T23:30:00+01:00")
    assert earlier.occurred_at == datetime(2017, 12, 31, 22, 30, tzinfo=UTC).timestamp()


def test_the_business_day_is_that_of_the_company() -> None:
    (utc,) = read(GOOD | {"occurred_at": "2017-12-31T23:30:00Z"}).items
    (berlin,) = read(GOOD | {"occurred_at": "2017-12-31T23:30:00Z"}, "Europe/Berlin").items
    assert berlin.day == utc.day + 1


def test_a_clock_that_is_a_little_ahead_is_forgiven_and_remembered() -> None:
    ahead = NOW + AHEAD
    row = one(occurred_at=ahead.isoformat())
    assert row.occurred_at == NOW.timestamp()
    assert json.loads(row.attributes) == {"told_as": ahead.isoformat()}
    late = one(occurred_at=(ahead + timedelta(seconds=1)).isoformat())
    assert isinstance(late, Unread)
    assert late.errors[0].field == "occurred_at"
    assert "the clock of the service reads 2018-01-01T06:00:00+00:00" in late.errors[0].message


def test_the_digest_is_of_the_content_and_not_of_the_way_it_is_written() -> None:
    turned = dict(reversed(list(GOOD.items())))
    (first,), (second,) = read(GOOD).items, read(turned).items
    assert first.body_digest == second.body_digest
    assert one(value=1.0).body_digest != first.body_digest


@pytest.mark.parametrize(
    ("changes", "field", "value"),
    [
        ({"outcome": "bought"}, "outcome", "bought"),
        ({"value": "much"}, "value", "much"),
        ({"note": "x"}, "note", "x"),
        ({"decision_id": ""}, "decision_id", ""),
        ({"occurred_at": "2018-01-01T06:00:00"}, "occurred_at", "2018-01-01T06:00:00"),
    ],
)
def test_an_item_that_cannot_be_used_names_field_and_value(
    changes: dict[str, Any], field: str, value: Any
) -> None:
    item = one(**changes)
    assert isinstance(item, Unread)
    said = told(item)
    assert (said["event_id"], said["status"]) == ("e", "refused")
    assert (said["field"], said["value"]) == (field, value)
    assert said["detail"]


def test_in_a_list_one_bad_item_costs_no_other_and_the_order_stays() -> None:
    items = [GOOD, {"event_id": "broken"}, 7, GOOD | {"event_id": "f"}]
    reported = read(items)
    assert reported.batch
    kinds = [type(item) for item in reported.items]
    assert kinds == [OutcomeRow, Unread, Unread, OutcomeRow]
    assert [item.event_id for item in reported.items] == ["e", "broken", None, "f"]


def test_a_missing_field_is_told_without_the_rest_of_the_item() -> None:
    (item,) = read({"event_id": "e", "decision_id": "d", "action_id": "secret"}).items
    said = told(item)
    assert (said["field"], said["value"]) == ("outcome", None)
    assert b"secret" not in orjson.dumps(said)


@pytest.mark.parametrize("count", [0, 501])
def test_a_list_of_nothing_or_too_much_is_refused_as_a_whole(count: int) -> None:
    with pytest.raises(ProblemError) as caught:
        read([GOOD] * count)
    assert caught.value.errors[0].value == count


@pytest.mark.parametrize("raw", [b"", b"{", b'{"value": NaN}', b"\xff"])
def test_what_is_no_json_is_refused(raw: bytes) -> None:
    with pytest.raises(ProblemError):
        read_outcomes(raw, NOW, Calendar())
