"""How settings are read that are more than a number or a word."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator
from pydantic_settings import NoDecode

from features.errors import ConfigError
from features.places import check_online, check_registry


def _checked(check: Callable[[str], object]) -> Callable[[str], str]:
    def checked(value: str) -> str:
        try:
            check(value)
        except ConfigError as error:
            # What pydantic turns into a fault of this setting.
            raise ValueError(str(error)) from error
        return value

    return checked


def _by_commas(value: object) -> object:
    if isinstance(value, str):
        return tuple(name.strip().lower() for name in value.split(",") if name.strip())
    return value


def _name_and_address(value: object) -> object:
    if isinstance(value, str):
        pairs = (part.partition("=") for part in value.split(",") if part.strip())
        return tuple((name.strip(), url.strip()) for name, _, url in pairs)
    return value


IpAddress = Annotated[str, AfterValidator(_checked(ip_address))]
OnlineStore = Annotated[str, AfterValidator(_checked(check_online))]
"""The address of a Redis, or nothing."""
FeatureRegistry = Annotated[str, AfterValidator(_checked(check_registry))]
"""The address of a PostgreSQL, or nothing."""
HostNames = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_by_commas)]
"""Names by commas."""
Webhooks = Annotated[tuple[tuple[str, str], ...], NoDecode, BeforeValidator(_name_and_address)]
"""NAME=URL by commas."""
