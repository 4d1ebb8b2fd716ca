"""A receiver of webhooks that keeps every call, and refuses some the first time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from zlib import crc32


@dataclass
class Call:
    """One call: whose delivery, signed how and when, and what it brought."""

    delivery_id: str
    signature: str
    timestamp: str
    body: bytes
    answered: int


@dataclass
class Receiver:
    """What was called, in order; `before_answer` is done once, before the next call is answered."""

    address: str = ""
    calls: list[Call] = field(default_factory=list)
    before_answer: Callable[[], object] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, delivery_id: str, signature: str, timestamp: str, body: bytes) -> int:
        """Keep a call; return the status of its answer: of one in five the first is refused."""
        with self._lock:
            new = all(one.delivery_id != delivery_id for one in self.calls)
            status = 503 if new and crc32(delivery_id.encode()) % 5 == 0 else 204
            self.calls.append(Call(delivery_id, signature, timestamp, body, status))
            do, self.before_answer = self.before_answer, None
        if do is not None:
            do()
        return status


@contextmanager
def running_receiver() -> Iterator[Receiver]:
    """Run a receiver on a free port."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told = self.headers
            body = self.rfile.read(int(told["Content-Length"]))
            names = ("X-NBA-Delivery", "X-NBA-Signature", "X-NBA-Timestamp")
            status = receiver.take(*(told[name] for name in names), body)
            # Whoever called may be dead by now.
            with suppress(OSError):
                self.send_response(status)
                self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    receiver.address = f"http://127.0.0.1:{server.server_port}/hook"
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
