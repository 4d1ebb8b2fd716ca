"""The built demo that every benchmark works on; nothing in it is written."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from decisioning.champion import load_champion
from decisioning.propensity import Model
from features.calendar import Calendar
from features.clock import open_clock
from features.errors import ConfigError
from features.store import ProfileStore, open_store
from serving.settings import Settings, load_settings
from training.project import Project, Task


@dataclass(frozen=True)
class DemoHome:
    """The demo's home folder, opened."""

    settings: Settings
    project: Project

    @cached_property
    def tasks(self) -> tuple[Task, ...]:
        """Every problem of the demo's configuration; the profile layout is made for all."""
        return self.project.tasks(self.settings.problem_file.parent)

    @cached_property
    def task(self) -> Task:
        """The problem that is served."""
        return self.project.task(self.settings.problem_file)

    @cached_property
    def store(self) -> ProfileStore:
        """The feature store."""
        return open_store(self.settings.home, self.settings.feature_repo, self.settings.places)

    @cached_property
    def champion(self) -> Model:
        """The model that is served."""
        return load_champion(self.settings.models, self.settings.model_name)[1]


def open_demo_home() -> DemoHome:
    """Open NBA_HOME.

    Raises
    ------
    ConfigError : the demo was not built there; the message says what is missing.
    """
    settings = load_settings()
    for needed in (
        settings.home / "data" / "transactions.parquet",
        settings.home / "features" / "layout.json",
        settings.home / "feast" / "online.db",
        settings.models / settings.model_name / "champion.json",
    ):
        if not needed.is_file():
            raise ConfigError(f"{needed}: not there; run `make demo` first")
    project = Project(
        home=settings.home,
        feature_repo=settings.feature_repo,
        models=settings.models,
        places=settings.places,
        tracking_uri=settings.tracking_place,
        calendar=Calendar(settings.time_zone),
        clock=open_clock(settings.clock_file),
    )
    return DemoHome(settings, project)
