"""Events are read item by item and stored in one shape, however they were told."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reported_events import BASKET, GOOD, NOW, WRAPPED, by_customer_id, fault, read

from decisioning.ledger.rows import EventRow
from features.calendar import Calendar
from features.canonical.schemas import OUTCOME_TYPES
from serving.cloud_events import CloudEventIn
from serving.event_schemas import EVENT_TYPES, EventIn
from serving.events import read_events
from serving.problems import ProblemError
from serving.reported import Unread, told


def test_every_member_finds_its_column() -> None:
    more = {"occurred_at": "2018-01-01T05:00:00Z", "amount": 2, "category": "TEA", "value": 1.5,
            "session_id": "s", "action_id": "a", "decision_id": "d", "refers_to": "r",
            "on_behalf_of": "ann", "attributes": {"colour": "red"}}  # fmt: skip
    row = read(GOOD | more)
    assert row == EventRow(
        event_id="e",
        body_digest=row.body_digest,
        type="page_view",
        customer_id="7",
        occurred_at=NOW.timestamp() - 3_600,
        day=17_532,
        channel="web",
        action_id="a",
        decision_id="d",
        refers_to="r",
        value=1.5,
        amount=2.0,
        category="TEA",
        session_id="s",
        on_behalf_of="ann",
        attributes='{"attributes": {"colour": "red"}}',
    )


def test_the_digest_is_of_the_content_and_not_of_the_way_it_is_written() -> None:
    turned = dict(reversed(list(GOOD.items())))
    assert read(GOOD).body_digest == read(turned).body_digest
    assert read(GOOD | {"value": 1.0}).body_digest != read(GOOD).body_digest


@pytest.mark.parametrize("kind", EVENT_TYPES)
def test_every_type_of_event_can_be_sent(kind: str) -> None:
    needed = {"transaction": {"amount": 1}, "undo": {"refers_to": "x"}, "rated": {"rating": 10}}
    assert read(GOOD | {"type": kind} | needed.get(kind, {})).type == kind


@pytest.mark.parametrize("kind", OUTCOME_TYPES)
def test_an_outcome_is_sent_elsewhere(kind: str) -> None:
    said = fault(GOOD | {"type": kind})
    assert (said["field"], said["value"]) == ("type", kind)
    assert "/v1/outcomes" in said["detail"]


def test_a_transaction_with_lines_is_their_sum() -> None:
    lines = [
        {"amount": 0.25, "item_id": "i", "category": "TEA", "category_group": "HOT"},
        {"amount": 0.5, "line_id": "z", "quantity": 3, "discount": 0.5, "coupon_discount": 0},
        {"amount": -0.0},
    ]
    row = read(BASKET | {"lines": lines, "transaction_id": "bon 9", "attributes": {"till": 4}})
    assert row.amount == 0.75
    assert "-0.0" not in row.attributes
    assert json.loads(row.attributes) == {
        "transaction_id": "bon 9",
        "lines": [
            {"line_id": "1", "amount": 0.25, "item_id": "i", "category": "TEA",
             "category_group": "HOT"},
            {"line_id": "z", "amount": 0.5, "quantity": 3.0, "discount": 0.5,
             "coupon_discount": 0.0},
            {"line_id": "3", "amount": 0.0},
        ],
        "attributes": {"till": 4},
    }  # fmt: skip


def test_a_transaction_of_one_amount_is_one_line() -> None:
    row = read(BASKET | {"amount": 9.5, "category": "TEA"})
    assert (row.amount, row.category) == (9.5, "TEA")
    assert json.loads(row.attributes) == {
        "transaction_id": "t",
        "lines": [{"line_id": "1", "amount": 9.5, "category": "TEA"}],
    }
    assert json.loads(read(BASKET | {"amount": 1}).attributes)["lines"] == [
        {"line_id": "1", "amount": 1.0}
    ]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({}, "lines"),
        ({"lines": []}, "lines"),
        ({"lines": [{}]}, "lines.0.amount"),
        ({"lines": [{"amount": 1, "price": 2}]}, "lines.0.price"),
        ({"lines": [{"amount": 1, "discount": -1}]}, "lines.0.discount"),
        ({"lines": [{"amount": 1, "line_id": "2"}, {"amount": 1}]}, "lines.1.line_id"),
        ({"lines": [{"amount": 1}], "amount": 2}, "amount"),
        ({"lines": [{"amount": 1}], "category": "TEA"}, "category"),
        ({"lines": [{"amount": 1}] * 1_001}, "lines"),
        ({"amount": 1, "rating": 5}, "rating"),
    ],
)
def test_a_transaction_that_does_not_add_up_is_refused(changes, field: str) -> None:
    assert fault(BASKET | changes)["field"] == field


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"type": "page_viev"}, "type"),
        ({"type": None}, "type"),
        ({"type": "x" * 129}, "type"),
        ({"event_id": ""}, "event_id"),
        ({"event_id": 7}, "event_id"),
        ({"event_id": "a\0b"}, "event_id"),
        ({"event_id": "\ud800"}, "event_id"),
        ({"customer_id": 7}, "customer_id"),
        ({"customer_id": None}, "customer_id"),
        ({"channel": None}, "channel"),
        ({"occurred_at": "2018-01-01T06:00:00"}, "occurred_at"),
        ({"occurred_at": "1969-12-31T23:59:59Z"}, "occurred_at"),
        ({"occurred_at": 1_514_764_800}, "occurred_at"),
        ({"type": "rated"}, "rating"),
        ({"type": "rated", "rating": 0}, "rating"),
        ({"type": "rated", "rating": 10.5}, "rating"),
        ({"type": "complaint", "rating": 11}, "rating"),
        ({"rating": 5}, "rating"),
        ({"amount": 1e308}, "amount"),
        ({"amount": 10**400}, "amount"),
        ({"amount": "1"}, "amount"),
        ({"amount": True}, "amount"),
        ({"value": -1e16}, "value"),
        ({"lines": [{"amount": 1}]}, "lines"),
        ({"transaction_id": "t"}, "transaction_id"),
        ({"type": "undo"}, "refers_to"),
        ({"type": "undo", "refers_to": "e"}, "refers_to"),
        ({"type": "undo", "refers_to": "x", "decision_id": "d"}, "decision_id"),
        ({"type": "undo", "refers_to": "x", "action_id": "a"}, "action_id"),
        ({"identities": {"customer_id": ["7"]}}, "identities"),
        ({"customer_id": None, "identities": {"cookie": ["secret"]}}, "identities"),
        ({"customer_id": None, "identities": {"customer_id": ["7", "8"]}}, "identities"),
        ({"customer_id": None, "identities": {"customer_id": []}}, "identities.customer_id"),
        ({"attributes": []}, "attributes"),
        ({"attributes": {"a": "x" * 16_384}}, "attributes"),
        ({"attributes": {"a": "nul\0"}}, "attributes"),
        ({"attributes": {"\udfff": 1}}, "attributes"),
        ({"attributes": {"a": ["\ud800"]}}, "attributes"),
        ({"attributes": {"a": 2**63}}, "attributes"),
        ({"note": "x"}, "note"),
    ],
)
def test_an_event_that_cannot_be_used_names_the_field(changes, field: str) -> None:
    content = {name: value for name, value in (GOOD | changes).items() if value is not None}
    said = fault(content)
    assert said["field"] == field
    assert said["detail"] and "secret" not in json.dumps(said)


@pytest.mark.parametrize("depth", [9, 100, 400])
def test_deep_attributes_are_refused(depth: int) -> None:
    deep: Any = 1
    for _ in range(depth):
        deep = {"a": deep}
    assert fault(GOOD | {"attributes": deep})["field"] == "attributes"
    assert read(GOOD | {"attributes": {"a": {"b": [{"c": [[[1]]]}]}}}).event_id == "e"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b'{"amount": NaN}',
        b'{"amount": -Infinity}',
        b'{"amount": 1e999}',
        b'{"event_id": "a", "event_id": "b"}',
        b'{"attributes": {"a": 1, "a": 2}}',
        b"\xff\xfe",
        b'{"event_id": "\xc3("}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"1" * 5_000,
    ],
)
def test_what_is_no_strict_json_is_refused_as_a_whole(raw: bytes) -> None:
    with pytest.raises(ProblemError):
        read(raw)


def test_ids_of_the_namespace_customer_id_name_the_customer() -> None:
    content = GOOD | {"identities": {"customer_id": ["007"], "cookie": ["c"]}}
    del content["customer_id"]
    assert read(content).customer_id == "007"


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=12,
)
_MEMBERS = sorted({*EventIn.model_fields, *CloudEventIn.model_fields, "unheard of"})


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    st.sampled_from((GOOD, BASKET, WRAPPED)),
    st.dictionaries(st.sampled_from(_MEMBERS), _JSON, max_size=4) | _JSON,
)
def test_whatever_is_sent_is_refused_or_can_be_stored(whole: Any, odd: Any) -> None:
    """With surrogates, NaN, huge numbers and all: nothing else than a refusal or a plain row."""
    content = whole | odd if isinstance(odd, dict) else odd
    try:
        items = read_events(json.dumps(content).encode(), NOW, Calendar(), by_customer_id).items
    except ProblemError:
        return
    for item in items:
        if isinstance(item, Unread):
            json.dumps(told(item), allow_nan=False).encode()
            continue
        texts = [value for value in vars(item).values() if isinstance(value, str)]
        assert not any("\0" in text for text in texts)
        "".join(texts).encode()
        numbers = (item.amount, item.value, item.rating, item.occurred_at)
        assert all(math.isfinite(number) for number in numbers if number is not None)
        json.dumps(json.loads(item.attributes), allow_nan=False, ensure_ascii=False).encode()
