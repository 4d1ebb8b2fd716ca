"""Bodies that are far too large, or never end, cost neither memory nor other callers."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from served_world import Service, action, rows

AT_ONCE = 8
HUGE, PIECE = 100_000_000, b"x" * 65_536
MOST_GROWTH = 30_000_000
"""Bytes that a worker may have more in memory afterwards; the bodies are 800 million."""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    home: Path = tmp_path_factory.mktemp("home")
    made = Service(home, str(home / "ledger.db"))
    made.write(action("free"), "  []\n")
    try:
        made.start()
        yield made
    finally:
        made.stop()


def sent(service: Service, length: str) -> bytes:
    """Send an event of 100 MB as far as it is taken; return how the answer begins."""
    head = (
        f"POST /v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Authorization: {service.headers['Authorization']}\r\n{length}\r\n\r\n"
    )
    chunked = "chunked" in length
    piece = b"%x\r\n%s\r\n" % (len(PIECE), PIECE) if chunked else PIECE
    with socket.create_connection(("127.0.0.1", service.port), timeout=60) as line:
        line.sendall(head.encode())
        try:
            for _ in range(HUGE // len(PIECE)):
                line.sendall(piece)
                line.setblocking(False)
                try:
                    if line.recv(1, socket.MSG_PEEK):
                        break
                except BlockingIOError:
                    pass
                finally:
                    line.setblocking(True)
                    line.settimeout(60)
        except OSError:
            # It hung up; what it said before may still be there.
            pass
        try:
            return line.recv(4_096)
        except OSError:
            return b""


def memory_of(service: Service) -> dict[int, int]:
    return {one.pid: one.memory_info().rss for one in service.workers()}


def at_rest(service: Service) -> dict[int, int]:
    """Return the memory of the workers when the first event has been followed and it stays."""
    memory, steady = memory_of(service), 0
    for _ in range(300):
        time.sleep(0.1)
        last, memory = memory, memory_of(service)
        steady = steady + 1 if last == memory else 0
        if steady == 10:
            break
    return memory


def event(number: int) -> dict[str, object]:
    return {"event_id": f"e{number}", "type": "search", "customer_id": "1", "channel": "web"}


@pytest.mark.parametrize("length", [f"Content-Length: {HUGE}", "Transfer-Encoding: chunked"])
def test_huge_bodies_are_refused_and_leave_nothing_in_memory(service: Service, length: str) -> None:
    answers: list[bytes] = []
    with service.client() as client:
        assert client.post("/v1/events", json=event(0)).status_code == 200
        before = at_rest(service)
        senders = [
            threading.Thread(target=lambda: answers.append(sent(service, length)), daemon=True)
            for _ in range(AT_ONCE)
        ]
        for sender in senders:
            sender.start()
        told = [_told(client, number) for number in range(1, 20)]
        for sender in senders:
            sender.join(120)
        assert not any(sender.is_alive() for sender in senders)
        assert set(told) == {200}
        assert client.post("/v1/events", json=event(20)).status_code == 200
    # Either it says so, or it hangs up on whoever goes on sending.
    assert {one[:12] for one in answers} <= {b"HTTP/1.1 413", b""}
    assert b"HTTP/1.1 413" in {one[:12] for one in answers}
    after = memory_of(service)
    assert after.keys() == before.keys()
    assert max(after[pid] - before[pid] for pid in after) < MOST_GROWTH
    assert rows(service.ledger, "SELECT count(*) FROM events") == [(21,)]


def _told(client: httpx.Client, number: int) -> int:
    return client.post("/v1/events", json=event(number)).status_code
