"""Why an action is where it is: what the model saw, in words, most important first.

The words are the sentences that the features declare. What features of one sentence add is told as
one reason, and only what speaks for the action is told.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from decisioning.decision import Reason
from decisioning.request import Language
from decisioning.rules import Condition
from decisioning.sentences import Phrase, Told, phrase, say, tell
from decisioning.treatments import LANGUAGES
from features import declared
from features.spec import Sentence

Array = npt.NDArray[np.float64]


class _Group(NamedTuple):
    """The features, by place and by name, that are told in one sentence.

    Attributes
    ----------
    phrases : by language, of each feature.
    """

    members: tuple[int, ...]
    names: tuple[str, ...]
    phrases: Mapping[Language, tuple[Phrase, ...]]


class ModelReasons:
    """Tells what the inputs of one model add to its scores.

    What has no declaration, such as an action's attribute, is not told.

    Parameters
    ----------
    features : the columns of the model's matrix.
    """

    def __init__(self, features: tuple[str, ...]) -> None:
        places: dict[Sentence, list[int]] = {}
        for place, name in enumerate(features):
            if name in declared.BY_NAME:
                places.setdefault(declared.BY_NAME[name].sentence, []).append(place)
        self._groups = [_group(sentence, members, features) for sentence, members in places.items()]
        sizes = [len(members) for members in places.values()]
        self._by_group = np.array([*chain(*places.values())], dtype=np.int64)
        self._starts = np.cumsum([0, *sizes[:-1]]).astype(np.int64)

    def top(
        self, contributions: Array, told: Sequence[Told], limit: int | None
    ) -> list[tuple[Reason, ...]]:
        """Return the strongest reasons that speak for each candidate, the strongest first.

        Parameters
        ----------
        contributions : shape (candidates, features + 1), what each adds to the raw score; the bias
            is last.
        told : of each candidate.
        limit : how many at most for each; None for all.
        """
        if not self._groups:
            return [()] * len(told)
        sums = np.add.reduceat(contributions.take(self._by_group, axis=1), self._starts, axis=1)
        order = (-sums).argsort(axis=1, kind="stable").tolist()
        each = zip(order, sums, contributions, told, strict=True)
        return [self._reasons_of(*one, limit) for one in each]

    def _reasons_of(
        self,
        order: Sequence[int],
        sums: Array,
        contributions: Array,
        told: Told,
        limit: int | None,
    ) -> tuple[Reason, ...]:
        reasons: list[Reason] = []
        for place in order:
            # Of many features a few are asked: one number at a time costs less than lists of all.
            added = sums.item(place)
            if added <= 0.0 or len(reasons) == limit:
                break
            members, names, phrases = self._groups[place]
            strongest = 0 if len(members) == 1 else _largest(members, contributions)
            text = say(phrases[told.language][strongest], told)
            if text is not None:
                reasons.append(Reason(text, names, added))
        return tuple(reasons)


def conditions_met(conditions: Sequence[Condition], told: Told) -> tuple[Reason, ...]:
    """Return what the conditions of an action say of a customer who meets them, in their order.

    That is why an action with a fixed propensity is there at all. What is missing is not told, and
    an attribute of the action is not about the customer.
    """
    names_of: dict[str, list[str]] = {}
    for name in dict.fromkeys(one.feature for one in conditions):
        if name in declared.BY_NAME and not math.isnan(told.numbers[name]):
            text = tell(declared.feature(name).sentence, name, told)
            if text is not None:
                names_of.setdefault(text, []).append(name)
    return tuple(Reason(text, tuple(names), 0.0) for text, names in names_of.items())


def _group(sentence: Sentence, members: Sequence[int], features: tuple[str, ...]) -> _Group:
    names = tuple(features[member] for member in members)
    phrases = {
        language: tuple(phrase(sentence, name, language) for name in names)
        for language in LANGUAGES
    }
    return _Group(tuple(members), names, phrases)


def _largest(members: Sequence[int], contributions: Array) -> int:
    """Return which of the members adds most, the first of equals."""
    added = [contributions.item(member) for member in members]
    return added.index(max(added))
