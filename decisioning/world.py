"""What a decision is made with besides the customer: made once, swapped as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from decisioning.arbitration import Switches
from decisioning.catalog import Catalog
from decisioning.decision import Versions
from features.calendar import Calendar
from features.errors import FeatureError
from features.layout import Layout
from features.matrix import MatrixBuilder

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.int64]


class ModelFacts(Protocol):
    """What a decision has to know of a model; `decisioning.manifest.Manifest` is one."""

    @property
    def name(self) -> str:
        """The model's name."""
        ...

    @property
    def version(self) -> str:
        """The model's version."""
        ...

    @property
    def label_model(self) -> str:
        """What a propensity is the probability of."""
        ...

    @property
    def layout_hash(self) -> str:
        """The hash of the profile layout that it was trained on."""
        ...

    @property
    def encodings(self) -> Mapping[str, Mapping[str, int]]:
        """By attribute, the number of each text."""
        ...

    @property
    def evidence(self) -> Mapping[str, float]:
        """By action, the positive outcomes that were seen in training."""
        ...


class ModelScores(Protocol):
    """What a model says of candidate rows."""

    @property
    def propensity(self) -> Array:
        """Shape (rows,), in [0, 1]."""
        ...

    def path_contributions(self, rows: Index) -> Array:
        """Return what each feature adds, shape (rows, features + 1), last the bias; fast."""
        ...


class PropensityModel(Protocol):
    """What a decision asks of a model; `decisioning.propensity.Model` is one."""

    @property
    def manifest(self) -> ModelFacts:
        """What the model says of itself."""
        ...

    @property
    def features(self) -> tuple[str, ...]:
        """The columns of its matrix, in order."""
        ...

    def score(self, matrix: Array) -> ModelScores:
        """Return the scores of a matrix of shape (rows, features)."""
        ...

    def exact_contributions(self, matrix: Array) -> Array:
        """Return what each feature adds as SHAP values, shape (rows, features + 1); slow."""
        ...


@dataclass(frozen=True)
class World:
    """Catalog, model and calendar of decisions.

    Attributes
    ----------
    model, builder : both None where there is no model that fits.
    degraded : why there is none, as codes; empty with a model.
    """

    catalog: Catalog
    model: PropensityModel | None
    layout: Layout
    calendar: Calendar
    builder: MatrixBuilder | None
    versions: Versions
    degraded: tuple[str, ...] = ()
    switches: Switches = Switches()


def build_world(
    catalog: Catalog,
    model: PropensityModel | None,
    layout: Layout,
    calendar: Calendar,
    switches: Switches | None = None,
) -> World:
    """Put a world together; a model that does not fit is left out and a code says why.

    `no_model` : there is none; `model_features_missing` : it needs a feature or an attribute that
    is not there. A model finds its inputs by name, so one trained on another layout still fits.
    """
    builder, degraded = _fit(catalog, model, layout, calendar)
    fitting = model if builder is not None else None
    facts = fitting.manifest if fitting is not None else None
    versions = Versions(
        model=f"{facts.name}/{facts.version}" if facts else "",
        catalog=catalog.version,
        policies="",
        features=layout.hash,
    )
    return World(
        catalog, fitting, layout, calendar, builder, versions, degraded, switches or Switches()
    )


def _fit(
    catalog: Catalog, model: PropensityModel | None, layout: Layout, calendar: Calendar
) -> tuple[MatrixBuilder | None, tuple[str, ...]]:
    if model is None:
        return None, ("no_model",)
    actions = catalog.action_rows(model.manifest.encodings)
    try:
        return MatrixBuilder(model.features, layout, actions, calendar), ()
    except FeatureError:
        return None, ("model_features_missing",)
