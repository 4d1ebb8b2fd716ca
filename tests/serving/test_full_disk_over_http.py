"""A disk that is full stops what is to be kept, and neither the answers nor the service."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from served_world import Service, action, limit, rows
from small_disk import SmallDisk, small_disk

PATIENCE_S = 30.0


@dataclass
class Shop:
    """A service whose ledger lies on a small disk, and what it said it has kept."""

    service: Service
    disk: SmallDisk
    client: httpx.Client
    sent: int = 0
    kept: dict[str, int] = field(default_factory=dict)

    def tell(self, count: int = 1) -> httpx.Response:
        """Send new events; what is confirmed is noted."""
        events = []
        for _ in range(count):
            self.sent += 1
            events.append({"event_id": f"e{self.sent}", "type": "transaction", "customer_id": "1",
                           "channel": "web", "amount": self.sent,
                           "attributes": {"note": "x" * 2_000}})  # fmt: skip
        answer = self.client.post("/v1/events", json=events)
        if answer.status_code == 200:
            for event, item in zip(events, answer.json()["items"], strict=True):
                assert item == {"event_id": event["event_id"], "status": "stored", "detail": None}
                self.kept[event["event_id"]] = event["amount"]
        return answer

    def ask(self, **question: Any) -> dict[str, Any]:
        answer = self.client.post("/v1/next-best-actions", json={"customer_id": "1"} | question)
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def chosen(self, **question: Any) -> list[str]:
        return [one["action_id"] for one in self.ask(**question)["results"]]

    def until_full(self) -> httpx.Response:
        """Send until an event is refused."""
        return self._until(503)

    def until_taken(self) -> httpx.Response:
        """Send until an event is stored again."""
        return self._until(200)

    def _until(self, status: int) -> httpx.Response:
        give_up = time.monotonic() + PATIENCE_S
        while (answer := self.tell()).status_code != status:
            assert time.monotonic() < give_up, answer.text
            time.sleep(0.05)
        return answer


@pytest.fixture(scope="module", params=["nothing left", "less than it wants left"])
def shop(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shop]:
    """A full disk, and one below `NBA_LEDGER_FREE_MB`; homes and logs lie elsewhere."""
    home: Path = tmp_path_factory.mktemp("home")
    with small_disk(tmp_path_factory.mktemp("disk") / "small", 12) as disk:
        wanted = "0" if request.param == "nothing left" else "2"
        service = Service(home, str(disk.folder / "ledger.db"),
                          more={"NBA_LEDGER_FREE_MB": wanted})  # fmt: skip
        service.write(
            action("free") + action("counted", "counted"), limit("l", 9, "actions: [counted]")
        )
        try:
            service.start()
            with service.client() as client:
                yield Shop(service, disk, client)
        finally:
            service.stop()


def test_a_full_disk_refuses_events_answers_questions_and_recovers(shop: Shop) -> None:
    workers = {one.pid for one in shop.service.workers()}
    for _ in range(20):
        assert shop.tell(5).status_code == 200
    for _ in range(2):
        before = len(shop.kept)
        shop.disk.fill()
        refused = shop.until_full()
        assert refused.headers["content-type"] == "application/problem+json"
        assert int(refused.headers["Retry-After"]) > 0
        problem = refused.json()
        assert (problem["status"], problem["type"]) == (503, "/docs#not_stored")
        assert problem["detail"] == "the disk is full"
        for _ in range(5):
            assert shop.chosen(candidates=["free"]) == ["free"]
        # What has to be counted cannot be: the default is answered, and the answer says so.
        counted = shop.ask(candidates=["counted"])
        assert [one["action_id"] for one in counted["results"]] == ["nothing"]
        assert "ledger_unavailable" in counted["degraded"]
        shop.disk.clear()
        assert shop.until_taken().json()["items"][0]["status"] == "stored"
        assert shop.tell(50).status_code == 200
        assert len(shop.kept) > before + 50
        chosen = shop.ask(candidates=["counted"])
        assert [one["action_id"] for one in chosen["results"]] == ["counted"]
        assert chosen["logged"] == "durable" and "ledger_unavailable" not in chosen["degraded"]
    assert {one.pid for one in shop.service.workers()} == workers


def test_whatever_was_confirmed_is_there_once_and_nothing_that_was_not(shop: Shop) -> None:
    found = rows(shop.service.ledger, "SELECT event_id, amount FROM events")
    assert {name: amount for name, amount in found if name in shop.kept} == shop.kept
    assert set(Counter(name for name, _ in found).values()) == {1}
    # After a 503 it may be there or not; that it was sent is certain.
    assert {int(name[1:]) for name, _ in found} <= set(range(1, shop.sent + 1))
    assert rows(shop.service.ledger, "PRAGMA integrity_check") == [("ok",)]


def test_a_decision_that_was_answered_while_it_was_full_is_there_or_was_said_not_to_be(
    shop: Shop,
) -> None:
    shop.disk.fill()
    shop.until_full()
    answers = [shop.ask(candidates=["free"]) for _ in range(40)]
    assert {one["logged"] for one in answers} <= {"spooled", "not_logged"}
    for one in answers:
        assert ("decision_not_logged" in one["degraded"]) == (one["logged"] == "not_logged")
    shop.disk.clear()
    shop.until_taken()
    promised = {one["decision_id"] for one in answers if one["logged"] == "spooled"}
    give_up = time.monotonic() + PATIENCE_S
    while True:
        found = rows(shop.service.ledger, "SELECT decision_id FROM decisions")
        if not (left := promised - {name for (name,) in found}):
            break
        assert time.monotonic() < give_up, left
        time.sleep(0.2)
