"""Whatever kills the process that runs triggers, each event leads to one decision that arrives."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import httpx
import psutil
import pytest
from called_world import Call, Receiver, running_receiver
from outbound_world import CATALOG
from served_world import Service, a_ledger, kill, rows

from features.clock import move_clock, open_clock, pin_clock

AT_MOST, REGULARS = 4, 5
"""How many offers by e-mail a customer may get; how many customers come again and again."""
TIMES = max(1, int(os.environ.get("TORTURE_ROUNDS", "20")) // 20)
ROUNDS = {
    "sqlite": ("called", "written", "leader", "everything") * TIMES,
    # Who leads cannot be seen there, so both workers are killed, which takes longer.
    "postgresql": ("called", "written") * TIMES,
}
"""When the leader is killed: during a call, after a line, at any time, or with everything else."""
SECRET, STARTS_AT = "a secret of sixteen", datetime(2018, 1, 1, 6, tzinfo=UTC)
PATIENCE_S = 90.0

TRIGGERS = """
triggers:
  - {id: basket_left, on: {types: [basket]}, channel: email, placements: [mail]}
  - id: complained
    on: {types: [complaint]}
    channel: email
    placements: [mail]
    deliver: webhook
    webhook: crm
"""
POLICIES = f"""
consent: {{assumed: demo}}
contact_policies:
  - {{id: few, at_most: {AT_MOST}, days: 7, window: rolling, per: channel, channels: [email],
     words: {{en: Limit, de: Grenze}}}}
