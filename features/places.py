"""Where Feast keeps what it keeps: files in the home folder, or Redis and PostgreSQL.

The addresses come from settings and may hold passwords. They never get into Feast's own
configuration, whose text for Redis is split at commas and read as JSON: a password with a comma
would break it, one of digits would become a number. Redis is given a client that is ready instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from features.errors import ConfigError

CONNECT_SECONDS = 1.0
"""How long a connection to Redis may take; longer than a read, so that one is made in the end."""
WRITE_SECONDS = 10.0
"""How long Redis may take to answer a batch of a materialisation."""

_POSTGRES = ("postgresql+psycopg", "postgresql", "postgres")


@dataclass(frozen=True)
class Places:
    """Where the online store and the registry of Feast are.

    Attributes
    ----------
    online : redis://USER:PASSWORD@HOST:PORT/DB, or rediss:// with TLS; empty for a SQLite file.
    registry : postgresql+psycopg://USER:PASSWORD@HOST/DATABASE; empty for a SQLite file.
    read_ms : how long one read of the online store may wait for its answer, in milliseconds.

    Raises
    ------
    ConfigError : an address of another form; its password is not told.
    """

    online: str = field(default="", repr=False)
    registry: str = field(default="", repr=False)
    read_ms: float = 50.0

    def __post_init__(self) -> None:
        check_online(self.online)
        check_registry(self.registry)

    @property
    def remote(self) -> bool:
        """Whether profiles are read from a server."""
        return bool(self.online)

    def over(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return Feast's settings with these places instead of those in the file."""
        changed = dict(settings)
        if self.online:
            at = urlsplit(self.online)
            # Never connected with, see `client`. What is older than what is stored is held back by
            # `features.online.newest_wins`, on every store alike.
            changed["online_store"] = {
                "type": "redis",
                "connection_string": f"{at.hostname}:{at.port or 6379}",
                "skip_dedup": True,
            }
        if self.registry:
            changed["registry"] = {
                **settings["registry"],
                "path": "postgresql+psycopg" + self.registry[self.registry.index("://") :],
                "sqlalchemy_config_kwargs": {
                    "pool_pre_ping": True,
                    "connect_args": {"connect_timeout": 5},
                },
            }
        return changed

    def client(self, seconds: float) -> Any:
        """Return a client of Redis that waits no longer for an answer and never asks twice.

        Raises
        ------
        ConfigError : the library is not installed.
        """
        try:
            from redis import Redis
            from redis.backoff import NoBackoff
            from redis.retry import Retry
        except ImportError as error:
            raise ConfigError(
                "NBA_ONLINE_STORE names a Redis, and the library for it is not installed: it "
                "comes with the extra `production`"
            ) from error
        return Redis.from_url(
            self.online,
            socket_timeout=seconds,
            socket_connect_timeout=CONNECT_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )

    def without_passwords(self, text: str) -> str:
        """Return a text, such as that of an error, without the passwords of the addresses."""
        return without_password(without_password(text, self.online), self.registry)


def check_online(address: str) -> None:
    """Refuse an address of an online store that cannot be one.

    Raises
    ------
    ConfigError : it is not empty and not redis://HOST:PORT/DB.
    """
    if not address:
        return
    at = _split(address)
    database = at.path.removeprefix("/") if at else ""
    plain = at is not None and not at.query and not at.fragment and "," not in (at.hostname or "")
    if (
        at is None
        or at.scheme not in ("redis", "rediss")
        or not at.hostname
        or not plain
        or (database and not database.isdecimal())
    ):
        raise ConfigError(
            f"{without_password(address)!r} is not redis://USER:PASSWORD@HOST:PORT/DB, or "
            "rediss:// with TLS: one host, nothing after the number of the database"
        )


def check_registry(address: str) -> None:
    """Refuse an address of a registry that cannot be one.

    Raises
    ------
    ConfigError : it is not empty and not postgresql+psycopg://HOST/DATABASE.
    """
    if not address:
        return
    at = _split(address)
    if at is None or at.scheme not in _POSTGRES or not at.path.strip("/"):
        raise ConfigError(
            f"{without_password(address)!r} is not "
            "postgresql+psycopg://USER:PASSWORD@HOST:PORT/DATABASE"
        )


def without_password(text: str, address: str | None = None) -> str:
    """Return a text without the password of an address; of the text itself, if it is one.

    >>> without_password("redis://app:s3cret@cache:6379/0")
    'redis://app:***@cache:6379/0'
    >>> without_password("postgresql://db/nba")
    'postgresql://db/nba'
    """
    named = text if address is None else address
    at = _split(named)
    if at is None:
        # Not to be read as an address, so nobody knows where in it a password may be.
        before, found, _ = named.partition("://")
        return f"{before}{found}***" if address is None and found else text
    if not at.password:
        return text
    # Of the address as a whole first: a short password may be part of another word.
    hidden = named.replace(f":{at.password}@", ":***@", 1)
    for secret in sorted({at.password, unquote(at.password)}, key=len, reverse=True):
        text = text.replace(named, hidden).replace(f":{secret}@", ":***@")
        if address is not None and len(secret) > 3:
            text = text.replace(secret, "***")
    return text


def _split(address: str) -> SplitResult | None:
    """Return the parts of an address; None where it cannot be taken apart."""
    try:
        at = urlsplit(address)
        at.port  # noqa: B018 - it is read here to learn whether it is a number
    except ValueError:
        return None
    return at
