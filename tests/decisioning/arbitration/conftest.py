from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from decisioning.arbitration import ArbitrationBook, ArbitrationFile, load_arbitration
from decisioning.catalog import Catalog

Read = Callable[[str], ArbitrationFile]
Book = Callable[[str], ArbitrationBook]

_SAID = {language: {"title": "Hello", "text": "Hello."} for language in ("en", "de")}
_CHANNELS = ("web", "bot", "advisor", "email")


def an_action(action_id: str, issue: str, group: str, **more: object) -> dict[str, object]:
    name = {"en": action_id, "de": action_id}
    return {"id": action_id, "name": name, "issue": issue, "group": group, **more}


@pytest.fixture
def shop() -> Catalog:
    """Five actions: three to sell, one service that must come first, one with a fixed chance."""
    treatments = {channel: _SAID for channel in _CHANNELS}
    return Catalog.model_validate(
        {
            "treatments": treatments,
            "default_action": {
                "id": "do_nothing",
                "name": {"en": "Nothing", "de": "Nichts"},
                "treatments": treatments,
            },
            "actions": [
                an_action("coffee", "win_back", "breakfast"),
                an_action("tea", "win_back", "breakfast"),
                an_action("soap", "win_back", "care", propensity=0.2),
                an_action("call_back", "service", "care_calls", purpose="service"),
                an_action("safety_recall", "duty", "recalls", mandatory=True),
            ],
        }
    )


@pytest.fixture
def read(tmp_path: Path, shop: Catalog) -> Read:
    def read(text: str) -> ArbitrationFile:
        path = tmp_path / "arbitration.yaml"
        path.write_text(text, encoding="utf-8")
        return load_arbitration(path, shop)

    return read


@pytest.fixture
def book(shop: Catalog) -> Book:
    return lambda text: ArbitrationBook(
        ArbitrationFile.model_validate(yaml.safe_load(text) or {}), shop
    )
