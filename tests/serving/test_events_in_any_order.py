"""Whatever is sent in whatever order and however often, the ledger holds each event once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import count
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule
from served_world import rows

Event = dict[str, Any]
NAMES = st.sampled_from([f"e{number}" for number in range(6)])
TYPES = st.sampled_from(["page_view", "complaint", "basket"])


class Client(RuleBasedStateMachine):
    """A client that sends, repeats, contradicts and takes back, and what has to come of it."""

    post: Callable[[object], Any]
    place: str
    runs = count()
    sent = Bundle("sent")

    def __init__(self) -> None:
        super().__init__()
        # Every run has names of its own, so that all may share one ledger.
        self.run = f"run{next(self.runs)}-"
        self.first: dict[str, Event] = {}
        self.waiting: dict[str, Event] = {}
        self.undone: set[str] = set()

    @rule(target=sent, name=NAMES, type_=TYPES, amount=st.integers(0, 2))
    def an_event(self, name: str, type_: str, amount: int) -> Event:
        event = {"event_id": self.run + name, "type": type_, "customer_id": self.run,
                 "channel": "web", "amount": amount}  # fmt: skip
        return self._sent(event)

    @rule(target=sent, name=NAMES, of=NAMES)
    def an_undo(self, name: str, of: str) -> Event:
        event = {"event_id": f"{self.run}undo-{name}", "type": "undo", "channel": "web",
                 "refers_to": self.run + of}  # fmt: skip
        return self._sent(event)

    @rule(event=sent)
    def the_same_again(self, event: Event) -> None:
        # Written in another way, it is the same all the same.
        self._sent(dict(reversed(event.items())))

    @rule(events=st.lists(sent, min_size=1, max_size=5))
    def a_list(self, events: list[Event]) -> None:
        answer = self.post(events)
        assert answer.status_code == 200, answer.text
        told = [one["status"] for one in answer.json()["items"]]
        assert told == [self._expected(event) for event in events]

    def _sent(self, event: Event) -> Event:
        expected = self._expected(event)
        answer = self.post(event)
        if expected == "conflict":
            assert (answer.status_code, answer.json()["type"]) == (409, "/docs#conflict")
        else:
            assert answer.status_code == 200, answer.text
            assert [one["status"] for one in answer.json()["items"]] == [expected]
        return event

    def _expected(self, event: Event) -> str:
        """Return what has to become of an event, and remember it."""
        name = event["event_id"]
        if name in self.first:
            return "duplicate" if self.first[name] == event else "conflict"
        self.first[name] = event
        if event["type"] == "undo" and event["refers_to"] not in self.first:
            self.waiting[name] = event
            return "quarantined"
        if event["type"] == "undo":
            self.undone.add(event["refers_to"])
        for undo, waits in list(self.waiting.items()):
            if waits["refers_to"] == name:
                self.undone.add(name)
                del self.waiting[undo]
        return "stored"

    @invariant()
    def the_ledger_holds_each_once_as_it_first_came(self) -> None:
        where = f"WHERE event_id LIKE '{self.run}%'"
        query = f"SELECT event_id, type, amount, refers_to, flags FROM events {where}"
        found = rows(self.place, query)
        assert {row[0]: row[1:4] for row in found} == {
            name: (event["type"], event.get("amount"), event.get("refers_to"))
            for name, event in self.first.items()
            if name not in self.waiting
        }
        assert set(Counter(row[0] for row in found).values()) <= {1}
        assert {row[0] for row in found if row[4] == "undone"} == self.undone
        aside = rows(self.place, f"SELECT event_id FROM quarantine {where}")
        assert sorted(row[0] for row in aside) == sorted(self.waiting)


def test_retries_contradictions_and_undos_in_any_order_leave_each_event_once(house: Any) -> None:
    headers, client = house.key("events"), house.client()

    class Here(Client):
        place = str(house.folder / "ledger.db")

        @staticmethod
        def post(body: object) -> Any:
            return client.post("/v1/events", json=body, headers=headers)

    Here.TestCase.settings = settings(
        max_examples=30, stateful_step_count=25, deadline=None, derandomize=True
    )
    Here.TestCase().runTest()
