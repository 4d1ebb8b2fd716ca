"""Calls addresses that the operator has named: signed, without redirects, and nowhere forbidden.

An address is never taken from a request or from a file of the business. Its host is looked up once
per call, every answer is checked, and the connection goes to the address that was checked.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urlsplit

from features.errors import ConfigError

TIMEOUT_S = 5.0
"""How long a call may take to connect, and again until it was answered."""

_METADATA = {ip_address(one) for one in ("100.100.100.200", "fd00:ec2::254", "168.63.129.16")}


class CallError(Exception):
    """A call that was not taken; worth trying again."""


def check_address(url: str) -> None:
    """Refuse an address that may never be called.

    Raises
    ------
    ConfigError : not https (or http on this machine), without a host, or with a user in it.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ConfigError(f"NBA_WEBHOOKS: {url!r} is no address ({error})") from error
    if parts.scheme not in ("https", "http") or not parts.hostname or port == 0:
        raise ConfigError(f"NBA_WEBHOOKS: {url!r} is not an address such as https://host/path")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise ConfigError(f"NBA_WEBHOOKS: {url!r} holds a user or a fragment")
    if any(not one.isprintable() or one.isspace() for one in url):
        raise ConfigError(f"NBA_WEBHOOKS: {url!r} holds a blank")
    literal = _literal(parts.hostname)
    if literal is not None and not _allowed(literal, parts.scheme):
        raise ConfigError(f"NBA_WEBHOOKS: {url!r} may not be called")
    if parts.scheme == "http" and literal is None and parts.hostname != "localhost":
        raise ConfigError(f"NBA_WEBHOOKS: {url!r} is http; only this machine is called without TLS")


def call(url: str, body: bytes, secret: bytes, delivery_id: str, sent_at: int) -> None:
    """POST a body once.

    Raises
    ------
    CallError : not reached, too slow, or answered with anything but 2xx, such as a redirect.
    ConfigError : the address may not be called.
    """
    check_address(url)
    parts = urlsplit(url)
    host, secure = str(parts.hostname), parts.scheme == "https"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    headers = {
        "Content-Type": "application/json",
        "X-NBA-Delivery": delivery_id,
        "X-NBA-Timestamp": str(sent_at),
        "X-NBA-Signature": signature(body, secret, sent_at),
    }
    connection: http.client.HTTPConnection | None = None
    try:
        port = parts.port or (443 if secure else 80)
        raw = _connect(host, port, parts.scheme)
        connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT_S)
        connection.sock = (
            ssl.create_default_context().wrap_socket(raw, server_hostname=host) if secure else raw
        )
        # A timeout of the socket begins anew with every byte; who drips would hold up all others.
        with _ended_after(TIMEOUT_S, connection.sock):
            connection.request("POST", path, body, headers)
            status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        raise CallError(type(error).__name__) from error
    finally:
        if connection is not None:
            connection.close()
    if not 200 <= status < 300:
        raise CallError(f"status {status}")


def signature(body: bytes, secret: bytes, sent_at: int) -> str:
    """Return the HMAC-SHA-256 of the time, a point and the body.

    >>> signature(b"{}", b"secret", 1)[:14]
    'sha256=1122767'
    """
    told = f"{sent_at}.".encode() + body
    return "sha256=" + hmac.new(secret, told, hashlib.sha256).hexdigest()


@contextmanager
def _ended_after(seconds: float, wire: socket.socket) -> Iterator[None]:
    """Hang up on who takes longer.

    Raises
    ------
    TimeoutError : it took longer; what was read until then may look like an answer.
    """
    late = threading.Event()

    def hang_up() -> None:
        late.set()
        with suppress(OSError):
            wire.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, hang_up)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
    if late.is_set():
        raise TimeoutError


def _connect(host: str, port: int, scheme: str) -> socket.socket:
    """Connect to the first address of a host, all of which have to be allowed."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [str(one[4][0]) for one in found]
    if not addresses or not all(_allowed(ip_address(one), scheme) for one in addresses):
        raise CallError("its host has an address that may not be called")
    return socket.create_connection((addresses[0], port), timeout=TIMEOUT_S)


def _allowed(address: IPv4Address | IPv6Address, scheme: str) -> bool:
    """Tell whether an address may be called: without TLS only this machine, and nothing special."""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    address = mapped or address
    if address.is_loopback:
        return True
    special = (
        address.is_link_local
        or address.is_multicast
        or address.is_unspecified
        or address.is_reserved
        or address in _METADATA
    )
    return scheme == "https" and not special


def _literal(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None
