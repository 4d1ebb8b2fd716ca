"""Ids that people go by: one spelling per id, kept as a keyed hash and never as itself.

Who an id stands for is in the log of links; that several customers are one person is in the log of
merges (`features.people`).
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal, NamedTuple

from features.errors import ConfigError

InData = Literal["as_sent", "sha256", "namespace_sha256"]
"""How ids of a namespace stand in ingested tables: as they are sent with requests, or as the
SHA-256 (in hexadecimal) of the id, or of NAMESPACE:ID."""

CUSTOMER_NAMESPACE = "customer_id"
"""The namespace whose ids are those of the data; they are not hashed."""

ANONYMOUS = "anonymous:"
"""How the customer id of somebody begins who is known by an id of theirs and nothing else."""

SHORTEST_KEY = 16
_KEY_BYTES = 32
_SPACES = re.compile(r"\s+")


def normalised(namespace: str, written: str) -> str:
    """Return the one spelling of an id; empty where nothing of it is left.

    >>> normalised("email", "  Ann@Example.COM ")
    'ann@example.com'
    >>> normalised("phone", "0049 (170) 12-34"), normalised("phone", "+49 170 1234")
    ('+491701234', '+491701234')
    >>> normalised("cookie", "aB 1")
    'aB 1'
    """
    if namespace == "email":
        return _SPACES.sub("", written).lower()
    if namespace == "phone":
        text = written.strip()
        digits = "".join(one for one in text if one in "0123456789")
        if text.startswith("+"):
            return f"+{digits}" if digits else ""
        return f"+{digits[2:]}" if digits.startswith("00") and digits[2:] else digits
    return written if written.strip() else ""


class IdentityKey:
    """The secret that ids are hashed with; it is in no text and no message."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def hash(self, namespace: str, written: str, in_data: InData = "as_sent") -> str:
        """Return the keyed hash of an id as it was sent, 64 hexadecimal digits.

        >>> key = IdentityKey(b"a secret of 16 bytes or more")
        >>> key.hash("email", "Ann@example.com") == key.hash("email", " ann@example.com")
        True
        >>> key.hash("cookie", "7") == key.hash("device", "7")
        False
        """
        return self.hash_of_data(namespace, as_in_data(namespace, written, in_data))

    def hash_of_data(self, namespace: str, in_table: str) -> str:
        """Return the keyed hash of an id as it stands in an ingested table."""
        words = f"{namespace}\0{in_table}".encode("utf-8", "surrogatepass")
        return hmac.new(self._secret, words, hashlib.sha256).hexdigest()

    def __repr__(self) -> str:
        return "IdentityKey(...)"


def as_in_data(namespace: str, written: str, in_data: InData) -> str:
    """Return an id as the ingested tables have it.

    >>> as_in_data("loyalty_card", "1", "namespace_sha256")[:8]
    'e4c0f164'
    """
    text = normalised(namespace, written)
    if in_data == "as_sent":
        return text
    told = text if in_data == "sha256" else f"{namespace}:{text}"
    return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()


def open_key(secret: str | None, path: Path) -> IdentityKey:
    """Return the key of a secret, or without one that of a file, which is made when it is missing.

    Raises
    ------
    ConfigError : the secret is too short, or others can read the file.
    """
    if secret is None:
        return IdentityKey(_key_of_file(path))
    if len(secret) < SHORTEST_KEY:
        raise ConfigError(f"NBA_IDENTITY_KEY: shorter than {SHORTEST_KEY} characters")
    return IdentityKey(secret.encode())


def _key_of_file(path: Path) -> bytes:
    try:
        if not path.exists():
            _make(path)
        if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise ConfigError(f"{path}: others may use it; run `chmod 600 {path}`")
        secret = bytes.fromhex(path.read_text().strip())
    except OSError as error:
        raise ConfigError(f"{path}: cannot be used ({error.strerror})") from error
    except ValueError as error:
        raise ConfigError(f"{path}: is not a key for identities") from error
    if len(secret) < SHORTEST_KEY:
        raise ConfigError(f"{path}: is not a key for identities")
    return secret


def _make(path: Path) -> None:
    """Make a key for its owner alone; of several that make one at once, one wins for all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    with os.fdopen(os.open(draft, flags, 0o600), "w") as file:
        file.write(secrets.token_hex(_KEY_BYTES) + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def anonymous_id(id_hash: str) -> str:
    """Return the customer id of somebody who is known by that id alone."""
    return ANONYMOUS + id_hash[:32]


def shared_id(id_hash: str) -> str:
    """Return the customer id of whoever uses a device of several customers and names nobody.

    It is another one than `anonymous_id`, which may have been merged into one of the customers.
    """
    return ANONYMOUS + hashlib.sha256(f"shared\0{id_hash}".encode()).hexdigest()[:32]


def is_anonymous(customer_id: str) -> bool:
    """Tell whether a customer id is that of somebody anonymous."""
    return customer_id.startswith(ANONYMOUS)


class Link(NamedTuple):
    """One row of the log of links.

    Attributes
    ----------
    status : linked or unlinked.
    recorded_at : seconds since 1970; of rows of the same moment unlinked ones count last.
    source : where it comes from, in a word.
    """

    namespace: str
    id_hash: str
    customer_id: str
    status: str
    recorded_at: float
    source: str


def holders(rows: Iterable[Link]) -> Mapping[tuple[str, str], tuple[str, ...]]:
    """Return the customers that each id (namespace, hash) is linked to, the newest link first.

    >>> rows = [Link("card", "ab", "1", "linked", 1.0, "api"),
    ...         Link("card", "ab", "2", "linked", 2.0, "api"),
    ...         Link("card", "ab", "1", "unlinked", 3.0, "api")]
    >>> holders(rows)
    {('card', 'ab'): ('2',)}
    """
    since: dict[tuple[str, str], dict[str, float]] = {}
    for row in sorted(rows, key=lambda one: (one.recorded_at, one.status, one.customer_id)):
        linked = since.setdefault((row.namespace, row.id_hash), {})
        if row.status == "linked":
            linked[row.customer_id] = row.recorded_at
        else:
            linked.pop(row.customer_id, None)
    return {
        key: tuple(sorted(linked, key=lambda one: (-linked[one], one)))
        for key, linked in since.items()
        if linked
    }
