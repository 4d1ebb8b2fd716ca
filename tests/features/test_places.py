"""Addresses of Redis and PostgreSQL: which can be used, and that no password is ever told."""

from __future__ import annotations

import pytest

from features.errors import ConfigError
from features.places import Places, without_password

FILES = {
    "registry": {"registry_type": "sql", "path": "sqlite:///x", "cache_mode": "thread"},
    "online_store": {"type": "sqlite", "path": "x"},
    "project": "nba",
}


def test_without_addresses_the_file_counts() -> None:
    assert Places().over(FILES) == FILES
    assert not Places().remote


def test_an_address_takes_the_place_of_the_file_and_the_rest_stays() -> None:
    places = Places("redis://u:p@cache:7000/3", "postgresql://u:p@db/nba")
    settings = places.over(FILES)
    assert settings["online_store"]["type"] == "redis"
    assert settings["registry"]["path"] == "postgresql+psycopg://u:p@db/nba"
    assert settings["registry"]["cache_mode"] == "thread"
    assert settings["project"] == "nba"
    assert places.remote


def test_the_password_of_redis_never_gets_into_the_text_that_is_split_at_commas() -> None:
    settings = Places("rediss://u:1,2%40%3D@cache:7000/3").over(FILES)
    assert settings["online_store"]["connection_string"] == "cache:7000"


@pytest.mark.parametrize("password", ["1,2", "12345", "a%40b%2Fc%2C", "p=q"])
def test_the_client_is_given_the_password_as_it_is(password: str) -> None:
    client = Places(f"redis://app:{password}@cache:7000/3").client(0.05)
    given = client.connection_pool.connection_kwargs
    plain = password.replace("%40", "@").replace("%2F", "/").replace("%2C", ",")
    assert (given["username"], given["password"]) == ("app", plain)
    assert (given["host"], given["port"], given["db"]) == ("cache", 7000, 3)


def test_the_client_waits_no_longer_than_told_and_never_tries_twice() -> None:
    client = Places("redis://cache").client(0.05)
    given = client.connection_pool.connection_kwargs
    assert given["socket_timeout"] == 0.05
    assert given["retry"].get_retries() == 0


@pytest.mark.parametrize(
    "address",
    [
        "cache:6379",
        "http://cache:6379",
        "redis://",
        "redis://cache/name",
        "redis://cache:port/0",
        "redis://one,two:6379/0",
        "redis://cache/0?socket_timeout=60",
    ],
)
def test_what_is_no_address_of_redis_is_refused(address: str) -> None:
    with pytest.raises(ConfigError, match="redis://USER"):
        Places(online=address)


@pytest.mark.parametrize(
    "address", ["sqlite:///x", "postgresql://db", "db/nba", "postgresql://h:p/d"]
)
def test_what_is_no_address_of_postgresql_is_refused(address: str) -> None:
    with pytest.raises(ConfigError, match="postgresql[+]psycopg://USER"):
        Places(registry=address)


@pytest.mark.parametrize(
    "address",
    ["redis://app:s3cret@cache/x", "redis://:s3cret@cache:port", "postgresql://u:s3cret@db"],
)
def test_a_refusal_does_not_tell_the_password(address: str) -> None:
    kind = "online" if address.startswith("redis") else "registry"
    with pytest.raises(ConfigError) as refused:
        Places(**{kind: address})
    assert "s3cret" not in str(refused.value)


def test_passwords_are_taken_out_of_other_texts_however_they_are_written() -> None:
    places = Places("redis://u:s3%2Ccret@cache", "postgresql://u:t0psecret@db/nba")
    told = "cannot reach redis://u:s3%2Ccret@cache (s3,cret) nor postgresql://u:t0psecret@db/nba"
    hidden = places.without_passwords(told)
    assert "cret" not in hidden and "t0p" not in hidden
    assert "cache" in hidden and "db/nba" in hidden
    assert "s3" not in repr(places)


def test_a_text_without_a_password_stays_as_it_is() -> None:
    for text in ("info", "redis://cache:6379/0", "a: b@c"):
        assert without_password(text) == text