"""
TRIGGER_OF = {"basket": "basket_left", "complaint": "complained"}


@dataclass
class Teller(threading.Thread):
    """Sends events until it is told to stop; notes what was sent and what was confirmed."""

    service: Service
    sent: dict[str, tuple[str, str]] = field(default_factory=dict)
    kept: set[str] = field(default_factory=set)
    surprises: list[str] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        super().__init__(daemon=True)

    __hash__ = threading.Thread.__hash__

    def run(self) -> None:
        dice = Random(5)
        with self.service.client() as http:
            while not self.stopping.is_set():
                self._tell(http, [self._event(dice) for _ in range(dice.choice((1, 2, 5)))])
                time.sleep(0.1)

    def _event(self, dice: Random) -> dict[str, Any]:
        number, kind = len(self.sent), dice.choice([*TRIGGER_OF])
        regular = dice.random() < 0.4
        customer = f"regular {dice.randrange(REGULARS)}" if regular else f"new {number}"
        self.sent[f"event {number}"] = kind, customer
        return {"event_id": f"event {number}", "type": kind, "customer_id": customer,
                "channel": "web"}  # fmt: skip

    def _tell(self, http: httpx.Client, events: list[dict[str, Any]]) -> None:
        while not self.stopping.is_set():
            try:
                answer = http.post("/v1/events", json=events)
            except httpx.TransportError:
                continue
            if answer.status_code == 200:
                self.kept |= {one["event_id"] for one in answer.json()["items"]}
                return
            if answer.status_code != 503:
                self.surprises.append(answer.text)
            time.sleep(0.05)


@dataclass(frozen=True)
class Killed:
    """What is left when the load is over: the ledger, what was told, and what has arrived."""

    service: Service
    told: Teller
    calls: list[Call]
    lines: list[bytes]

    @property
    def arrived(self) -> list[bytes]:
        """Every body that arrived, repetitions too; a call that was refused was none."""
        return [*self.lines, *(one.body for one in self.calls if one.answered == 204)]

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return rows(self.service.ledger, query)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def killed(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Killed]:
    home = tmp_path_factory.mktemp("killed")
    for name, text in (("actions", CATALOG), ("policies", POLICIES), ("triggers", TRIGGERS)):
        (home / f"{name}.yaml").write_text(text)
    pin_clock(home / "clock.json", STARTS_AT)
    with a_ledger(request.param, home) as ledger, running_receiver() as receiver:
        settings = {"NBA_WEBHOOKS": f"crm={receiver.address}", "NBA_WEBHOOK_SECRET": SECRET}
        service = Service(home, ledger, more=settings)
        try:
            service.start()
            told = _load(service, receiver, ROUNDS[request.param])
            _drain(service, told)
        finally:
            service.stop()
        yield Killed(service, told, receiver.calls, _lines(home))


def _load(service: Service, receiver: Receiver, rounds: Sequence[str]) -> Teller:
    teller, dice = Teller(service), Random(7)
    teller.start()
    try:
        for what in rounds:
            service.wait_until_ready()
            if what == "called":
                done = threading.Event()
                receiver.before_answer = lambda done=done: (_kill_leader(service), done.set())
                assert done.wait(PATIENCE_S)
            elif what == "written":
                before = len(_lines(service.home))
                _until(lambda before=before: len(_lines(service.home)) > before)
                _kill_leader(service)
            else:
                time.sleep(1.0 + 3.0 * dice.random())
                _kill_leader(service) if what == "leader" else service.kill_everything()
            if what == "everything":
                service.start()
        service.wait_until_ready()
        time.sleep(3.0)
    finally:
        teller.stopping.set()
        teller.join(PATIENCE_S)
    assert not teller.is_alive()
    return teller


def _kill_leader(service: Service) -> None:
    """Kill whichever worker runs the triggers; where that cannot be seen from outside, both."""
    workers = service.workers()
    for worker in [one for one in workers if _leads(one)] or workers:
        kill(worker)


def _leads(process: psutil.Process) -> bool:
    try:
        return any(one.path.endswith(".triggers.lock") for one in process.open_files())
    except psutil.Error:
        return False


def _drain(service: Service, told: Teller) -> None:
    """Let time go on until nothing is to be done any more."""
    query = "SELECT event_id, state FROM deliveries"

    def done() -> bool:
        found = dict(rows(service.ledger, query))
        if told.kept <= set(found) and not {"waiting", "decided"} & set(found.values()):
            return True
        # What was refused is tried again after half a minute.
        clock = service.home / "clock.json"
        move_clock(clock, open_clock(clock).now() + timedelta(seconds=20))
        return False

    _until(done)


def _until(what: Any) -> None:
    give_up = time.monotonic() + PATIENCE_S
    while not what():
        assert time.monotonic() < give_up
        time.sleep(0.02 if what.__name__ == "<lambda>" else 1.0)


def _lines(home: Path) -> list[bytes]:
    """Return the whole lines of the outbox."""
    files = sorted((home / "outbox").glob("*.jsonl"))
    return [line for file in files for line in file.read_bytes().split(b"\n")[:-1]]


def test_it_was_really_killed_in_between(killed: Killed) -> None:
    told = killed.told
    assert told.surprises == [] and len(told.kept) > 60
    # A process that was killed during a call could not note that it was made.
    taken = Counter(one.delivery_id for one in killed.calls if one.answered == 204)
    refused = {one.delivery_id for one in killed.calls if one.answered == 503}
    assert max(taken.values()) > 1 and len(refused) > 3
    assert len(killed.lines) > 20 and len(taken) > 20


def test_every_confirmed_event_has_one_delivery_that_came_to_an_end(killed: Killed) -> None:
    found = killed.rows("SELECT event_id, trigger_id, customer_id, state FROM deliveries")
    names = [row[0] for row in found]
    assert len(set(names)) == len(names)
    assert killed.told.kept <= set(names) <= set(killed.told.sent)
    for name, trigger, customer, state in found:
        kind, whose = killed.told.sent[name]
        assert (trigger, customer) == (TRIGGER_OF[kind], whose)
        assert state in ("delivered", "dropped")


def test_whoever_may_still_be_contacted_gets_a_delivery_where_the_trigger_says(
    killed: Killed,
) -> None:
    by_line = {json.loads(line)["event"]["event_id"] for line in killed.lines}
    taken = [one.body for one in killed.calls if one.answered == 204]
    by_call = {json.loads(body)["event"]["event_id"] for body in taken}
    for name in killed.told.kept:
        kind, customer = killed.told.sent[name]
        if customer.startswith("new"):
            assert name in (by_line if kind == "basket" else by_call)
    kinds = {name: kind for name, (kind, _) in killed.told.sent.items()}
    assert {kinds[name] for name in by_line} == {"basket"}
    assert {kinds[name] for name in by_call} == {"complaint"}


def test_what_arrives_again_is_the_same_to_the_last_byte(killed: Killed) -> None:
    bodies: dict[str, set[bytes]] = defaultdict(set)
    for body in [*killed.lines, *(one.body for one in killed.calls)]:
        bodies[json.loads(body)["event"]["event_id"]].add(body)
    assert {len(one) for one in bodies.values()} == {1}
    told = [json.loads(*one) for one in bodies.values()]
    assert len({one["delivery_id"] for one in told}) == len(told)
    assert len({one["decision"]["decision_id"] for one in told}) == len(told)
    for one in killed.calls:
        assert json.loads(one.body)["delivery_id"] == one.delivery_id


def test_every_call_is_signed(killed: Killed) -> None:
    for one in killed.calls:
        told = f"{one.timestamp}.".encode() + one.body
        expected = hmac.new(SECRET.encode(), told, hashlib.sha256).hexdigest()
        assert one.signature == f"sha256={expected}"


def test_every_decision_that_arrived_is_in_the_ledger_and_no_other_was_taken(
    killed: Killed,
) -> None:
    stored = dict(killed.rows("SELECT decision_id, customer_id FROM decisions"))
    arrived = {}
    for body in killed.arrived:
        decision = json.loads(body)["decision"]
        arrived[decision["decision_id"]] = decision["customer_id"]
        assert [one["action_id"] for one in decision["results"]] == ["tea"]
    assert arrived.items() <= stored.items()
    # The others found the customer contacted often enough; each is noted with its event.
    dropped = killed.rows("SELECT decision_id FROM deliveries WHERE state = 'dropped'")
    assert set(stored) - set(arrived) == {row[0] for row in dropped}


def test_nobody_is_contacted_more_often_than_allowed_and_nobody_less(killed: Killed) -> None:
    arrived = {json.loads(body)["decision"]["decision_id"]: json.loads(body)["decision"]
               for body in killed.arrived}  # fmt: skip
    contacts = Counter(one["customer_id"] for one in arrived.values())
    wanted = Counter(killed.told.sent[name][1] for name in killed.told.kept)
    assert max(contacts.values()) == AT_MOST
    for customer, events in wanted.items():
        assert min(events, AT_MOST) <= contacts[customer] <= AT_MOST
    held = Counter(row[0] for row in killed.rows("SELECT customer_id FROM reservations"))
    assert held == contacts
    reasons = killed.rows("SELECT DISTINCT reason FROM deliveries WHERE state = 'dropped'")
    assert reasons == [("nothing:contacted_too_recently",)]
