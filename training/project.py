"""Everything a data scientist's verbs share: one home folder, its problems, tables and features."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from decisioning.catalog import Catalog, load_catalog
from decisioning.yaml_source import read_source
from features import build
from features.backfill import BackfillReport, Progress, Spine, backfill
from features.calendar import Calendar
from features.canonical.tables import Tables, known_customers, open_tables
from features.clock import Clock
from features.errors import ConfigError
from features.known_actions import layout_of, with_actions
from features.places import Places
from features.store import open_store
from training.dataset import Dataset, build_dataset
from training.decisions import decision_points
from training.problem import Problem, load_problem


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
    places : where Feast keeps profiles and definitions.
    """

    home: Path
    feature_repo: Path
    models: Path
    tracking_uri: str
    calendar: Calendar
    clock: Clock
    places: Places = Places()

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

    def build_features(self, tasks: tuple[Task, ...], progress: Progress) -> BackfillReport:
        """Compute profile rows for the decision times of the problems, and as of now."""
        tables, now = self.tables(tasks), self.clock.now()
        points = [decision_points(task.problem, tables, self.calendar, now) for task in tasks]
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
        store = open_store(self.home, self.feature_repo, self.places)
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
