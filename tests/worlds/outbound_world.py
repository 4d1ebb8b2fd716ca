"""A small home without profiles, and the verbs for what goes out on it."""

from __future__ import annotations

import csv
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cli_world import command_line

from features.clock import pin_clock

_SAID = "{en: {title: '{name}', text: Text.}, de: {title: '{name}', text: Text.}}"
CATALOG = f"""
value: {{kind: fixed, amount: 1.0}}
treatments: {{email: {_SAID}, web: {_SAID}}}
placements:
  - {{id: mail, channel: email, time_to_live_minutes: 10080}}
default_action:
  id: nothing
  name: {{en: Nothing, de: Nichts}}
  treatments: {{web: {_SAID}, bot: {_SAID}, advisor: {_SAID}, email: {_SAID}}}
actions:
  - {{id: tea, name: {{en: Tea, de: Tee}}, issue: sell, group: drinks, propensity: 0.5}}
"""
LIMIT = """
contact_policies:
  - {id: weekly, at_most: 1, days: 7, window: rolling, per: channel, channels: [email],
     words: {en: Limit, de: Grenze}}
"""
POLICIES = "consent: {assumed: demo}\n"


@dataclass
class Outbound:
    """A home, and its verbs."""

    folder: Path
    _monkeypatch: pytest.MonkeyPatch
    _capsys: Any

    @property
    def out(self) -> Path:
        return self.folder / "out.parquet"

    @property
    def ledger(self) -> Path:
        return self.folder / "ledger.db"

    def run(self, *words: str) -> tuple[int, str, str]:
        """Run a verb; returns the exit code and what was printed, without bars."""
        self.enter()
        code, out, err = command_line(self._monkeypatch, self._capsys)(*words)
        told = [line for line in out.splitlines() if line.strip() and "━" not in line]
        return code, "\n".join(told) + "\n", err

    def enter(self) -> None:
        """Let every verb from now on work on this home."""
        for name, value in {
            "NBA_HOME": str(self.folder),
            "NBA_CATALOG": str(self.folder / "actions.yaml"),
            "NBA_MODELS": str(self.folder / "models"),
            "NBA_LEDGER_FREE_MB": "1",
            "COLUMNS": "300",
        }.items():
            self._monkeypatch.setenv(name, value)

    def command(
        self, who: Path | str, out: Path, *words: str, run: str | None = None
    ) -> tuple[str, ...]:
        named = () if run is None else ("--run", run)
        return ("decide-batch", "--audience", str(who), "--out", str(out), *named, *words)

    def batch(
        self, who: Path | str, out: Path, *words: str, run: str | None = None
    ) -> tuple[int, str, str]:
        """Decide for an audience."""
        return self.run(*self.command(who, out, *words, run=run))

    def audience(self, *customers: str) -> Path:
        """Write a list of customers."""
        path = self.folder / "audience.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([("customer_id",), *((one,) for one in customers)])
        return path

    def policies(self, text: str, instead: bool = False) -> None:
        """Write policies besides the assumed consent, or instead of it."""
        (self.folder / "policies.yaml").write_text(text if instead else POLICIES + text)

    def arbitration(self, text: str) -> None:
        (self.folder / "arbitration.yaml").write_text(text)

    def at(self, moment: str) -> None:
        """Let the clock of the home start at a moment now."""
        pin_clock(self.folder / "clock.json", datetime.fromisoformat(moment).astimezone(UTC))

    def consent(self, customer: str, status: str) -> None:
        words = ("--customer", customer, "--status", status, "--channel", "email")
        assert self.run("consent", "record", *words)[0] == 0

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Return what a query finds in the ledger, without any of the product's code."""
        if not self.ledger.exists():
            return []
        try:
            with closing(sqlite3.connect(f"file:{self.ledger}?mode=ro", uri=True)) as file:
                return file.execute(query).fetchall()
        except sqlite3.OperationalError:
            return []

    def counted(self, query: str) -> int:
        return int(self.rows(query)[0][0])

    def states(self) -> dict[str, int]:
        return dict(self.rows("SELECT state, count(*) FROM decisions GROUP BY state"))

    def decided(self, run: str) -> int:
        found = self.rows(f"SELECT count(*) FROM decisions WHERE request_id LIKE 'batch:{run}:%'")
        return int(found[0][0]) if found else 0

    def beside(self, name: str) -> Outbound:
        """Return another home of the same configuration."""
        folder = self.folder / name
        folder.mkdir()
        for file in self.folder.glob("*.yaml"):
            (folder / file.name).write_text(file.read_text())
        return Outbound(folder, self._monkeypatch, self._capsys)

    def fail_to_write(self, do: Callable[[], tuple[int, str, str]]) -> None:
        """Do something while the file that is to be written cannot be put in place."""
        self.out.with_name(f"{self.out.name}.part").mkdir()
        with pytest.raises(OSError):
            do()
        self.out.with_name(f"{self.out.name}.part").rmdir()


def outbound_home(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> Outbound:
    """Return a home with one action for everybody, and one place by e-mail in seven days."""
    (folder / "actions.yaml").write_text(CATALOG)
    made = Outbound(folder, monkeypatch, capsys)
    made.policies(LIMIT)
    made.enter()
    return made


__all__ = ["LIMIT", "Outbound", "outbound_home"]
