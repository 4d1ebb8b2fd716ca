"""What is to be learnt: one YAML file, one frozen object.

A problem names its catalog, when decisions were taken, what counts as a positive outcome, and how
time is cut into slices. A random split cannot be asked for: there is no key for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from decisioning.border import Border, Faults, KeyPath, Told, read_border
from decisioning.manifest import Name
from decisioning.rules import Condition
from features import declared
from features.errors import ConfigError
from features.spelling import did_you_mean
from training.tune import SearchSpace


class Schedule(Border):
    """Decision times on a fixed beat, for what customers do by themselves."""

    kind: Literal["schedule"]
    """`schedule`"""
    first: date
    """Day of the first decision; it is taken at the business midnight that begins the day."""
    last: date
    """Day of the last decision at the latest."""
    every_days: Annotated[int, Field(ge=1)] = 28
    """Days from one decision time to the next."""

    @model_validator(mode="after")
    def _ordered(self) -> Schedule:
        if self.last < self.first:
            raise ValueError(f"last ({self.last}) lies before first ({self.first})")
        return self


class Presentations(Border):
    """Decision times taken from the touchpoints: each time an action was presented."""

    kind: Literal["presentations"]
    """`presentations`"""
    first: date | None = None
    """Presentations before this day are left out (burn-in); all are kept by default."""
    last: date | None = None
    """Presentations after this day are left out; all are kept by default."""


class Slices(Border):
    """Where time is cut; a row is in a slice only if its window closes before the next begins."""

    validate_from: date
    """First day of the slice that tuning and early stopping look at."""
    calibrate_from: date
    """First day of the slice that calibration is fitted on."""
    test_from: date
    """First day of the slice that only the evaluation sees."""

    @model_validator(mode="after")
    def _ordered(self) -> Slices:
        if not self.validate_from < self.calibrate_from < self.test_from:
            raise ValueError("validate_from < calibrate_from < test_from must hold")
        return self


class Inputs(Border):
    """What the model may see beside the declared features."""

    exclude: tuple[str, ...] = ()
    """Declared features that the model must not use."""
    attributes: tuple[str, ...] = ()
    """Attributes of the actions in the catalog that the model uses."""
    action_code: bool = False
    """Whether the model sees which action it is; only sensible when actions come back."""


class Tuning(Border):
    """How long to search, and from where."""

    trials: Annotated[int, Field(ge=1)] = 20
    """Trials at the most."""
    seconds: Annotated[float, Field(gt=0)] = 240.0
    """Time budget of the search."""
    seed: int = 7
    """Seed of the search, the sampling and the fits."""
    space: SearchSpace = SearchSpace()
    """What is searched; everything else stays at LightGBM's default."""


class LearnFromLog(Border):
    """Whether what the service decided, and what came of it, is learnt from beside the history."""

    use: bool | None = None
    """Whether logged decisions are learnt from; left out, it is so for label model response."""
    weight: Annotated[float, Field(gt=0)] = 1.0
    """How much a logged row counts in a fit; a row of the history counts 1."""


class Problem(Border):
    """One learning problem."""

    name: Name
    """Name of the model; it is registered as `nba.<name>` and lies in models/<name>."""
    description: str = ""
    """What a propensity of this model means, in one sentence."""
    label_model: Literal["adoption", "response"]
    """adoption: the customer does it by itself; response: an answer to a presentation."""
    catalog: str
    """File of the action catalog, beside this file."""
    decisions: Annotated[Schedule | Presentations, Field(discriminator="kind")]
    """When decisions were taken."""
    population: tuple[Condition, ...] = ()
    """Conditions on the profile for a decision to count."""
    window_days: Annotated[int, Field(ge=1)] = 28
    """Days after the decision in which an outcome counts."""
    slices: Slices
    """The cuts in time."""
    log: LearnFromLog = LearnFromLog()
    """What is learnt from the decision log."""
    inputs: Inputs = Inputs()
    """What the model sees."""
    max_train_rows: Annotated[int, Field(ge=100)] = 100_000
    """Rows to learn from at the most; whole decisions are drawn."""
    tuning: Tuning = Tuning()
    """The search."""
    bootstrap_samples: Annotated[int, Field(ge=20)] = 300
    """Resamples of the customers for the intervals."""
    ceilings: dict[Annotated[str, Field(pattern="^(auc|ndcg_at_3)$")], float] = {}
    """Metrics above these attach a leak report."""
    tried: str = ""
    """What else was looked at on the same test slice, in words."""

    @model_validator(mode="after")
    def _is_sound(self) -> Problem:
        found = [*self._wrong_decisions(), *self._wrong_log(), *self._unknown_features()]
        if found:
            raise Faults(found)
        return self

    def _wrong_decisions(self) -> Iterator[Told]:
        if self.label_model == "adoption" and not isinstance(self.decisions, Schedule):
            yield Told(("decisions",), "label_model adoption needs a schedule (first, last)")
        if self.label_model == "response" and not isinstance(self.decisions, Presentations):
            yield Told(("decisions",), "label_model response takes kind presentations")

    def _wrong_log(self) -> Iterator[Told]:
        if self.label_model == "adoption" and self.log.use:
            told = "an outcome in the log answers a presentation; label_model adoption has none"
            yield Told(("log", "use"), told)

    @property
    def learns_from_log(self) -> bool:
        """Whether logged decisions are learnt from."""
        return self.label_model == "response" if self.log.use is None else self.log.use

    def _unknown_features(self) -> Iterator[Told]:
        known = declared.model_inputs()
        named: list[tuple[KeyPath, str]] = [
            (("inputs", "exclude", at), name) for at, name in enumerate(self.inputs.exclude)
        ]
        named += [
            (("population", at, "feature"), condition.feature)
            for at, condition in enumerate(self.population)
        ]
        for path, name in named:
            if name not in known:
                yield Told(path, f"unknown feature {name!r}{did_you_mean(name, known)}")

    def with_trials(self, trials: int | None) -> Problem:
        """Return the problem with another number of trials; None leaves it as it is."""
        if trials is None:
            return self
        tuning = self.tuning.model_copy(update={"trials": trials})
        return self.model_copy(update={"tuning": tuning})


def load_problem(path: Path) -> Problem:
    """Read a problem.

    Raises
    ------
    ConfigError : the file cannot be read or a key is wrong; the message names the nearest one.
    """
    return read_border(path, Problem, ConfigError)
