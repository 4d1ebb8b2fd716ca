"""What no event can be is refused as a whole, leaves nothing behind, and the next one is stored."""

from __future__ import annotations

import json
from typing import Any

import pytest
from served_world import rows

GOOD = {"event_id": "good", "type": "page_view", "customer_id": "1", "channel": "web"}


def whole(**changes: Any) -> bytes:
    return json.dumps(GOOD | changes).encode()


def part(name: str, raw: str) -> bytes:
    """Return an event with one member written as it is."""
    return whole(**{name: "HERE"}).replace(b'"HERE"', raw.encode("utf-8", "surrogatepass"))


REFUSED = {
    "deep list": b"[" * 1_000,
    "very deep list": b"[" * 100_000,
    "deep object": part("attributes", '{"a":' * 1_000 + "1" + "}" * 1_000),
    "very deep object": part("attributes", '{"a":' * 100_000 + "1" + "}" * 100_000),
    "a name twice": whole()[:-1] + b', "channel": "app"}',
    "a name twice inside": part("attributes", '{"a": 1, "a": 2}'),
    "no UTF-8": part("channel", '"\\"').replace(b"\\", b"\xff"),
    "overlong UTF-8": part("channel", '"?"').replace(b"?", b"\xc0\xaf"),
    "a surrogate in UTF-8": part("channel", '"\ud800"'),
    "UTF-16": whole().decode().encode("utf-16"),
    "a surrogate": whole(channel="\ud800"),
    "a surrogate inside": whole(attributes={"a": "\udc00"}),
    "NUL": whole(event_id="a\0b"),
    "NUL inside": whole(attributes={"a": "\0"}),
    "a line break": whole(customer_id="a\nb"),
    "a control character of Latin-1": whole(customer_id="a\x85b"),
    "text that runs backwards": whole(customer_id="\u202e7001"),
    "a mark of byte order": whole(customer_id="\ufeff7001"),
    "a space without width": whole(customer_id="70\u200b01"),
    "a separator of lines": whole(customer_id="7001\u2028"),
    "a name that hides its end": whole(category="tea\u2066eef"),
    "NaN": part("value", "NaN"),
    "infinite": part("value", "-Infinity"),
    "beyond every double": part("value", "1e999"),
    "beyond every sum": part("value", "1e308"),
    "a huge whole number": part("value", "9" * 400),
    "a number of many digits": part("value", "9" * 5_000),
    "a number as a text": part("value", '"7"'),
    "a truth": part("value", "true"),
    "a list": part("value", "[7]"),
    "NaN inside": part("attributes", '{"a": NaN}'),
    "a huge whole number inside": part("attributes", f'{{"a": {2**64}}}'),
}


@pytest.mark.parametrize("case", REFUSED)
def test_it_is_refused_and_nothing_is_left_of_it(house: Any, case: str) -> None:
    headers = house.key("events") | {"Content-Type": "application/json"}
    with house.client() as client:
        answer = client.post("/v1/events", content=REFUSED[case], headers=headers)
        assert answer.status_code in (400, 422), answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        json.loads(answer.content.decode("utf-8"))
        place = str(house.folder / "ledger.db")
        for table in ("events", "quarantine"):
            assert rows(place, f"SELECT count(*) FROM {table}") == [(0,)]
        assert client.post("/v1/events", content=whole(), headers=headers).status_code == 200
        assert rows(place, "SELECT event_id FROM events") == [("good",)]


@pytest.mark.parametrize(
    ("told", "kept"), [("-0.0", 0.0), ("1e13", 1e13), ("-1e13", -1e13), ("5e-324", 5e-324)]
)
def test_a_number_at_the_edge_is_kept_as_it_is(house: Any, told: str, kept: float) -> None:
    headers = house.key("events") | {"Content-Type": "application/json"}
    answer = house.client().post("/v1/events", content=part("value", told), headers=headers)
    assert answer.status_code == 200, answer.text
    ((found,),) = rows(str(house.folder / "ledger.db"), "SELECT value FROM events")
    assert repr(found) == repr(kept)


def test_people_with_other_letters_keep_their_names(house: Any) -> None:
    # Marks that join letters, and those that say which way a letter runs, belong to writing.
    names = ["Zoë", "محمد", "שרה\u200f", "क्‍ष", "👩‍👩‍👧", "Ωμέγα"]
    events = [GOOD | {"event_id": f"e{at}", "customer_id": name} for at, name in enumerate(names)]
    headers = house.key("events")
    answer = house.client().post("/v1/events", json=events, headers=headers)
    assert {one["status"] for one in answer.json()["items"]} == {"stored"}
    found = rows(
        str(house.folder / "ledger.db"), "SELECT customer_id FROM events ORDER BY event_id"
    )
    assert [name for (name,) in found] == names
