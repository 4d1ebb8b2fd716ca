"""What a person is told of themselves."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from decisioning.ledger.person_reads import Person
from serving.personal_data import export_of

NOON = datetime(2018, 1, 1, 12, tzinfo=UTC)


def test_every_time_is_told_as_a_time_and_what_says_nothing_is_left_out(tmp_path: Path) -> None:
    at = NOON.timestamp()
    reserved = {"action_id": "tea", "reserved_at": at, "expires_at": at, "confirmed_at": at}
    consent = {"purpose": "marketing", "valid_from": at, "recorded_at": at}
    event = {"event_id": "e1", "occurred_at": at, "received_at": at, "attributes": '{"n": 1}'}
    person = Person(
        decisions=(),
        events=(event | {"body_digest": "x", "day": 3, "decision_id": None},),
        quarantine=(),
        reservations=(reserved, reserved | {"confirmed_at": None}),
        consents=(consent,),
        identities=(),
        merges=(),
    )
    told = export_of(("7",), tmp_path, (), person, NOON)
    times = {"reserved_at": NOON, "expires_at": NOON}
    assert told["reservations"] == [
        {"action_id": "tea", **times, "confirmed_at": NOON},
        {"action_id": "tea", **times},
    ]
    assert told["consents"] == [{"purpose": "marketing", "valid_from": NOON, "recorded_at": NOON}]
    assert told["events"] == [
        {"event_id": "e1", "occurred_at": NOON, "received_at": NOON, "attributes": {"n": 1}}
    ]
