"""What is called, what is never called, and what the other side can check."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import count
from typing import Any

import pytest
from trigger_world import BASKET, SECRET, Shop

from features.errors import ConfigError
from serving import webhooks
from serving.webhooks import CallError, call, check_address, signature


@pytest.fixture
def receiver() -> Iterator[tuple[str, list[Any], Callable[[int], None]]]:
    """Something that is called: its address, what came, and what it answers."""
    came: list[Any] = []
    answer = [200]

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            came.append((self.path, dict(self.headers), body))
            self.send_response(answer[0])
            self.send_header("Location", "/elsewhere")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield (
        f"http://127.0.0.1:{server.server_port}/hook?x=1",
        came,
        lambda code: answer.__setitem__(0, code),
    )
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_webhook_is_signed_and_called_until_it_takes_it(house: Any, receiver: Any) -> None:
    url, came, answers = receiver
    shop = Shop(house, webhooks=(("crm", url),), webhook_secret=SECRET)
    shop.write(BASKET + "    deliver: webhook\n    webhook: crm\n")
    shop.event("b1", "basket", "1", 0)
    answers(302)
    assert shop.round(60)["decided"] >= 1
    answers(200)
    assert shop.round(61)["delivered"] == 1
    assert len(came) == 2 and {path for path, _, _ in came} == {"/hook?x=1"}
    (_, _, first), (_, headers, second) = came
    assert first == second
    assert headers["X-NBA-Delivery"] == json.loads(second)["delivery_id"]
    signed = signature(second, SECRET.encode(), int(headers["X-NBA-Timestamp"]))
    assert headers["X-NBA-Signature"] == signed


@pytest.mark.parametrize(
    "url",
    [
        "http://crm.example/hook", "ftp://crm.example/", "file:///etc/passwd", "gopher://x/",
        "https://", "https:///path", "https://user@crm.example/", "https://user:pw@crm.example/",
        "https://crm.example/#part", "https://crm.example/a b", "https://crm.example:0/",
        "https://crm.example:99999/", "https://169.254.169.254/latest/meta-data/",
        "http://169.254.169.254/", "https://[fe80::1]/", "https://[fd00:ec2::254]/",
        "https://100.100.100.200/", "https://168.63.129.16/", "https://0.0.0.0/", "https://[::]/",
        "https://224.0.0.1/", "https://255.255.255.255/", "https://[ff02::1]/", "http://10.0.0.1/",
        "https://[::ffff:169.254.169.254]/", "http://192.168.0.1/", "javascript:alert(1)",
        "crm", "",
    ],
)  # fmt: skip
def test_an_address_that_may_never_be_called_is_refused(url: str) -> None:
    with pytest.raises(ConfigError):
        check_address(url)
    with pytest.raises(ConfigError):
        call(url, b"{}", b"key", "d", 1)


@pytest.mark.parametrize(
    "url",
    ["https://crm.example/hook", "http://127.0.0.1:9000/", "http://[::1]/", "https://10.0.0.1/",
     "http://localhost:8000/x"],
)  # fmt: skip
def test_an_address_that_may_be_called_is_not(url: str) -> None:
    check_address(url)


@pytest.mark.parametrize(
    "found", ["169.254.169.254", "fe80::1", "::ffff:169.254.169.254", "0.0.0.0"]
)
def test_a_name_that_leads_somewhere_forbidden_is_not_called(
    monkeypatch: pytest.MonkeyPatch, found: str
) -> None:
    answers = [(0, 0, 0, "", ("93.184.216.34", 443)), (0, 0, 0, "", (found, 443))]
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: answers)
    with pytest.raises(CallError, match="may not be called"):
        call("https://crm.example/", b"{}", b"key", "d", 1)


def test_a_receiver_that_drips_its_answer_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "TIMEOUT_S", 0.5)
    over, drops = threading.Event(), count()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def drip() -> None:
            wire, _ = listening.accept()
            with wire, suppress(OSError):
                wire.recv(65_536)
                wire.sendall(b"HTTP/1.1 200 OK\r\n")
                while not over.wait(0.05):
                    wire.sendall(b"X-More: %d\r\n" % next(drops))

        dripping = threading.Thread(target=drip)
        dripping.start()
        try:
            with pytest.raises(CallError):
                call(f"http://127.0.0.1:{listening.getsockname()[1]}/", b"{}", b"s", "d", 1)
            # A hundred are what the library reads at most.
            assert next(drops) < 60
        finally:
            over.set()
            dripping.join()
