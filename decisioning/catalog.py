"""The actions a company can take: what people write in actions.yaml, checked when it is read."""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import yaml
from pydantic import Field, model_validator

from decisioning.action import Action, DefaultAction
from decisioning.border import Border, read_border
from decisioning.decision import Treatment
from decisioning.request import Channel, Language
from decisioning.rules import Condition, RuleBook
from decisioning.treatments import CHANNELS, Template, render_all
from decisioning.value import Array, FixedValue, Index, OwnSpendPerTrip, Value
from features import declared
from features.errors import CatalogError
from features.matrix import ACTION_CODE, ActionRows
from features.spelling import did_you_mean

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
    default_action: DefaultAction
    """What is answered when there is nothing else to answer."""
    actions: Annotated[tuple[Action, ...], Field(min_length=1)]
    """Everything that can be recommended, in any order."""

    @model_validator(mode="after")
    def _is_sound(self) -> Catalog:
        _check_ids(self)
        _check_attributes(self)
        _check_conditions(self)
        _check_treatments(self)
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
    def position(self) -> dict[str, int]:
        """Where each action stands in an array over actions."""
        return {action_id: place for place, action_id in enumerate(self.action_ids)}

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
    def values(self) -> tuple[tuple[FixedValue | OwnSpendPerTrip, ...], Index]:
        """The different values, and which of them each action has (`decisioning.value.amounts`)."""
        of_action = [action.value or self.value for action in self.ordered]
        different = tuple(dict.fromkeys(of_action))
        return different, np.array([different.index(value) for value in of_action], dtype=np.int64)

    @property
    def everything(self) -> tuple[Action | DefaultAction, ...]:
        """The actions and the default action."""
        return (*self.actions, self.default_action)

    @cached_property
    def _texts(self) -> dict[tuple[str, Channel, Language], Treatment]:
        return {
            (action.id, channel, language): text
            for action in self.everything
            for (channel, language), text in _texts_of(self, action).items()
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


def _check_ids(catalog: Catalog) -> None:
    counted = Counter(action.id for action in catalog.everything)
    twice = sorted(action_id for action_id, times in counted.items() if times > 1)
    if twice:
        raise ValueError(f"actions: the id {twice[0]!r} is there twice")


def _check_attributes(catalog: Catalog) -> None:
    kinds: dict[str, type] = {}
    for action in catalog.actions:
        for key, value in action.attributes.items():
            where = f"actions.{action.id}.attributes.{key}"
            if key in declared.BY_NAME or key in (ACTION_CODE, "name", "inline_name"):
                raise ValueError(f"{where}: the name {key!r} is taken by the product")
            if kinds.setdefault(key, type(value)) is not type(value):
                raise ValueError(f"{where}: a number here and a text elsewhere (value {value!r})")


def _check_conditions(catalog: Catalog) -> None:
    known = {*declared.model_inputs()} | {
        key
        for action in catalog.actions
        for key, value in action.attributes.items()
        if not isinstance(value, str)
    }
    places = [("eligibility", catalog.eligibility)]
    places += [(f"actions.{a.id}.eligibility", a.eligibility) for a in catalog.actions]
    for place, conditions in places:
        for condition in conditions:
            if condition.feature not in known:
                raise ValueError(
                    f"{place}: unknown feature {condition.feature!r}"
                    f"{did_you_mean(condition.feature, known)}"
                )


def _check_treatments(catalog: Catalog) -> None:
    for action in catalog.everything:
        said_on = {channel for channel, _ in _texts_of(catalog, action)}
        if not said_on:
            raise ValueError(f"actions.{action.id}.treatments: no treatment on any channel")
        silent = [channel for channel in CHANNELS if channel not in said_on]
        if silent and action is catalog.default_action:
            raise ValueError(f"default_action.treatments: the channel {silent[0]!r} is missing")


def _texts_of(
    catalog: Catalog, action: Action | DefaultAction
) -> dict[tuple[Channel, Language], Treatment]:
    if isinstance(action, DefaultAction):
        return render_all(action.name, {}, [("default_action.treatments", action.treatments)])
    own = (f"actions.{action.id}.treatments", action.treatments)
    return render_all(action.name, action.attributes, [own, ("treatments", catalog.treatments)])
