"""Six customers, four actions, and two configurations that differ by one file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from decisioning.configuration import Configuration, load_configuration
from decisioning.simulation import (
    Answered,
    Audience,
    HistoryOf,
    Report,
    Variant,
    compare,
    question,
    run,
)
from features.calendar import Calendar
from features.layout import Layout
from features.profiles import Profiles

POLICIES = "consent: {assumed: demo}\n"


@dataclass(frozen=True)
class Bench:
    """Runs configurations, given as text, on the same customers."""

    folder: Path
    catalog: str
    model: Any
    layout: Layout
    popularity: np.ndarray
    audience: Audience
    now: datetime

    def configuration(
        self,
        *swaps: tuple[str, str],
        policies: str = POLICIES,
        arbitration: str = "",
        name: str = "configuration",
    ) -> Configuration:
        """Write the three files, with swaps of text in the catalog, and read them."""
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        text = self.catalog
        for old, new in swaps:
            assert old in text
            text = text.replace(old, new)
        (folder / "actions.yaml").write_text(text, encoding="utf-8")
        (folder / "policies.yaml").write_text(policies, encoding="utf-8")
        (folder / "arbitration.yaml").write_text(arbitration, encoding="utf-8")
        return load_configuration(folder / "actions.yaml")

    def variant(self, configuration: Configuration) -> Variant:
        popularity = self.popularity[:, : len(configuration.catalog.action_ids)]
        return Variant.of(configuration, self.model, self.layout, Calendar(), popularity)

    def run(
        self, configuration: Configuration, history_of: HistoryOf | None = None
    ) -> tuple[Variant, Answered]:
        variant = self.variant(configuration)
        answered = run(variant, self.audience, question("web"), self.now, history_of)
        return variant, answered

    def report(self, current: Configuration, changed: Configuration, **settings: Any) -> Report:
        return compare(
            self.run(current),
            self.run(changed),
            self.audience,
            question("web"),
            self.now,
            ("actions.yaml",),
            **settings,
        )


@pytest.fixture
def bench(
    tmp_path: Path,
    catalog_text: str,
    model: Any,
    layout: Layout,
    popularity: np.ndarray,
    make_profile: Callable[..., Profiles],
    now: datetime,
) -> Bench:
    bought = [
        {"COFFEE": (3, 99), "EGGS": (20, 9)},
        {"COFFEE": (9, 99), "TEA": (2, 70)},
        {"EGGS": (30, 120)},
        {"PASTA SAUCE": (14, 69), "COFFEE": (3, 99), "EGGS": (20, 9)},
        {"COFFEE": (3, 1), "EGGS": (3, 2), "PASTA SAUCE": (3, 3), "TEA": (3, 4)},
        {},
    ]
    rows = [make_profile(one).vectors for one in bought]
    ids = np.array([f"c{number}" for number in range(len(rows))], dtype=object)
    profiles = Profiles(layout, ids, np.concatenate(rows))
    return Bench(tmp_path, catalog_text, model, layout, popularity, Audience(profiles, 60, 7), now)
