"""A shop with a few offers, and the shortest way to write policies, contacts and requests about it.

Actions by position: 0 bread, 1 cheese, 2 milk, 3 recall (transactional), 4 survey (service).
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import numpy as np
import yaml

from decisioning.catalog import Catalog
from decisioning.history import Consent, Contact, History, Volume
from decisioning.policies.consent import ConsentBook, ConsentJudged
from decisioning.policies.contact import ContactBook, ContactJudged
from decisioning.policies.policy_file import PolicyFile, load_policies
from decisioning.request import DecisionRequest
from features.calendar import Calendar

NOW = datetime(2024, 5, 15, 12, tzinfo=UTC)
HOUR, DAY = 3_600.0, 86_400.0

CATALOG = """
treatments:
  web: {en: {title: A, text: B}, de: {title: A, text: B}}
default_action:
  id: do_nothing
  name: {en: Nothing, de: Nichts}
  treatments:
    web: {en: {title: A, text: B}, de: {title: A, text: B}}
    bot: {en: {title: A, text: B}, de: {title: A, text: B}}
    advisor: {en: {title: A, text: B}, de: {title: A, text: B}}
    email: {en: {title: A, text: B}, de: {title: A, text: B}}
actions:
  - {id: bread, name: {en: Bread, de: Brot}, issue: sell, group: bakery}
  - {id: cheese, name: {en: Cheese, de: Käse}, issue: sell, group: dairy, attributes: {size: 2}}
  - {id: milk, name: {en: Milk, de: Milch}, issue: sell, group: dairy}
  - {id: recall, name: {en: Recall, de: Rückruf}, issue: duty, group: safety,
     purpose: transactional}
  - {id: survey, name: {en: Survey, de: Umfrage}, issue: care, group: opinion, purpose: service}
"""
IDS = ("bread", "cheese", "milk", "recall", "survey")
GROUPS = {"bread": "bakery", "cheese": "dairy", "milk": "dairy", "recall": "safety",
          "survey": "opinion"}  # fmt: skip
ISSUES = {"bread": "sell", "cheese": "sell", "milk": "sell", "recall": "duty", "survey": "care"}
WORDS = {"en": "because", "de": "darum"}
EVERY = np.arange(5)


@cache
def calendar(zone: str = "UTC") -> Calendar:
    return Calendar(zone)


@cache
def shop(changes: str = "", instead: str = "") -> Catalog:
    return Catalog.model_validate(yaml.safe_load(CATALOG.replace(changes, instead)))


def policies(**sections: object) -> PolicyFile:
    """Every entry gets words, so that tests say only what they are about."""
    given = {
        name: [{"words": WORDS, **one} for one in section] if isinstance(section, list) else section
        for name, section in sections.items()
    }
    return PolicyFile.model_validate(given)


def limit(**keys: object) -> PolicyFile:
    return policies(contact_policies=[{"id": "p", "per": "all", **keys}])


def read(text: str, folder: Path) -> PolicyFile:
    path = folder / "policies.yaml"
    path.write_text(text, encoding="utf-8")
    return load_policies(path, shop())


def at(text: str) -> float:
    """The seconds of a time with an offset, or in UTC."""
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def met(
    action_id: str = "bread",
    when: float = 0.0,
    outcome: str = "presented",
    channel: str = "web",
    reserved_until: float | None = None,
) -> Contact:
    """One contact; `when` in seconds since 1970."""
    return Contact(
        action_id, GROUPS.get(action_id, "gone"), ISSUES.get(action_id, "gone"), channel, outcome,
        when, "d", reserved_until,
    )  # fmt: skip


def agreed(
    status: str, channel: str = "all", valid_from: float = 0.0, purpose: str = "marketing"
) -> Consent:
    return Consent(purpose, channel, status, valid_from)  # type: ignore[arg-type]


def judge_contacts(
    file: PolicyFile,
    contacts: list[Contact] | None = None,
    now: float | None = None,
    channel: str = "web",
    direction: str = "inbound",
    zone: str | None = None,
    volumes: list[Volume] | None = None,
    action: np.ndarray = EVERY,
    company: str = "UTC",
    catalog: Catalog | None = None,
    readable: bool = True,
) -> ContactJudged:
    book = ContactBook(file, catalog or shop(), calendar(company))
    history = History(tuple(contacts or ()), (), tuple(volumes or ()), zone)
    request = DecisionRequest("7", channel=channel, direction=direction)  # type: ignore[arg-type]
    moment = NOW if now is None else datetime.fromtimestamp(now, UTC)
    return book.judge(history if readable else None, request, action, moment)


def turned_down(judged: ContactJudged, action: np.ndarray = EVERY) -> set[str]:
    return {IDS[action[row]] for row in np.flatnonzero(judged.failed >= 0)}


def judge_consent(
    file: PolicyFile, consents: list[Consent] | None, channel: str = "web"
) -> ConsentJudged:
    """Consents of None mean that nobody could read them."""
    history = None if consents is None else History(consents=tuple(consents))
    request = DecisionRequest("7", channel=channel)  # type: ignore[arg-type]
    return ConsentBook(file, shop()).judge(history, request, EVERY, NOW)
