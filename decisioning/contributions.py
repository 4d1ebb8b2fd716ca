"""What every input of the model adds to the raw score of some actions: exact, for explanations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from decisioning.moment import Moment
from decisioning.world import World


@dataclass(frozen=True)
class Contributions:
    """The raw score of one action, taken apart.

    Attributes
    ----------
    raw_score : log-odds as the trees add them up, before calibration.
    bias : what the score would be without knowing any input.
    added : what each input adds (SHAP, Lundberg and Lee 2017); with the bias they sum to the raw
        score.
    inputs : the values that the model was given, NaN for missing.
    """

    raw_score: float
    bias: float
    added: Mapping[str, float]
    inputs: Mapping[str, float]


def contributions_of(
    action_ids: Sequence[str], moment: Moment, world: World
) -> dict[str, Contributions]:
    """Return the contributions of the actions that a model is asked about; empty without one."""
    model, catalog = world.model, world.catalog
    asked = [
        one
        for one in action_ids
        if one in catalog.position and catalog.ordered[catalog.position[one]].propensity is None
    ]
    if model is None or not asked:
        return {}
    action = np.array([catalog.position[one] for one in asked], dtype=np.int64)
    matrix = world.builder.columns(moment.candidates(action)).matrix()
    exact = model.exact_contributions(matrix)
    raw = model.score(matrix).raw
    return {
        one: Contributions(
            raw_score=float(raw[place]),
            bias=float(exact[place, -1]),
            added=dict(zip(model.features, exact[place, :-1].tolist(), strict=True)),
            inputs=dict(zip(model.features, matrix[place].tolist(), strict=True)),
        )
        for place, one in enumerate(asked)
    }
