"""What a decision is made with besides the customer: made once, swapped as a whole."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol

import numpy as np
import numpy.typing as npt

from decisioning.arbitration import ArbitrationBook
from decisioning.catalog import Catalog
from decisioning.configuration import Configuration
from decisioning.contexts import DerivedContexts
from decisioning.decision import Versions
from decisioning.explain import ModelReasons
from decisioning.history import HistoryNeeds
from decisioning.line_up import LineUps
from decisioning.manifest import Priors
from decisioning.policies.consent import ConsentBook
from decisioning.policies.contact import ContactBook
from decisioning.policies.policy_book import PolicyBook
from features import declared
from features.calendar import Calendar
from features.errors import FeatureError
from features.layout import Layout
from features.matrix import MatrixBuilder

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.int64]
Verdicts = npt.NDArray[np.bool_]


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

    @property
    def priors(self) -> Priors | None:
        """The rates of positive outcomes in training, for answers without the model."""
        ...


class ModelScores(Protocol):
    """What a model says of candidate rows."""

    @property
    def raw(self) -> Array:
        """Shape (rows,), log-odds before calibration."""
        ...

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


_FEATURE = re.compile(r"(?:profile|journey|action)\.(\w+)")


@dataclass(frozen=True)
class World:
    """Everything of a decision that is not about one customer; the books are compiled once.

    Attributes
    ----------
    model : None where there is none that fits.
    builder : makes columns, and the matrix of the model where there is one.
    built : shape (actions,), which actions profiles have features for.
    evidence : shape (actions,), positive outcomes that the model has seen.
    priors : shape (actions,), what is believed of an action where the model cannot be asked, in
        [0, 1]; NaN where nothing is.
    degraded : why there is no model, as codes; empty with one.
    """

    configuration: Configuration
    model: PropensityModel | None
    layout: Layout
    calendar: Calendar
    builder: MatrixBuilder
    policies: PolicyBook
    contact: ContactBook
    consent: ConsentBook
    arbitration: ArbitrationBook
    derived_contexts: DerivedContexts
    built: Verdicts
    evidence: Array
    priors: Array
    versions: Versions
    degraded: tuple[str, ...] = ()

    @property
    def catalog(self) -> Catalog:
        """The actions."""
        return self.configuration.catalog

    @cached_property
    def line_ups(self) -> LineUps:
        """The actions for each kind of request."""
        return LineUps(self.catalog, self.built, self.builder, self.consent)

    @cached_property
    def reasons(self) -> ModelReasons:
        """What tells the reasons of the model."""
        return ModelReasons(self.model.features if self.model else ())

    @cached_property
    def needs(self) -> HistoryNeeds:
        """What decisions have to know of the ledger."""
        return replace(self.contact.needs, consents=self.consent.needed)


def build_world(
    configuration: Configuration,
    model: PropensityModel | None,
    layout: Layout,
    calendar: Calendar,
    without_model: bool = False,
) -> World:
    """Put a world together; a model that does not fit is left out and a code says why.

    `no_model` : there is none; `model_features_missing` : it needs a feature or an attribute that
    is not there. A model finds its inputs by name, so one trained on another layout still fits.
    The priors of a model that is left out stay.

    Parameters
    ----------
    without_model : leave the model out as if there were none.
    """
    catalog = configuration.catalog
    builder, degraded = _fit(configuration, None if without_model else model, layout, calendar)
    fitting = None if degraded else model
    priors = _priors(model, catalog)
    used = fitting is not None or np.isfinite(priors).any()
    facts = model.manifest if model is not None and used else None
    evidence = facts.evidence if facts else {}
    about = [action.category for action in catalog.ordered]
    known = layout.category_position
    return World(
        configuration=configuration,
        model=fitting,
        layout=layout,
        calendar=calendar,
        builder=builder,
        policies=PolicyBook(configuration.policies, catalog, calendar),
        contact=ContactBook(configuration.policies, catalog, calendar),
        consent=ConsentBook(configuration.policies, catalog),
        arbitration=ArbitrationBook(configuration.arbitration, catalog),
        derived_contexts=DerivedContexts(configuration.arbitration.contexts, catalog, calendar),
        built=np.array([not category or category in known for category in about]),
        evidence=np.array([float(evidence.get(name, 0.0)) for name in catalog.action_ids]),
        priors=priors,
        versions=Versions(
            model=f"{facts.name}/{facts.version}" if facts else "",
            catalog=catalog.version,
            policies=configuration.rules_version,
            features=layout.hash,
        ),
        degraded=degraded,
    )


def _priors(model: PropensityModel | None, catalog: Catalog) -> Array:
    """Return the priors of a model's bundle; the overall rate for actions it has not seen."""
    told = model.manifest.priors if model is not None else None
    if told is None or not told.per_action:
        return np.full(len(catalog.action_ids), np.nan)
    return np.array([told.per_action.get(name, told.overall) for name in catalog.action_ids])


def _fit(
    configuration: Configuration,
    model: PropensityModel | None,
    layout: Layout,
    calendar: Calendar,
) -> tuple[MatrixBuilder, tuple[str, ...]]:
    """Return the builder for the model, or one of columns alone and why the model does not fit."""
    encodings = model.manifest.encodings if model is not None else {}
    actions, also = configuration.catalog.action_rows(encodings), _asked_by_rules(configuration)
    if model is None:
        return MatrixBuilder((), layout, actions, calendar, also), ("no_model",)
    try:
        return MatrixBuilder(model.features, layout, actions, calendar, also), ()
    except FeatureError:
        builder = MatrixBuilder((), layout, actions, calendar, also)
        return builder, ("model_features_missing",)


def _asked_by_rules(configuration: Configuration) -> tuple[str, ...]:
    """Return the features that every decision asks for besides the model.

    Found in the texts of policies, which may name too many: that costs time and changes nothing.
    """
    rules = configuration.catalog.rule_book.rules
    told = [rule.feature for rule in rules]
    texts = [policy.when for policy in configuration.policies.policies]
    told += [name for text in texts for name in _FEATURE.findall(text)]
    return tuple(name for name in dict.fromkeys(told) if name in declared.BY_NAME)
