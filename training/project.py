"""Everything a data scientist's verbs share: one home folder, its problems, tables and features."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from decisioning.catalog import Catalog, load_catalog
from decisioning.ledger.ledger import Ledger
from decisioning.yaml_source import read_source
from features import build
from features.backfill import BackfillReport, Progress, Spine, backfill
from features.calendar import Calendar
from features.canonical.tables import Tables, known_customers, open_tables
from features.clock import Clock
from features.errors import ConfigError
from features.known_actions import layout_of, with_actions
from features.live_events import live_events, owners, with_events, with_people
from features.store import open_store
from training.dataset import Dataset, build_dataset
from training.decisions import decision_points
from training.problem import Problem, load_problem

People = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Task:
    """A problem with its catalog."""

    file: Path
    problem: Problem
    catalog: Catalog


@dataclass(frozen=True)
class Project:
    """One home folder and the configuration it is used with.

    Attributes
    ----------
    tracking_uri : MLflow's store or server.
    ledger : opens the ledger; without one, profiles know the tables alone.
    """

    home: Path
    feature_repo: Path
    models: Path
    tracking_uri: str
    calendar: Calendar
    clock: Clock
    ledger: Callable[[], Ledger] | None = None

    def task(self, file: Path) -> Task:
        """Read a problem file and the catalog it names.

        Raises
        ------
        ConfigError, CatalogError : a file is missing or wrong.
        """
        problem = load_problem(file)
        return Task(file, problem, load_catalog(file.parent / problem.catalog))

    def tasks(self, folder: Path) -> tuple[Task, ...]:
        """Read every problem file of a folder.

        Raises
        ------
        ConfigError : there is none.
        """
        found = tuple(
            self.task(file) for file in sorted(folder.glob("*.yaml")) if _is_problem(file)
        )
        if not found:
            raise ConfigError(f"{folder}: no problem file (a YAML with a label_model) in it")
        return found

    def tables(self, tasks: tuple[Task, ...]) -> Tables:
        """Open the canonical tables with the actions of all catalogs beside those of the data."""
        exported = [row for task in tasks for row in task.catalog.export_actions()]
        return with_actions(open_tables(self.home / "data"), exported)

    def with_ledger(self, tables: Tables, people: People | None = None) -> Tables:
        """Return the tables with the events of the ledger beside those of the sources.

        Parameters
        ----------
        people : the id that a profile is stored under, with all ids whose events belong to it;
            customers that are not named there are people of their own.
        """
        if self.ledger is None:
            return with_people(tables, people or {})
        with self.ledger() as ledger:
            live = live_events(ledger.events.between(), owners(people or {}))
        return with_events(with_people(tables, people or {}), live)

    def build_features(
        self, tasks: tuple[Task, ...], progress: Progress, people: People | None = None
    ) -> BackfillReport:
        """Compute profile rows for the decision times of the problems, and as of now.

        The decision times are those of the tables; what the ledger knows is in the profiles.
        """
        # The time is taken first: whatever is stored while this runs is refreshed afterwards.
        sources, now = self.tables(tasks), self.clock.now()
        points = [decision_points(task.problem, sources, self.calendar, now) for task in tasks]
        tables = self.with_ledger(sources, people)
        everybody = known_customers(tables).to_pyarrow()["customer_id"]
        customer_ids = everybody.to_numpy(zero_copy_only=False).astype(object)
        moment = np.datetime64(now.replace(tzinfo=None), "us")
        return backfill(
            build.prepare(tables),
            layout_of(tables),
            self.calendar,
            history=Spine(
                np.concatenate([p.customer_ids for p in points]),
                np.concatenate([p.moments for p in points]),
            ),
            now=Spine(customer_ids, np.repeat(moment, len(customer_ids))),
            folder=self.home / "features",
            progress=progress,
        )

    def dataset(self, task: Task) -> tuple[Dataset, str]:
        """Return the rows of a problem, and the hash of the profile layout they were built from."""
        store = open_store(self.home, self.feature_repo)
        dataset = build_dataset(
            task.problem,
            task.catalog,
            self.tables((task,)),
            store,
            self.calendar,
            self.clock.now(),
        )
        return dataset, store.layout.hash


def _is_problem(file: Path) -> bool:
    source = read_source(file)
    if source.faults and source.node is None:
        raise ConfigError(str(source.faults[0]))
    return isinstance(source.content, dict) and "label_model" in source.content
