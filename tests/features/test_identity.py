"""Ids have one spelling and are kept as keyed hashes; the key stays with its owner."""

from __future__ import annotations

import hashlib
import random
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from features.errors import ConfigError
from features.identity import (
    IdentityKey,
    Link,
    anonymous_id,
    as_in_data,
    holders,
    is_anonymous,
    normalised,
    open_key,
    shared_id,
)

KEY = IdentityKey(b"sixteen bytes or more")


@pytest.mark.parametrize(
    ("namespace", "written", "spelling"),
    [
        ("email", " Ann@Example.COM\t", "ann@example.com"),
        ("phone", "+49 (170) 12-34", "+491701234"),
        ("phone", "0049 170 1234", "+491701234"),
        ("phone", "0170 1234", "01701234"),
        ("phone", "call me", ""),
        ("phone", "+", ""),
        ("email", "   ", ""),
        ("cookie", " aB ", " aB "),
        ("cookie", "  ", ""),
        ("loyalty", "0007", "0007"),
    ],
)
def test_an_id_has_one_spelling(namespace: str, written: str, spelling: str) -> None:
    assert normalised(namespace, written) == spelling


def test_a_hash_depends_on_key_namespace_and_spelling_alone() -> None:
    ann = KEY.hash("email", "ann@example.com")
    assert ann == KEY.hash("email", " ANN@example.com")
    assert ann != KEY.hash("login", "ann@example.com")
    assert ann != IdentityKey(b"another secret of ours").hash("email", "ann@example.com")
    assert "ann" not in ann and len(ann) == 64


def test_ids_of_the_data_and_of_requests_meet_however_the_data_hash_them() -> None:
    plain = hashlib.sha256(b"ann@example.com").hexdigest()
    assert KEY.hash("email", "Ann@example.com", "sha256") == KEY.hash_of_data("email", plain)
    named = hashlib.sha256(b"card:7").hexdigest()
    assert KEY.hash("card", "7", "namespace_sha256") == KEY.hash_of_data("card", named)
    assert as_in_data("card", "7", "as_sent") == "7"


def test_without_a_setting_a_key_is_made_for_its_owner_alone_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "home" / "identity-key"
    first = open_key(None, path).hash("cookie", "a")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert open_key(None, path).hash("cookie", "a") == first
    assert [one.name for one in path.parent.iterdir()] == ["identity-key"]


def test_workers_that_start_together_get_the_same_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        keys = threads.map(lambda _: open_key(None, tmp_path / "identity-key"), range(16))
        assert len({key.hash("cookie", "a") for key in keys}) == 1


def test_a_key_that_others_can_read_or_that_is_none_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "identity-key"
    open_key(None, path)
    path.chmod(0o640)
    with pytest.raises(ConfigError, match="chmod 600"):
        open_key(None, path)
    path.chmod(0o600)
    path.write_text("hello")
    with pytest.raises(ConfigError, match="is not a key"):
        open_key(None, path)


def test_a_short_secret_is_refused_without_being_told() -> None:
    with pytest.raises(ConfigError, match="NBA_IDENTITY_KEY") as told:
        open_key("tooshort", Path("unused"))
    assert "tooshort" not in str(told.value)
    assert "sixteen" not in repr(KEY)


def test_whoever_an_id_stands_for_does_not_depend_on_the_order_of_the_rows() -> None:
    rows = [
        Link("card", "ab", "1", "linked", 1.0, "api"),
        Link("card", "ab", "2", "linked", 2.0, "api"),
        Link("card", "ab", "3", "linked", 2.0, "api"),
        Link("card", "ab", "1", "unlinked", 3.0, "api"),
        Link("cookie", "ab", "1", "unlinked", 3.0, "api"),
    ]
    for seed in range(20):
        random.Random(seed).shuffle(rows)
        assert holders(rows) == {("card", "ab"): ("2", "3")}


def test_a_shared_device_has_another_anonymous_customer() -> None:
    id_hash = KEY.hash("cookie", "a")
    assert anonymous_id(id_hash) != shared_id(id_hash)
    assert is_anonymous(anonymous_id(id_hash)) and is_anonymous(shared_id(id_hash))
    assert not is_anonymous("1053")
