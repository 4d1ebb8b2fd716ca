"""From somebody's tables to a first catalog and a first problem that can be trained as they stand.

What had to be assumed is said in words; the files are for people to edit.
"""

from __future__ import annotations

import os
import re
import tempfile
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from decisioning.catalog import Catalog, dump_catalog
from decisioning.configuration import beside, load_configuration
from features.calendar import Calendar
from features.canonical.tables import Tables
from features.errors import ConfigError, DataError
from training.problem import Problem, load_problem
from training.starter_catalog import (
    MAX_CATEGORIES,
    OfferCatalog,
    categories,
    count_categories,
    expired,
    offers,
)
from training.starter_slices import WINDOWS, Answers, Plan, plan_adoption, plan_response

CATALOG_FILE = "actions.yaml"
_BUDGET: dict[str, Any] = {
    "max_train_rows": 100_000,
    "tuning": {"trials": 20, "seconds": 120, "seed": 7},
    "bootstrap_samples": 300,
    # Hardly any customer is that predictable: above it a leak is looked for first.
    "ceilings": {"auc": 0.95},
}
_POPULATION = {"feature": "trips_91d", "at_least": 1}
_ABOUT_CATALOG = """\
# A first catalog, made from the data alone. Names are the data's own in both languages, texts say
# nothing in particular: make them yours. docs/configure.md says what each key means.

"""
_POLICIES = """\
# Who may be offered what, and how often: docs/configure.md. To try things out, this file takes
# every missing consent for granted, and each answer says so. Take that line out before real
# customers see an answer: marketing then needs a consent in the ledger (nba consent).

consent:
  assumed: demo
"""
_ABOUT_PROBLEM = """\
# A first problem, made to fit the data. What was assumed:"""


@dataclass(frozen=True)
class Starter:
    """What was written.

    Attributes
    ----------
    notes : what was assumed or is missing, one sentence each.
    """

    files: tuple[Path, ...]
    problem: Path
    catalog: Path
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Draft:
    problem: Problem
    catalog: Catalog
    notes: tuple[str, ...]


def write_starter(
    tables: Tables, folder: Path, name: str, now: datetime, calendar: Calendar
) -> Starter:
    """Write `folder`/`name`/actions.yaml, policies.yaml and response.yaml or adoption.yaml.

    `response` when enough of what was presented was accepted, else `adoption` when the transactions
    have categories.

    Raises
    ------
    ConfigError : the name cannot be one, or a file is there already.
    DataError : nothing can be learnt from the tables; the message says what is missing.
    """
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", name):
        raise ConfigError(f"name: lower-case letters, digits, _ and - only (value {name!r})")
    target = folder / name
    catalog = target / CATALOG_FILE
    _refuse_existing(
        catalog,
        beside(catalog, "policies"),
        target / "response.yaml",
        target / "adoption.yaml",
    )
    draft = _draft(tables, calendar, now)
    return _write(draft, target)


def _draft(tables: Tables, calendar: Calendar, now: datetime) -> _Draft:
    try:
        answers = plan_response(tables, calendar, now)
    except DataError as error:
        no_response = str(error)
    else:
        return _response(tables, answers, now)
    try:
        plan, catalog = plan_adoption(categories, tables, calendar, now)
    except DataError as error:
        raise DataError(
            f"{tables.folder}: nothing to learn from. No response model: {no_response}. "
            f"No adoption model: {error}."
        ) from error
    return _adoption(tables, plan, catalog, no_response)


def _response(tables: Tables, answers: Answers, now: datetime) -> _Draft:
    plan, shown = answers.plan, answers.shown
    offered = offers(tables, shown.action_ids, plan.window_days)
    inputs = {"attributes": list(offered.attributes), "action_code": answers.actions_return}
    problem = plan.problem(
        "response",
        description=f"accepts the action within {_days(plan.window_days)} of its presentation",
        inputs=inputs,
        **_BUDGET,
    )
    notes = (
        f"A response model: {len(shown.y):,} presentations, {int(shown.y.sum()):,} of them "
        f"accepted within {_days(plan.window_days)}.",
        *_notes_on_offers(tables, answers, offered, now),
        *_notes_on_time(plan),
    )
    return _Draft(problem, offered.catalog, notes)


def _adoption(tables: Tables, plan: Plan, catalog: Catalog, no_response: str) -> _Draft:
    window, every = plan.window_days, count_categories(tables)
    problem = plan.problem(
        "adoption",
        description=f"buys the category within {_days(window)} without having been offered it",
        population=[_POPULATION],
        inputs={"action_code": True},
        **_BUDGET,
    )
    used = "All" if every <= MAX_CATEGORIES else f"The {MAX_CATEGORIES} most bought of"
    notes = [
        f"An adoption model, organic demand only: {no_response}.",
        "A propensity says who buys by themselves, nothing about the effect of an offer.",
        f"{used} {every} categories are actions, for customers who bought within 91 days but not "
        f"in the category in {_days(2 * window)}.",
    ]
    return _Draft(problem, catalog, (*notes, *_notes_on_catalog(catalog), *_notes_on_time(plan)))


