"""A small world with fakes that keep the contracts of the profile store and of a model."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from decisioning.configuration import beside, load_configuration
from decisioning.ledger.identities import read_people
from decisioning.ledger.ledger import Ledger
from decisioning.ledger.open import open_ledger
from decisioning.ledger.statements import Session
from features.calendar import Calendar
from features.clock import FixedClock
from features.declared import stored
from features.errors import FeatureError, ModelError
from features.layout import Layout
from features.people import People
from features.profiles import Profiles, no_profile
from features.spec import Block
from serving.app import create_app
from serving.desk import Desk
from serving.engine import Engine
from serving.following import configuration_stamp
from serving.keys import KeyRing, Scope, create_key
from serving.metrics import Metrics
from serving.operations import Parts
from serving.recognition import Recognition
from serving.settings import Settings
from serving.start import identity_key
from serving.state import Sources

with warnings.catch_warnings():
    # It warns that it will use another HTTP client one day.
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

NOW = datetime(2018, 1, 1, 6, tzinfo=UTC)
CATALOG = """
treatments:
{templates}
default_action:
  id: do_nothing
  name: {{en: Do nothing, de: Nichts tun}}
  treatments:
{default_templates}
actions:
  - {{id: tea, name: {{en: Tea, de: Tee}}, issue: win_back, group: drinks, category: TEA}}
  - {{id: rice, name: {{en: Rice, de: Reis}}, issue: win_back, group: pantry, category: RICE}}
  - {{id: soap, name: {{en: Soap, de: Seife}}, issue: win_back, group: home, category: SOAP}}
"""


def catalog_text(title: str = "Again?") -> str:
    """Return a catalog of three actions whose treatments have this title on every channel."""

    def templates(indent: str) -> str:
        said = f"{{en: {{title: '{title}', text: x}}, de: {{title: '{title}', text: y}}}}"
        channels = ("web", "app", "bot", "advisor", "email")
        return "\n".join(f"{indent}{channel}: {said}" for channel in channels)

    return CATALOG.format(templates=templates("  "), default_templates=templates("    "))


@dataclass
class FakeStore:
    """Knows the customers it is told; can be made to fail."""

    layout: Layout = field(default_factory=lambda: Layout.of(("RICE", "SOAP", "TEA"), ()))
    known: tuple[str, ...] = ("1", "007")
    profile_at: datetime = NOW
    failure: Exception | None = None
    popularity: float = 0.0
    popularity_reads: int = 0
    remote: bool = False

    def online(self, customer_id: str) -> Profiles:
        if self.failure is not None:
            raise self.failure
        profiles = no_profile(self.layout, customer_id)
        if customer_id in self.known:
            profiles.vectors[0, 0] = self.profile_at.timestamp()
        return profiles

    def popularity_now(self, action_ids: tuple[str, ...]) -> np.ndarray[Any, Any]:
        self.popularity_reads += 1
        return np.full((1, len(action_ids), len(stored(Block.POPULARITY))), self.popularity)


class FakeModel:
    """Likes the actions by their code; can be made to fail."""

    features = ("action_code",)

    def __init__(self, layout: Layout, version: str = "1") -> None:
        self.failure: Exception | None = None
        self.manifest = SimpleNamespace(
            name="adoption",
            version=version,
            label_model="adoption",
            layout_hash=layout.hash,
            encodings={"action_code": {"rice": 0, "soap": 1, "tea": 2}},
            evidence={"tea": 12.0},
            priors=None,
        )

    def score(self, matrix: np.ndarray[Any, Any]) -> SimpleNamespace:
        if self.failure is not None:
            raise self.failure
        return SimpleNamespace(
            raw=np.zeros(len(matrix)),
            propensity=0.1 + matrix[:, 0] / 10,
            path_contributions=lambda rows: np.zeros((len(rows), 2)),
        )

    def exact_contributions(self, matrix: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        return np.zeros((len(matrix), 2))


@dataclass
class House:
    """Everything a test may turn: the parts of the service and what stands behind them."""

    folder: Path
    store: FakeStore
    model: FakeModel | None
    opened: Exception | None = None
    clock: FixedClock = FixedClock(NOW)
    model_stamp: int = 0
    with_ledger: bool = True
    seconds: float = 30.0
    ledger: Ledger | None = None

    def open_store(self) -> FakeStore:
        if self.opened is not None:
            raise self.opened
        return self.store

    def load_model(self) -> FakeModel:
        if self.model is None:
            raise ModelError("models/adoption: no champion yet")
        return self.model

    @property
    def catalog(self) -> Path:
        return self.folder / "actions.yaml"

    def engine(self) -> Engine:
        if not self.catalog.exists():
            self.catalog.write_text(catalog_text())
        policies = beside(self.catalog, "policies")
        if not policies.exists():
            policies.write_text("consent: {assumed: demo}\n")
        sources = Sources(
            configuration_stamp=lambda: configuration_stamp(self.catalog),
            load_configuration=lambda: load_configuration(self.catalog),
            model_name="adoption",
            model_stamp=lambda: self.model_stamp,
            load_model=self.load_model,
            layout_file=self.folder / "layout.json",
            online_file=self.folder / "online.db",
            open_store=self.open_store,
        )
        return Engine(sources, self.clock, Calendar("UTC"))

    def key(self, *scopes: Scope) -> dict[str, str]:
        """Return the headers of a new key."""
        key = create_key(self.folder / "keys.json", scopes, NOW)
        return {"Authorization": f"Bearer {key}"}

    def parts(self, **settings: Any) -> Parts:
        if not (self.folder / "keys.json").exists():
            self.key("admin")
        chosen = Settings(home=self.folder, **settings)
        desk = Desk(self.engine(), self.open_ledger(), seconds=self.seconds)
        recognition = Recognition(desk, identity_key(chosen), beside(self.catalog, "identity"))
        return Parts(chosen, desk.engine, desk, KeyRing(chosen.keys_path), Metrics(), recognition)

    def open_ledger(self) -> Ledger | None:
        """Open the ledger of the house, once; None where the test wants none."""
        if self.ledger is None and self.with_ledger:
            self.ledger = open_ledger(self.folder / "ledger.db")
        return self.ledger

    def client(self, **settings: Any) -> TestClient:
        return TestClient(create_app(self.parts(**settings)), raise_server_exceptions=False)


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    monkeypatch.setenv("NBA_HOME", str(tmp_path))
    store = FakeStore()
    made = House(tmp_path, store, FakeModel(store.layout))
    yield made
    if made.ledger is not None:
        made.ledger.close()


@pytest.fixture
def advisor(house: House) -> dict[str, str]:
    return house.key(
        "decide:advisor", "decide:web", "decide:bot", "decide:email", "read", "outcomes", "privacy"
    )


@pytest.fixture
def ask(house: House, advisor: dict[str, str]) -> Iterator[Callable[..., Any]]:
    """Ask a question with a key that may do everything; returns the response."""
    with house.client() as client:

        def asking(**question: Any) -> Any:
            return client.post("/v1/next-best-actions", json=question, headers=advisor)

        yield asking


@pytest.fixture
def unreadable() -> FeatureError:
    return FeatureError("online store: database disk image is malformed")


@pytest.fixture(scope="session")
def catalog() -> Callable[[str], str]:
    return catalog_text


@pytest.fixture
def read_again(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Whose persons the histories of decisions read, which recognition had not passed on."""
    read: list[object] = []

    def reading(session: Session, customer_ids: Iterable[str]) -> People:
        read.append(customer_ids)
        return read_people(session, customer_ids)

    monkeypatch.setattr("decisioning.ledger.ledger.read_people", reading)
    return read
