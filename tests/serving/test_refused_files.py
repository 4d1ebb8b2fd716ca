"""Files edited to be of no use while the service runs: the last good version goes on answering."""

from __future__ import annotations

from typing import Any

import pytest

from features.errors import CatalogError
from serving.app import create_app

BAD = {
    "actions.yaml": "actions: []\n",
    "policies.yaml": "policies: [{id: p, tier: suitability, when: 'profile.shoes > 1.0', "
    "reason: r, words: {en: a, de: b}}]\n",
    "arbitration.yaml": "levers: {issues: {win_back: -200}}\n",
}
WORSE = {
    "actions.yaml": "\x00",
    "policies.yaml": "consent: [",
    "arbitration.yaml": "contexts: [{type: t, key: k, value: v, when: 'journey.x > 1.0'}]\n",
}
QUESTION = {"customer_id": "1", "channel": "advisor", "explain": "all"}


class Running:
    """A service with its files, and what asks it."""

    def __init__(self, house: Any, key: dict[str, str]) -> None:
        from starlette.testclient import TestClient

        self.house, self.key = house, key
        self.parts = house.parts()
        self.client = TestClient(create_app(self.parts), raise_server_exceptions=False)

    def ready(self) -> dict[str, Any]:
        answer = self.client.get("/readyz")
        assert answer.status_code == 200
        return dict(answer.json())

    def ask(self) -> dict[str, Any]:
        answer = self.client.post("/v1/next-best-actions", json=QUESTION, headers=self.key)
        assert answer.status_code == 200
        return dict(answer.json())

    def edit(self, name: str, text: str) -> None:
        (self.house.folder / name).write_text(text)
        self.parts.engine.refresh()


@pytest.fixture
def running(house: Any, advisor: dict[str, str]) -> Running:
    return Running(house, advisor)


def without_times(answer: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in answer.items() if k not in ("decision_id", "decided_at")}


@pytest.mark.parametrize("text", [BAD, WORSE], ids=["bad", "worse"])
@pytest.mark.parametrize("name", sorted(BAD))
def test_the_last_good_version_goes_on_answering_and_readiness_says_why(
    running: Running, name: str, text: dict[str, str]
) -> None:
    before, versions = running.ask(), running.ready()["versions"]
    running.edit(name, text[name])
    ready = running.ready()
    assert ready["degraded"] == ["catalog_refused"]
    assert not ready["checks"]["catalog"]["ok"]
    detail = f"the newest {name} was refused: nba catalog check says why"
    assert ready["checks"]["catalog"]["detail"].endswith(detail)
    assert ready["versions"] == versions
    assert without_times(running.ask()) == without_times(before)


@pytest.mark.parametrize("name", sorted(BAD))
def test_a_good_version_heals_it_without_a_restart(
    running: Running, catalog: Any, name: str
) -> None:
    good = {
        "actions.yaml": catalog("Healed"),
        "policies.yaml": "consent: {assumed: demo}\nquiet_hours: []\n",
        "arbitration.yaml": "levers: {groups: {drinks: 50}}\n",
    }
    running.edit(name, BAD[name])
    assert running.ready()["degraded"] == ["catalog_refused"]
    running.edit(name, good[name])
    ready = running.ready()
    assert ready["degraded"] == []
    assert ready["checks"]["catalog"] == {"ok": True, "detail": "3 actions"}
    first = running.ask()["results"][0]
    if name == "actions.yaml":
        assert first["treatment"]["title"] == "Healed"
    if name == "arbitration.yaml":
        assert (first["action_id"], first["lever"]) == ("tea", 1.5)


@pytest.mark.parametrize("name", ["policies.yaml", "arbitration.yaml"])
def test_a_file_that_is_taken_away_counts_no_more(running: Running, name: str) -> None:
    running.edit("arbitration.yaml", "levers: {groups: {drinks: 50}}\n")
    before = running.ready()["versions"]["policies"]
    (running.house.folder / name).unlink()
    running.parts.engine.refresh()
    assert running.ready()["degraded"] == []
    assert running.ready()["versions"]["policies"] != before


def test_what_is_refused_is_told_with_file_key_and_value(running: Running) -> None:
    running.edit("arbitration.yaml", BAD["arbitration.yaml"])
    trouble = str(running.parts.engine.configuration.trouble)
    assert "arbitration.yaml:1:" in trouble
    assert "levers.issues.win_back" in trouble and "(value -200)" in trouble


@pytest.mark.parametrize("name", sorted(BAD))
@pytest.mark.parametrize("text", [BAD, WORSE], ids=["bad", "worse"])
def test_a_service_does_not_start_with_files_that_cannot_be_used(
    house: Any, catalog: Any, name: str, text: dict[str, str]
) -> None:
    house.catalog.write_text(catalog("Again?"))
    (house.folder / name).write_text(text[name])
    with pytest.raises(CatalogError, match=name):
        house.engine()
