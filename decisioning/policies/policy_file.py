"""What people write in policies.yaml, checked against the catalog when it is read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import model_validator

from decisioning.action import Purpose
from decisioning.border import Border, read_border
from decisioning.catalog import Catalog
from decisioning.fault import Told, raise_any
from decisioning.policies.concerns import Concerns, Entry, concern_faults
from decisioning.policies.contact_rules import ContactPolicy, QuietHours
from decisioning.policies.policy import Policy, condition_faults
from decisioning.request import Channel
from decisioning.treatments import CHANNELS, Words
from features.errors import PolicyError

RESERVED = ("budget", "consent", "ledger")
"""What the product calls its own limits in answers."""


class PurposeRule(Border):
    """What one purpose needs of the customer."""

    needs_consent_on: tuple[Channel, ...]
    """Channels that need an explicit consent; on the others only an objection or a withdrawal
    stops it."""


class ConsentRules(Border):
    """Whom the company may speak to about what; transactional actions never need consent."""

    assumed: Literal["demo"] | None = None
    """demo: where the consent log says nothing, consent is assumed and the answer says so."""
    purposes: dict[Literal["marketing", "service"], PurposeRule] = {}
    """By purpose; marketing needs consent on every channel unless it is here."""

    def needed_on(self, purpose: Purpose) -> tuple[Channel, ...]:
        """Return the channels on which a purpose needs an explicit consent.

        >>> ConsentRules().needed_on("marketing")
        ('web', 'app', 'bot', 'advisor', 'email')
        >>> ConsentRules().needed_on("service")
        ()
        """
        if purpose == "transactional":
            return ()
        if purpose in self.purposes:
            return self.purposes[purpose].needs_consent_on
        return CHANNELS if purpose == "marketing" else ()


class PolicyFile(Border):
    """The whole policies.yaml; without it nothing is capped and marketing needs consent."""

    policies: tuple[Policy, ...] = ()
    """Who may get what, in three tiers."""
    contact_policies: tuple[ContactPolicy, ...] = ()
    """How often is enough."""
    quiet_hours: tuple[QuietHours, ...] = ()
    """When the company keeps quiet."""
    consent: ConsentRules = ConsentRules()
    """What needs the customer's consent."""

    @model_validator(mode="after")
    def _every_id_once(self) -> PolicyFile:
        raise_any(list(_ids_twice(self)))
        return self

    @cached_property
    def version(self) -> str:
        """Twelve hexadecimal digits that change with the content."""
        content = self.model_dump(mode="json", exclude_defaults=True)
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]

    @cached_property
    def words(self) -> Mapping[str, Words]:
        """What people are told about each policy, by its id."""
        return {one.id: one.words for _, _, one in self.entries}

    @property
    def entries(self) -> Iterator[tuple[str, int, Entry]]:
        """Yield everything that has an id, with its section and its position there."""
        for section in ("policies", "contact_policies", "quiet_hours"):
            for at, one in enumerate(getattr(self, section)):
                yield section, at, one


def load_policies(path: Path, catalog: Catalog) -> PolicyFile:
    """Read a policies.yaml.

    Raises
    ------
    PolicyError : any fault, also an expression or a name that does not fit the catalog; the message
        names the file, the line, the key path and the value.
    """

    def check(file: PolicyFile) -> None:
        raise_any(policy_faults(file, catalog))

    return read_border(path, PolicyFile, PolicyError, check=check)


def policy_faults(file: PolicyFile, catalog: Catalog) -> list[Told]:
    """Find everything that does not fit the catalog."""
    concerned: list[tuple[str, int, Concerns]] = [
        *(("policies", at, one.concerns) for at, one in enumerate(file.policies)),
        *(("contact_policies", at, one.concerns) for at, one in enumerate(file.contact_policies)),
    ]
    faults = [
        told.below((section, at, "concerns"))
        for section, at, concerns in concerned
        for told in concern_faults(concerns, catalog)
    ]
    return faults + condition_faults(file.policies, catalog)


def _ids_twice(file: PolicyFile) -> Iterator[Told]:
    seen: set[str] = set()
    for section, at, one in file.entries:
        if one.id in RESERVED:
            yield Told((section, at, "id"), f"the id {one.id!r} is taken by the product")
        elif one.id in seen:
            yield Told((section, at, "id"), f"the id {one.id!r} is there twice")
        seen.add(one.id)
