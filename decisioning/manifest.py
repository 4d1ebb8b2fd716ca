"""What a model bundle says of itself: `manifest.json`, the one typed reader of it.

The format is told in full in models/README.md.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    model_validator,
)

from decisioning.calibration import Calibration

NAME_PATTERN = r"[a-z0-9][a-z0-9._-]{0,63}"
"""What a model and a version may be called; with no way to leave a folder."""

Name = Annotated[str, StringConstraints(pattern=rf"^{NAME_PATTERN}\z")]
Share = Annotated[float, Field(ge=0.0, le=1.0)]
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}\z")]


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class ModelFeature(_Value):
    """One column of the model matrix; `block` is that of the declaration, or `attribute`.

    Attributes
    ----------
    max_age_hours : the limit that was in force in training; None for an attribute of an action.
    """

    name: str
    dtype: Literal["float64"] = "float64"
    block: Literal["customer", "customer_category", "customer_action", "action", "attribute"]
    max_age_hours: Annotated[float, Field(gt=0.0)] | None = None


class Priors(_Value):
    """Shares of positive outcomes, for answers that the model cannot score.

    Small numbers are drawn towards the overall share. A bundle that says nothing per action has
    none to rank by.

    Attributes
    ----------
    per_segment : by journey stage ("0" to "4"), then by action.
    """

    overall: Share
    per_action: dict[str, Share]
    per_segment: dict[str, dict[str, Share]]


class Manifest(_Value):
    """What is needed to use a model rightly, and to know where it comes from.

    Attributes
    ----------
    label_model : what the propensity is a probability of: an `adoption` by oneself or a `response`
        to a presentation, within `window_days`.
    features : the columns of the model matrix, in order.
    encodings : by attribute, the number that stands for each text.
    layout_hash : of the profile vectors the model was trained on (`features.layout`).
    evidence : positive outcomes in the training data, by action.
    metrics : numbers of the held-out slices, nested by name.
    training : rows, decisions, slices, data_digest and parameters of the run.
    versions : of python and of the libraries that made the model.
    files : SHA-256 of each other file of the bundle; empty until the bundle is written.
    """

    format: Literal[1] = 1
    name: Name
    version: Name
    problem: str
    label_model: Literal["adoption", "response"]
    window_days: Annotated[int, Field(ge=1)]
    created_at: AwareDatetime
    features: Annotated[tuple[ModelFeature, ...], Field(min_length=1)]
    encodings: dict[str, dict[str, Annotated[int, Field(ge=0)]]]
    layout_hash: str
    calibration: Calibration
    actions: tuple[str, ...]
    priors: Priors
    evidence: dict[str, Annotated[float, Field(ge=0.0)]]
    metrics: dict[str, JsonValue]
    training: dict[str, JsonValue]
    versions: dict[str, str]
    files: dict[str, Digest] = {}

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The columns of the model matrix, in order."""
        return tuple(feature.name for feature in self.features)

    @model_validator(mode="after")
    def _names_nothing_twice(self) -> Manifest:
        for what, names in (("feature", self.feature_names), ("action", self.actions)):
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"{what} {twice[0]!r} is listed twice")
        return self

    @model_validator(mode="after")
    def _speaks_of_its_own_actions(self) -> Manifest:
        told: list[tuple[str, dict[str, float]]] = [
            ("evidence", self.evidence),
            ("priors.per_action", self.priors.per_action),
        ]
        told += [(f"priors.per_segment.{s}", p) for s, p in self.priors.per_segment.items()]
        for where, numbers in told:
            strange = sorted(set(numbers) - set(self.actions))
            if strange:
                raise ValueError(f"{where}: {strange[0]!r} is not one of the model's actions")
        return self
