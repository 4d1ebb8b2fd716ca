"""Clients that keep a diary: what they sent, and what the service said it has kept."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random
from typing import Any

import httpx
from served_world import Service

GIVE_UP_S = 30.0
PAUSE_S = 0.01
REGULARS = 6
"""Customers who come again and again, so that their limits are reached."""


@dataclass
class Diary:
    """What one client knows; nothing in here comes from the database.

    Attributes
    ----------
    asked : customers of questions without an id, each new.
    answers : by decision id, the answer and whose it was.
    requests, repeated : question ids that were sent; by id, the decisions that answered them.
    events, kept : outcomes that were sent by event id; what the service said of them, where it did.
    journal, noted : the same of other events.
    """

    asked: set[str] = field(default_factory=set)
    answers: dict[str, tuple[dict[str, Any], str]] = field(default_factory=dict)
    requests: dict[str, str] = field(default_factory=dict)
    repeated: dict[str, set[str]] = field(default_factory=dict)
    events: dict[str, dict[str, Any]] = field(default_factory=dict)
    kept: dict[str, str] = field(default_factory=dict)
    journal: dict[str, dict[str, Any]] = field(default_factory=dict)
    noted: dict[str, str] = field(default_factory=dict)
    surprises: list[str] = field(default_factory=list)


def merged(diaries: Iterable[Diary]) -> Diary:
    """Return what all clients know together; no two of them send the same id."""
    whole = Diary()
    for one in diaries:
        whole.asked |= one.asked
        whole.surprises += one.surprises
        for name in ("answers", "requests", "repeated", "events", "kept", "journal", "noted"):
            getattr(whole, name).update(getattr(one, name))
    return whole


class Client(threading.Thread):
    """Asks and reports until it is told to stop, and sends again what was not answered."""

    def __init__(self, service: Service, name: str, stop: threading.Event) -> None:
        super().__init__(name=name, daemon=True)
        self.diary = Diary()
        self._service, self._stopping = service, stop
        self._dice = Random(name)
        self._number = 0
        self._open: list[tuple[str, str]] = []

    def run(self) -> None:
        with self._service.client() as http:
            while not self._stopping.is_set():
                chance = self._dice.random()
                if chance < 0.3:
                    self._tell(http)
                elif self._open and chance < 0.65:
                    self._report(http)
                else:
                    self._ask(http)
                # What is counted is what is killed in between, not how much goes through.
                time.sleep(PAUSE_S)

    def _next(self) -> str:
        self._number += 1
        return f"{self.name}-{self._number}"

    def _ask(self, http: httpx.Client) -> None:
        name, kind = self._next(), self._dice.random()
        question: dict[str, Any] = {"customer_id": name, "candidates": ["free"]}
        if kind < 0.4:
            question["candidates"] = [self._dice.choice(("each", "all", "budgeted"))]
            question["customer_id"] = f"regular {self._dice.randrange(REGULARS)}"
        if kind < 0.6:
            question["decision_request_id"] = f"ask {name}"
            self.diary.requests[f"ask {name}"] = question["customer_id"]
        else:
            self.diary.asked.add(name)
            question["durable"] = kind > 0.9
        response = self._send(http, "/v1/next-best-actions", question, again=kind < 0.6)
        if response is None:
            return
        answer = response.json()
        if answer["logged"] == "not_logged":
            return
        decision_id = answer["decision_id"]
        self.diary.answers[decision_id] = answer, question["customer_id"]
        if kind < 0.6:
            self.diary.repeated.setdefault(f"ask {name}", set()).add(decision_id)
        self._open += [(decision_id, one["action_id"]) for one in answer["results"]]
        if kind < 0.1:
            # A client that is not sure asks again, and gets what it got.
            self._ask_again(http, question, answer)

    def _ask_again(
        self, http: httpx.Client, question: dict[str, Any], answer: dict[str, Any]
    ) -> None:
        response = self._send(http, "/v1/next-best-actions", question, again=True)
        if response is not None and response.json() != answer:
            self.diary.surprises.append(f"{question} was answered twice: {answer}, {response.text}")

    def _report(self, http: httpx.Client) -> None:
        decision_id, action_id = self._open.pop(self._dice.randrange(len(self._open)))
        outcomes = ["presented"]
        if self._dice.random() < 0.5:
            outcomes.append(self._dice.choice(("presented", "clicked", "accepted", "refused")))
        said = []
        for outcome in outcomes:
            event = {"event_id": f"event {self._next()}", "decision_id": decision_id,
                     "action_id": action_id, "outcome": outcome}  # fmt: skip
            self.diary.events[event["event_id"]] = event
            said.append(event)
        self._send_items(http, "/v1/outcomes", said, self.diary.kept)

    def _tell(self, http: httpx.Client) -> None:
        """Send one event, or some of them in a list; now and then one is taken back at once."""
        events = [self._event() for _ in range(self._dice.choice((1, 1, 3, 20)))]
        for event in events[: len(events) // 3]:
            events.insert(self._dice.randrange(len(events)), self._undo(event))
        if self._dice.random() < 0.2:
            # The undo overtakes what it takes back.
            first = self._event()
            self._send_items(http, "/v1/events", self._undo(first), self.diary.noted)
            events.append(first)
        self._send_items(
            http, "/v1/events", events if len(events) > 1 else events[0], self.diary.noted
        )

    def _event(self) -> dict[str, Any]:
        event = {"event_id": f"told {self._next()}", "customer_id": self.name, "channel": "web"}
        kind = self._dice.choice(("page_view", "complaint", "transaction"))
        event |= {"type": kind} | ({"amount": self._number} if kind == "transaction" else {})
        if self.diary.answers and self._dice.random() < 0.2:
            # Of a decision that may still lie in a spool; the customer is that of the decision.
            event["decision_id"] = self._dice.choice([*self.diary.answers])
            del event["customer_id"]
        return self._note(event)

    def _undo(self, event: dict[str, Any]) -> dict[str, Any]:
        name = f"undo of {event['event_id']}"
        return self._note({"event_id": name, "type": "undo", "channel": "web",
                           "refers_to": event["event_id"]})  # fmt: skip

    def _note(self, event: dict[str, Any]) -> dict[str, Any]:
        self.diary.journal[event["event_id"]] = event
        return event

    def _send_items(self, http: httpx.Client, path: str, said: Any, kept: dict[str, str]) -> None:
        """Send items, sometimes twice, and note what became of each."""
        for _ in range(self._dice.choice((1, 1, 1, 2))):
            response = self._send(http, path, said, again=True)
            for item in response.json()["items"] if response is not None else ():
                kept[item["event_id"]] = item["status"]

    def _send(self, http: httpx.Client, path: str, body: Any, again: bool) -> httpx.Response | None:
        """Send something until it is answered, if it may be sent again; None without an answer."""
        give_up = time.monotonic() + GIVE_UP_S
        while True:
            try:
                response = http.post(path, json=body)
                if response.status_code == 200:
                    return response
                if response.status_code != 503:
                    self.diary.surprises.append(f"{path} {response.status_code}: {response.text}")
                    return None
            except httpx.TransportError:
                pass
            if not again or time.monotonic() > give_up or self._stopping.is_set():
                return None
            time.sleep(0.05)
