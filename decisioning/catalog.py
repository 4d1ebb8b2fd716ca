"""The actions a company can take: what people write in actions.yaml, checked when it is read."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import yaml
from pydantic import Field, model_validator

from decisioning.action import Action, DefaultAction
from decisioning.action_arrays import ActionArrays, arrays_of
from decisioning.border import Border, Faults, Told, read_border
from decisioning.catalog_faults import faults_of, hierarchy_faults, rendered
from decisioning.decision import Treatment
from decisioning.gone import Gone
from decisioning.placements import Placement
from decisioning.request import Channel, Language
from decisioning.rules import Condition, RuleBook
from decisioning.treatments import Labels, Template, render_all
from decisioning.value import Array, FixedValue, Value, ValueBook
from features.errors import CatalogError
from features.matrix import ACTION_CODE, ActionRows

Encodings = Mapping[str, Mapping[str, int]]
"""Attribute: text: the number that the model knows it by."""


class Catalog(Border):
    """The whole actions.yaml."""

    value: Value = FixedValue(kind="fixed", amount=1.0)
    """What a positive outcome of an action is worth that has no value of its own."""
    eligibility: tuple[Condition, ...] = ()
    """Who may get any of the actions."""
    treatments: dict[Channel, Template] = {}
    """What is said on each channel about an action that has no text of its own there."""
    labels: Labels = Labels()
    """What the buttons for an answer say where a treatment does not say it."""
    placements: tuple[Placement, ...] = ()
    """Where actions are shown."""
    default_action: DefaultAction
    """What is answered when there is nothing else to answer."""
    actions: Annotated[tuple[Action, ...], Field(min_length=1)]
    """Everything that can be recommended, in any order."""

    @classmethod
    def faults_as_written(cls, content: Mapping[str, Any]) -> Iterable[Told]:
        """Find what is not one tree of issues, groups and actions."""
        return hierarchy_faults(content)

    @model_validator(mode="after")
    def _is_sound(self) -> Catalog:
        found = faults_of(self)
        if found:
            raise Faults(found)
        return self

    @cached_property
    def version(self) -> str:
        """Twelve hexadecimal digits that change with the content, not with the actions' order."""
        content = self.model_dump(mode="json", exclude_defaults=True)
        content["actions"].sort(key=lambda action: action["id"])
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]

    @cached_property
    def ordered(self) -> tuple[Action, ...]:
        """The actions by id: the order of every array over actions."""
        return tuple(sorted(self.actions, key=lambda action: action.id))

    @cached_property
    def action_ids(self) -> tuple[str, ...]:
        """The ids in the order of every array over actions, without the default action."""
        return tuple(action.id for action in self.ordered)

    @cached_property
    def gone(self) -> Gone:
        """What is said of the actions when they are turned down."""
        return Gone(self.action_ids)

    @cached_property
    def position(self) -> dict[str, int]:
        """Where each action stands in an array over actions."""
        return {action_id: place for place, action_id in enumerate(self.action_ids)}

    @cached_property
    def arrays(self) -> ActionArrays:
        """What the actions say, as arrays in their order."""
        return arrays_of(self.ordered, self.placements, self.treatment)

    @cached_property
    def learnable(self) -> Catalog:
        """The same catalog without the actions that have a fixed propensity; there may be none."""
        left = tuple(action for action in self.actions if action.propensity is None)
        # A copy would take what was computed for all actions along.
        fields = {name: getattr(self, name) for name in type(self).model_fields}
        return type(self).model_construct(**fields | {"actions": left})

    @cached_property
    def rule_book(self) -> RuleBook:
        """Who may get which action."""
        conditions = dict.fromkeys(
            (*self.eligibility, *(rule for action in self.ordered for rule in action.eligibility))
        )
        applies = [
            [rule in self.eligibility or rule in action.eligibility for action in self.ordered]
            for rule in conditions
        ]
        shape = (len(conditions), len(self.ordered))
        return RuleBook(tuple(conditions), np.array(applies, dtype=bool).reshape(shape))

    @cached_property
    def values(self) -> ValueBook:
        """What the actions are worth."""
        return ValueBook([action.value or self.value for action in self.ordered], self.ordered)

    @property
    def everything(self) -> tuple[Action | DefaultAction, ...]:
        """The actions and the default action."""
        return (*self.actions, self.default_action)

    @cached_property
    def _texts(self) -> dict[tuple[str, Channel, Language], Treatment]:
        default = self.default_action
        own = (("default_action", "treatments"), default.treatments)
        said = {default.id: render_all(default.name, {}, [own], self.labels)}
        said |= {action.id: rendered(self, at, action) for at, action in enumerate(self.actions)}
        return {
            (action_id, *key): text for action_id, of in said.items() for key, text in of.items()
        }

    def treatment(self, action_id: str, channel: Channel, language: Language) -> Treatment | None:
        """Return how an action is said; None where the channel has no text for it."""
        return self._texts.get((action_id, channel, language))

    def encodings(self) -> dict[str, dict[str, int]]:
        """Return a number for every text of the attributes and for every action id."""
        texts: dict[str, set[str]] = {ACTION_CODE: set(self.action_ids)}
        for action in self.actions:
            for key, value in action.attributes.items():
                if isinstance(value, str):
                    texts.setdefault(key, set()).add(value)
        return {
            key: {text: code for code, text in enumerate(sorted(known))}
            for key, known in texts.items()
        }

    def action_rows(self, encodings: Encodings) -> ActionRows:
        """Return the actions as features know them, by id; texts that are not encoded are NaN."""
        keys = sorted({key for action in self.actions for key in action.attributes})
        columns: dict[str, Array] = {
            key: np.array(
                [_number(a.attributes.get(key), encodings.get(key)) for a in self.ordered]
            )
            for key in keys
        }
        if ACTION_CODE in encodings:
            codes = encodings[ACTION_CODE]
            columns[ACTION_CODE] = np.array([_number(name, codes) for name in self.action_ids])
        return ActionRows(self.action_ids, tuple(a.category for a in self.ordered), columns)

    def export_actions(self) -> list[dict[str, Any]]:
        """Return the rows of the canonical actions table; times are naive and mean UTC."""
        return [
            {
                "action_id": action.id,
                "name": action.name.en,
                "category": action.category,
                "cost": action.cost,
                "valid_from": action.valid_from and action.valid_from.replace(tzinfo=None),
                "valid_to": action.valid_to and action.valid_to.replace(tzinfo=None),
                "valid_days": float(action.response_window_days),
                "issue": action.issue,
                "group": action.group,
            }
            for action in self.ordered
        ]


def load_catalog(path: Path) -> Catalog:
    """Read an actions.yaml.

    Raises
    ------
    CatalogError : any fault; the message names the file, the key path and the value.
    """
    return read_border(path, Catalog, CatalogError)


def dump_catalog(catalog: Catalog, path: Path) -> None:
    """Write a catalog so that `load_catalog` reads the same one; defaults are left out."""
    content = catalog.model_dump(mode="json", exclude_defaults=True)
    draft = path.with_suffix(".tmp")
    draft.write_text(
        yaml.safe_dump(content, allow_unicode=True, sort_keys=False, width=100), encoding="utf-8"
    )
    os.replace(draft, path)


def _number(value: float | str | None, codes: Mapping[str, int] | None) -> float:
    if isinstance(value, str):
        return float((codes or {}).get(value, np.nan))
    return np.nan if value is None else float(value)
