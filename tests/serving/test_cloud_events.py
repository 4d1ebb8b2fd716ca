"""A CloudEvent is the event in it, and its faults are named as they were sent."""

from __future__ import annotations

import pytest
from reported_events import GOOD, WRAPPED, fault, read


def test_a_cloud_event_is_the_event_in_it() -> None:
    assert read(WRAPPED) == read(GOOD)
    timed = WRAPPED | {"time": "2018-01-01T05:00:00Z", "traceparent": "00-1", "datacontenttype":
                       "application/json; charset=utf-8"}  # fmt: skip
    assert read(timed) == read(GOOD | {"occurred_at": "2018-01-01T05:00:00Z"})


def test_the_subject_of_a_cloud_event_counts_where_its_data_names_nobody() -> None:
    assert read(WRAPPED | {"data": {"channel": "web", "customer_id": "8"}}).customer_id == "8"
    by_ids = {"channel": "web", "identities": {"customer_id": ["9"]}}
    assert read(WRAPPED | {"data": by_ids}).customer_id == "9"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"specversion": "0.3"}, "specversion"),
        ({"specversion": 1.0}, "specversion"),
        ({"id": None}, "id"),
        ({"id": ""}, "id"),
        ({"source": None}, "source"),
        ({"type": "com.example.page_view"}, "type"),
        ({"time": "yesterday"}, "time"),
        ({"time": "2018-01-01T07:00:00Z"}, "time"),
        ({"subject": ""}, "subject"),
        ({"subject": None}, "data.customer_id"),
        ({"datacontenttype": "text/xml"}, "datacontenttype"),
        ({"data_base64": "e30="}, "data_base64"),
        ({"data": None}, "data.channel"),
        ({"data": "text"}, "data"),
        ({"data": {"channel": 7}}, "data.channel"),
        ({"data": {"channel": "web", "event_id": "other"}}, "data.event_id"),
        ({"data": {"channel": "web", "amount": 1e300}}, "data.amount"),
    ],
)
def test_a_cloud_event_that_cannot_be_used_names_the_field_as_it_was_sent(changes, field) -> None:
    content = {name: value for name, value in (WRAPPED | changes).items() if value is not None}
    said = fault(content)
    assert said["field"] == field
    assert said["event_id"] == content.get("id")
