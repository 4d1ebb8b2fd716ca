"""API keys: who may call, and for what.

A key reads `nba_ID_SECRET`. The file keeps its id, the SHA-256 of the secret (256 random bits, so a
fast hash is enough), its scopes and when it was made; the secret itself is shown once.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Literal, get_args

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from features.errors import ConfigError
from serving.problems import ProblemError

Scope = Literal[
    "decide:web",
    "decide:bot",
    "decide:advisor",
    "decide:email",
    "events",
    "outcomes",
    "read",
    "privacy",
    "admin",
]
DECIDE_SCOPES: tuple[Scope, ...] = ("decide:web", "decide:bot", "decide:advisor", "decide:email")
DEMO_SCOPES: tuple[Scope, ...] = (
    *DECIDE_SCOPES,
    "events",
    "outcomes",
    "read",
    "privacy",
)

_LOOK_EVERY_S = 1.0
_MOST_KNOWN = 64
_NOBODY = hashlib.sha256(b"").hexdigest()


class ApiKey(BaseModel):
    """One key as the file keeps it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(pattern=r"^[a-z0-9]{1,32}$")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    scopes: tuple[Scope, ...] = Field(min_length=1)
    created: AwareDatetime


class _KeysFile(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    keys: tuple[ApiKey, ...] = Field(min_length=1)


@dataclass(frozen=True)
class Caller:
    """Who is calling: the id of the key, and what it may do."""

    key_id: str
    scopes: frozenset[str]

    def require(self, *scopes: str) -> None:
        """Raise `scope_missing`, naming the first scope that the key does not have."""
        for scope in scopes:
            if scope not in self.scopes:
                raise ProblemError("scope_missing", f"key {self.key_id} needs the scope {scope}")


def parse_scopes(names: Sequence[str]) -> tuple[Scope, ...]:
    """Return scopes that were given as text.

    Raises
    ------
    ConfigError : one is not known.
    """
    known = get_args(Scope)
    for name in names:
        if name not in known:
            raise ConfigError(f"--scope {name!r} is none of {', '.join(known)}")
    return tuple(name for name in known if name in names)


def load_keys(path: Path) -> dict[str, ApiKey]:
    """Read the keys by id.

    Raises
    ------
    ConfigError : there is no such file, it is not a keys file, or others may write it.
    """
    try:
        if path.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise ConfigError(f"{path}: others may write it; run `chmod 600 {path}`")
        keys = _KeysFile.model_validate_json(path.read_bytes()).keys
    except FileNotFoundError as error:
        raise ConfigError(f"{path}: there are no API keys; run `nba keys create`") from error
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ConfigError(f"{path}: {place}: {first['msg']}") from error
    return {key.id: key for key in keys}


def create_key(path: Path, scopes: Sequence[Scope], now: datetime) -> str:
    """Add a key to the file (made when missing, mode 0600) and return it; it is not kept anywhere.

    Raises
    ------
    ConfigError : the file is there and cannot be used, or a scope is unknown.
    """
    keys = list(load_keys(path).values()) if path.exists() else []
    key_id, secret = secrets.token_hex(4), secrets.token_urlsafe(32)
    try:
        key = ApiKey(id=key_id, sha256=_digest(secret), scopes=tuple(scopes), created=now)
    except ValidationError as error:
        raise ConfigError(f"scopes={list(scopes)!r}: {error.errors()[0]['msg']}") from error
    body = _KeysFile(keys=(*keys, key)).model_dump(mode="json")
    _write_private(path, json.dumps(body, indent=2) + "\n")
    return f"nba_{key_id}_{secret}"


def ensure_demo_key(home: Path, keys_file: Path | None = None, now: datetime | None = None) -> Path:
    """Return the file that holds a key for trying out, readable by its owner alone.

    A key that is there and still valid is kept; `keys_file` is keys.json in `home` by default.
    """
    keys_path, shown = keys_file or home / "keys.json", home / "demo-key"
    if shown.exists() and keys_path.exists():
        caller = KeyRing(keys_path).find(f"Bearer {shown.read_text().strip()}")
        if caller is not None and caller.scopes >= {*DEMO_SCOPES}:
            return shown
    key = create_key(keys_path, DEMO_SCOPES, now or datetime.now(UTC))
    _write_private(shown, key + "\n")
    return shown


class KeyRing:
    """The keys in force: follows the file, and keeps the former keys when a new file is bad."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp = _stamp(path)
        self._keys = load_keys(path)
        # In memory only, where every request brings it anyway.
        self._known: dict[str, Caller] = {}
        self._looked = monotonic()
        self.trouble: str | None = None

    def identify(self, authorization: str | None) -> Caller:
        """Return who sent the header.

        Raises
        ------
        ProblemError : `no_key`, without a word on whether the id or the secret is wrong.
        """
        caller = self.find(authorization)
        if caller is None:
            raise ProblemError(
                "no_key",
                "send a valid key as `Authorization: Bearer nba_ID_SECRET`",
                headers={"WWW-Authenticate": 'Bearer realm="nba"'},
            )
        return caller

    def find(self, authorization: str | None) -> Caller | None:
        """Return who sent the header; None for anybody unknown."""
        self._follow()
        header = authorization or ""
        # Whoever was let in is let in again without hashing, until the file of keys changes. What
        # was known is taken first: keys that change meanwhile come with an empty one.
        known = self._known
        caller = known.get(header)
        if caller is None:
            caller = self._checked(header)
            if caller is not None and len(known) < _MOST_KNOWN:
                known[header] = caller
        return caller

    def _checked(self, header: str) -> Caller | None:
        scheme, _, token = header.partition(" ")
        prefix, _, rest = token.strip().partition("_")
        key_id, _, secret = rest.partition("_")
        key = self._keys.get(key_id)
        # An unknown id costs the same hash and comparison as a wrong secret.
        same = hmac.compare_digest(_digest(secret), key.sha256 if key else _NOBODY)
        if not same or key is None or prefix != "nba" or scheme.lower() != "bearer":
            return None
        return Caller(key.id, frozenset(key.scopes))

    def _follow(self) -> None:
        if monotonic() - self._looked < _LOOK_EVERY_S:
            return
        self._looked = monotonic()
        stamp = _stamp(self._path)
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._keys, self.trouble = load_keys(self._path), None
            self._known = {}
        except ConfigError as error:
            self.trouble = str(error)


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _write_private(path: Path, text: str) -> None:
    """Replace a file atomically; from its first byte only its owner can read it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(draft, path)
