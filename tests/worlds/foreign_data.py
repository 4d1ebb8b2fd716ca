"""Data sets of companies that are not the demo: each lacks something, each has a planted signal."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

NOW = datetime(2025, 1, 1, 6, 0, 1, tzinfo=UTC)
FIRST = np.datetime64("2024-01-01", "s")
CATEGORIES = ("Brot & Brötchen", "Käse", "Tee", "WINE", "garden tools", "Socks")
ACTIONS = ("app_tour", "gold_card", "insurance", "newsletter", "workshop")
KINDS = {"app_tour": "service", "gold_card": "sales", "insurance": "sales",
         "newsletter": "service", "workshop": "service"}  # fmt: skip


def customers(number: int) -> np.ndarray:
    return np.array([f"{one:05d}" for one in range(number)], dtype=object)


def write_without_touchpoints(folder: Path, number: int = 250, days: int = 366) -> Path:
    """Receipts alone, as CSV. Everybody has two categories they buy from again and again."""
    rng = np.random.default_rng(11)
    ids, likes = customers(number), rng.permuted(np.tile([6, 6, 1, 1, 1, 0], (number, 1)), axis=1)
    trips = np.sort(rng.integers(0, days * 24 * 60, size=days * number // 12))
    who = rng.integers(0, number, len(trips))
    cumulated = (likes / likes.sum(axis=1, keepdims=True)).cumsum(axis=1)[who]
    category = (rng.random((len(trips), 1)) > cumulated).sum(axis=1).clip(0, 5)
    lines = pd.DataFrame(
        {
            "transaction_id": np.arange(len(trips)).astype(str),
            "customer_id": ids[who],
            "timestamp": FIRST + trips.astype("timedelta64[m]"),
            "amount": rng.gamma(2.0, 3.0, len(trips)).round(2) * (category + 1),
            "category": np.array(CATEGORIES, dtype=object)[category],
        }
    )
    return _write(folder, transactions=lines)


def write_without_transactions(folder: Path, number: int = 300, shows: int = 4000) -> Path:
    """Calls, mails and offers, as Parquet. Who opens mails also accepts, one action more so."""
    rng = np.random.default_rng(12)
    openness = rng.normal(size=number)
    offered = _offers(rng, openness, np.array(ACTIONS, dtype=object), shows, "advisor")
    chance = 1 / (1 + np.exp(-openness))
    moments = FIRST + rng.integers(0, 366 * 24 * 60, 9000).astype("timedelta64[m]")
    who = rng.integers(0, number, 9000)
    mails = pd.DataFrame(
        {
            "customer_id": customers(number)[who],
            "timestamp": moments,
            "channel": np.where(rng.random(9000) < 0.8, "email", "phone"),
        }
    )
    opened = rng.random(9000) < chance[who]
    mails["type"] = np.where(mails.channel == "phone", "call", "email_opened")
    mails = mails[(mails.channel == "phone") | opened]
    actions = pd.DataFrame(
        {
            "action_id": ACTIONS,
            "name": [name.replace("_", " ").capitalize() for name in ACTIONS],
            "kind": [KINDS[name] for name in ACTIONS],
            "minutes": [5.0, 10.0, 30.0, 2.0, 90.0],
            "slogan": [f"The {name} slogan" for name in ACTIONS],
        }
    )
    return _write(folder, "parquet", touchpoints=_numbered(offered, mails), actions=actions)


def write_with_a_single_action(folder: Path, number: int = 300, shows: int = 2500) -> Path:
    """Receipts and one offer, as CSV. Who shops often accepts."""
    rng = np.random.default_rng(13)
    openness = rng.normal(size=number)
    often = rng.poisson(np.exp(openness + 1.5))
    who = np.repeat(np.arange(number), often)
    lines = pd.DataFrame(
        {
            "transaction_id": np.arange(len(who)).astype(str),
            "customer_id": customers(number)[who],
            "timestamp": FIRST + rng.integers(0, 366 * 24 * 60, len(who)).astype("timedelta64[m]"),
            "amount": rng.gamma(2.0, 10.0, len(who)).round(2),
        }
    )
    offered = _offers(rng, openness, np.array(["gold_card"], dtype=object), shows, "web")
    return _write(folder, transactions=lines, touchpoints=_numbered(offered))


def _offers(
    rng: np.random.Generator, openness: np.ndarray, actions: np.ndarray, shows: int, channel: str
) -> pd.DataFrame:
    """Presentations, and a day later the answer of those who accept."""
    who, which = rng.integers(0, len(openness), shows), rng.integers(0, len(actions), shows)
    chance = 1 / (1 + np.exp(2.0 - 1.5 * openness[who] - 0.4 * which))
    shown = pd.DataFrame(
        {
            "customer_id": customers(len(openness))[who],
            "timestamp": FIRST + rng.integers(0, 364 * 24 * 60, shows).astype("timedelta64[m]"),
            "channel": channel,
            "type": "presented",
            "action_id": actions[which],
        }
    )
    accepted = shown[rng.random(shows) < chance].assign(type="accepted")
    accepted["timestamp"] += pd.Timedelta(days=1)
    return pd.concat([shown, accepted], ignore_index=True)


def _numbered(*parts: pd.DataFrame) -> pd.DataFrame:
    rows = pd.concat(parts, ignore_index=True).sort_values("timestamp", ignore_index=True)
    return rows.assign(touchpoint_id=np.arange(len(rows)).astype(str))


def _write(folder: Path, form: str = "csv", **tables: pd.DataFrame) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in tables.items():
        if form == "csv":
            rows.to_csv(folder / f"{name}.csv", index=False)
        else:
            rows.to_parquet(folder / f"{name}.parquet", index=False)
    return folder
