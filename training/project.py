"""Everything a data scientist's verbs share: one home folder, its problems, tables and features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from decisioning.catalog import Catalog, load_catalog
from decisioning.ledger.reading import open_reader
from decisioning.yaml_source import read_source
from features import build
from features.backfill import BackfillReport, Progress, Spine, backfill
from features.calendar import Calendar
from features.canonical.tables import Tables, known_customers, open_tables
from features.clock import Clock
from features.errors import ConfigError, DataError
from features.known_actions import layout_of, with_actions
from features.live_events import live_events, owners, with_events, with_people
from features.places import Places
from features.store import ProfileStore, open_store
from training.blend import blend, wanted_of
from training.dataset import build_dataset
from training.decisions import NothingPresented, decision_points
from training.logged import LoggedRows, read_log
from training.problem import Problem, load_problem
from training.training_set import Dataset


def _no_progress(done: int, total: int) -> None:
    """Tell nobody."""


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
    problem_file : the problem that is meant where none is named.
    ledger : path or address of the ledger; without one there is no log to learn from, and
        profiles know the tables alone.
    places : where Feast keeps profiles and definitions.
    """

    home: Path
    feature_repo: Path
    models: Path
    tracking_uri: str
    calendar: Calendar
    clock: Clock
    problem_file: Path | None = None
    ledger: str | Path | None = None
    places: Places = Places()

    def task(self, file: Path | None = None) -> Task:
        """Read a problem file, by default the project's own, and the catalog it names.

        Raises
        ------
        ConfigError, CatalogError : a file is missing or wrong, or none is meant.
        """
        file = file or self.problem_file
        if file is None:
            raise ConfigError("no problem file is named, and the project has none of its own")
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
            customers that are not named there are people of their own. By default as the ledger
            says.
        """
        reader = None if self.ledger is None else open_reader(self.ledger)
        if reader is None:
            return with_people(tables, people or {})
        with reader:
            persons = reader.persons() if people is None else people
            live = live_events(reader.events.between(), owners(persons))
        return with_events(with_people(tables, persons), live)

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

    def dataset(self, task: Task, progress: Progress = _no_progress) -> tuple[Dataset, str]:
        """Return the rows of a problem, and the hash of the profile layout they were built from.

        They come from the history and, where the problem learns from it, from the decision log.

        Raises
        ------
        DataError : there is no row, or all of them have the same outcome.
        """
        store = open_store(self.home, self.feature_repo, self.places)
        logged = self.logged(task, progress=progress) if task.problem.learns_from_log else None
        dataset = self._with_history(task, store, logged)
        y = dataset.rows.y
        if not y.any() or y.all():
            raise DataError(
                f"problem {task.problem.name!r}: {int(y.sum()):,} of {len(y):,} rows are "
                "positive; there is nothing to learn"
            )
        return dataset, store.layout.hash

    def _with_history(self, task: Task, store: ProfileStore, logged: LoggedRows | None) -> Dataset:
        problem, catalog, calendar = task.problem, task.catalog, self.calendar
        tables, now = self.tables((task,)), self.clock.now()
        if logged is None:
            return build_dataset(problem, catalog, tables, store, calendar, now)
        from_log = {row.decision_id for row in logged.rows}
        try:
            history = build_dataset(problem, catalog, tables, store, calendar, now, from_log)
        except NothingPresented:
            return blend(None, logged, problem, catalog, calendar)
        return blend(history, logged, problem, catalog, calendar)

    def logged(
        self,
        task: Task,
        since: datetime | None = None,
        until: datetime | None = None,
        progress: Progress = _no_progress,
    ) -> LoggedRows | None:
        """Return what the decision log has for a problem; None where there is no ledger yet.

        Parameters
        ----------
        since, until : decisions from then on, and before then; by default all up to now.

        Raises
        ------
        LedgerError : the ledger cannot be read.
        """
        reader = None if self.ledger is None else open_reader(self.ledger)
        if reader is None:
            return None
        now = self.clock.now().timestamp()
        # What is decided in this very moment belongs to it.
        end = float(np.nextafter(now, np.inf)) if until is None else until.timestamp()
        start = 0.0 if since is None else since.timestamp()
        with reader:
            wanted = wanted_of(task.problem, task.catalog)
            return read_log(reader, wanted, start, end, now, progress)


def _is_problem(file: Path) -> bool:
    source = read_source(file)
    if source.faults and source.node is None:
        raise ConfigError(str(source.faults[0]))
    return isinstance(source.content, dict) and "label_model" in source.content
