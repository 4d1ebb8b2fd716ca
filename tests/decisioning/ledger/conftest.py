"""Ledgers on both databases, and the rows that tests put into them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from postgres_world import Server, running_postgres

from decisioning.ledger.ledger import Ledger
from decisioning.ledger.open import open_ledger


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    with running_postgres() as server:
        yield server


@dataclass
class Home:
    """Where a test keeps its ledger, and every ledger it has open there."""

    place: str
    folder: Path
    opened: list[Ledger] = field(default_factory=list)

    @property
    def is_postgres(self) -> bool:
        return self.place.startswith("postgresql://")

    def open(self, **settings: Any) -> Ledger:
        ledger = open_ledger(self.place, **{"spool": self.folder / "spool", **settings})
        self.opened.append(ledger)
        return ledger

    def close(self) -> None:
        while self.opened:
            self.opened.pop().close()


@pytest.fixture(params=["sqlite", "postgresql"])
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Home]:
    if request.param == "sqlite":
        place = str(tmp_path / "ledger.db")
    else:
        place = request.getfixturevalue("postgres").new_database()
    made = Home(place, tmp_path)
    yield made
    made.close()


@pytest.fixture
def ledger(home: Home) -> Ledger:
    return home.open()


@pytest.fixture
def sqlite_home(tmp_path: Path) -> Iterator[Home]:
    made = Home(str(tmp_path / "ledger.db"), tmp_path)
    yield made
    made.close()


@pytest.fixture
def postgres_home(tmp_path: Path, postgres: Server) -> Iterator[Home]:
    made = Home(postgres.new_database(), tmp_path)
    yield made
    made.close()