def _notes_on_offers(
    tables: Tables, answers: Answers, offered: OfferCatalog, now: datetime
) -> list[str]:
    notes, shown = _notes_on_catalog(offered.catalog), answers.shown
    if len(shown.points) == len(shown.y) and len(offered.catalog.actions) > 1:
        notes.append(
            "Each action was presented alone: there is nothing to rank in the test slice, so "
            "ranking metrics are void."
        )
    if not tables.transactions.count().to_pyarrow().as_py():
        notes.append("There are no transactions, so there are no purchase features.")
    if not tables.touchpoints.propensity.count().to_pyarrow().as_py():
        notes.append(
            "No presentation tells with which probability it was chosen: who got what may not have "
            "been drawn by lot, so no figure here is the effect of an offer."
        )
    if answers.actions_return:
        notes.append("The actions come back in time, so the model may know which one it is.")
    else:
        told = ", ".join(offered.attributes) or "nothing: give the actions attributes"
        notes.append(f"Later actions are new ones, so the model knows them by {told}.")
    if never := set(offered.catalog.action_ids) - set(shown.action_ids):
        notes.append(f"Never presented, so without evidence: {_listed(sorted(never))}.")
    if offered.left_out:
        columns = _listed(offered.left_out)
        notes.append(f"Columns of the actions table that cannot be attributes: {columns}.")
    if tables.actions.eligibility.count().to_pyarrow().as_py():
        notes.append("The texts in `eligibility` of the actions table are not rules; write them.")
    if ended := expired(offered.catalog, now):
        everything = len(offered.catalog.actions)
        notes.append(f"{ended} of {everything} actions have ended and are not recommended.")
    return notes


def _notes_on_catalog(catalog: Catalog) -> list[str]:
    notes = ["Names are the data's own, in English and in German alike."]
    if len(catalog.actions) == 1:
        notes.append("There is a single action: nothing to rank, so ranking metrics are void.")
    return notes


def _notes_on_time(plan: Plan) -> list[str]:
    if plan.window_days == WINDOWS[0]:
        return []
    return [
        f"The history is short: outcomes count for {_days(plan.window_days)} instead of "
        f"{WINDOWS[0]}, the longest window that gives every slice of time enough of them."
    ]


def _write(draft: _Draft, target: Path) -> Starter:
    """Write both files, read them back as everybody will, and only then put them in place."""
    target.mkdir(parents=True, exist_ok=True)
    problem = target / f"{draft.problem.name}.yaml"
    catalog = target / draft.problem.catalog
    policies = beside(catalog, "policies")
    with tempfile.TemporaryDirectory(dir=target) as bench:
        drafts = tuple(Path(bench) / one.name for one in (catalog, policies, problem))
        dump_catalog(draft.catalog, drafts[0])
        drafts[0].write_text(_ABOUT_CATALOG + drafts[0].read_text("utf-8"), "utf-8")
        drafts[1].write_text(_POLICIES, "utf-8")
        drafts[2].write_text(_problem_text(draft), "utf-8")
        load_configuration(drafts[0])
        load_problem(drafts[2])
        for made, place in zip(drafts, (catalog, policies, problem), strict=True):
            os.replace(made, place)
    return Starter((catalog, policies, problem), problem, catalog, draft.notes)


def _problem_text(draft: _Draft) -> str:
    about = [line for note in draft.notes for line in _as_comment(note)]
    content = draft.problem.model_dump(mode="python", exclude_unset=True)
    return "\n".join((_ABOUT_PROBLEM, *about, "")) + yaml.safe_dump(
        _plain(content), sort_keys=False, allow_unicode=True, width=100
    )


def _as_comment(note: str) -> list[str]:
    return textwrap.wrap(note, 98, initial_indent="# - ", subsequent_indent="#   ")


def _plain(content: Any) -> Any:
    """Return tuples as lists, which is what YAML knows."""
    if isinstance(content, dict):
        return {key: _plain(value) for key, value in content.items()}
    return [_plain(value) for value in content] if isinstance(content, tuple | list) else content


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - 5:,} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more


def _days(number: int) -> str:
    return "1 day" if number == 1 else f"{number} days"


def _refuse_existing(*paths: Path) -> None:
    there = [str(path) for path in paths if path.exists()]
    if there:
        raise ConfigError(f"{', '.join(there)}: exists already and is not written over")
