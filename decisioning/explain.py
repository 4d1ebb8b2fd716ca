"""Why an action is where it is: what the model saw, in words, most important first.

The words are the sentences that the features declare. What features of one sentence add is told as
one reason, and only what speaks for the action is told.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from string import Formatter
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from decisioning.decision import Reason
from decisioning.request import Language
from decisioning.rules import Condition
from decisioning.treatments import inline
from features import declared
from features.spec import Sentence

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.int64]

_NEVER = {
    "days_since_category": Sentence("never bought {action}", "{action} noch nie gekauft"),
    "days_since_purchase": Sentence("no purchase yet", "noch kein Einkauf"),
    "days_since_contact": Sentence("no contact yet", "noch kein Kontakt"),
}
"""What is said instead of a sentence that needs a value which is missing."""

_ALONE = r"(?<![\d.,])"
_ZERO_OR_ONE = re.compile(r"(?<!\d)[01]\b")
_WORDING: dict[Language, tuple[tuple[re.Pattern[str], str], ...]] = {
    "en": tuple(
        (re.compile(pattern), words)
        for pattern, words in (
            (_ALONE + r"0 days ago\b", "today"),
            (_ALONE + r"1 days ago\b", "yesterday"),
            (r"\bevery [01] days\b", "every day"),
            (r"\b(?:for|since) 0 days\b", "since today"),
            (r"^(bought|used|looked at|accepted|refused) (.+?) 0 times\b", r"has not \1 \2"),
            (r"\b(offered|presented) 0 times\b", r"not \1"),
            (r"\bspent 0\b", "spent nothing"),
            (_ALONE + r"0 (?!times)(\w+s)\b", r"no \1"),
            (_ALONE + r"1 times\b", "once"),
            (_ALONE + r"1 open complaints\b", "1 open complaint"),
            (_ALONE + r"0 open complaints\b", "no open complaint"),
            (_ALONE + r"1 (\w+)ies\b", r"1 \1y"),
            (_ALONE + r"1 (\w+)s\b", r"1 \1"),
        )
    ),
    "de": tuple(
        (re.compile(pattern), words)
        for pattern, words in (
            (r"\bvor 0 Tagen\b", "heute"),
            (r"\bvor 1 Tagen\b", "gestern"),
            (r"\balle [01] Tage\b", "jeden Tag"),
            (r"\bseit 0 Tagen\b", "seit heute"),
            (r"\bseit 1 Tagen\b", "seit gestern"),
            (_ALONE + r"0-mal\b", "nicht"),
            (_ALONE + r"1-mal\b", "einmal"),
            (_ALONE + r"0 (ausgegeben|für)\b", r"nichts \1"),
            (_ALONE + r"0 (?!Tag)([A-ZÄÖÜ]\w+)", r"keine \1"),
            (_ALONE + r"1 Einkäufe\b", "1 Einkauf"),
            (_ALONE + r"1 offene Beschwerden\b", "1 offene Beschwerde"),
            (_ALONE + r"0 offene Beschwerden\b", "keine offene Beschwerde"),
            (_ALONE + r"1 Kanälen\b", "1 Kanal"),
            (_ALONE + r"1 (Angebot|Kontakt)e\b", r"1 \1"),
            (_ALONE + r"1 (Beschwerde|Rückgabe|Warengruppe)n\b", r"1 \1"),
            (_ALONE + r"1 Coupons\b", "1 Coupon"),
        )
    ),
}
"""What is wrong with a plural after 0 and 1, and what people say."""


class Told(NamedTuple):
    """What the reasons of one candidate are told with.

    Attributes
    ----------
    columns : features of candidate rows by name, each of shape (rows,).
    row : which of the rows.
    name : the action's name in `language`.
    """

    columns: Mapping[str, Array]
    row: int
    name: str
    language: Language


def top_reasons(
    features: tuple[str, ...], contributions: Array, told: Sequence[Told], limit: int | None
) -> list[tuple[Reason, ...]]:
    """Return the strongest reasons that speak for each candidate, the strongest first.

    Parameters
    ----------
    features : the columns of the model's matrix.
    contributions : shape (candidates, features + 1), what each adds to the raw score; the bias is
        last.
    told : of each candidate.
    limit : how many at most for each; None for all.
    """
    groups, by_group, starts = _groups(features)
    if not groups:
        return [()] * len(told)
    sums = np.add.reduceat(contributions.take(by_group, axis=1), starts, axis=1)
    order = (-sums).argsort(axis=1, kind="stable").tolist()
    each = zip(order, sums, contributions, told, strict=True)
    return [_reasons_of(features, groups, *one, limit) for one in each]


def conditions_met(conditions: Sequence[Condition], told: Told) -> tuple[Reason, ...]:
    """Return what the conditions of an action say of a customer who meets them, in their order.

    That is why an action with a fixed propensity is there at all. What is missing is not told, and
    an attribute of the action is not about the customer.
    """
    names_of: dict[str, list[str]] = {}
    for name in dict.fromkeys(one.feature for one in conditions):
        if name in declared.BY_NAME and not math.isnan(told.columns[name].item(told.row)):
            text = tell(declared.feature(name).sentence, name, told)
            if text is not None:
                names_of.setdefault(text, []).append(name)
    return tuple(Reason(text, tuple(names), 0.0) for text, names in names_of.items())


def _reasons_of(
    features: tuple[str, ...],
    groups: Sequence[_Group],
    order: Sequence[int],
    sums: Array,
    contributions: Array,
    told: Told,
    limit: int | None,
) -> tuple[Reason, ...]:
    reasons: list[Reason] = []
    for place in order:
        added = sums.item(place)
        if added <= 0.0 or len(reasons) == limit:
            break
        group = groups[place]
        # Of many features a few are asked: one number at a time costs less than lists of all.
        members = group.members
        strongest = members[0] if len(members) == 1 else max(members, key=contributions.item)
        text = tell(group.sentence, features[strongest], told)
        if text is not None:
            reasons.append(Reason(text, group.names, added))
    return tuple(reasons)


def tell(sentence: Sentence, feature: str, told: Told) -> str | None:
    """Return a sentence about a candidate; None where it needs a value that is missing.

    >>> row = {"category_trips_all": np.array([14.0]), "days_since_category": np.array([70.0])}
    >>> bought = declared.feature("days_since_category").sentence
    >>> tell(bought, "days_since_category", Told(row, 0, "Pasta sauce", "en"))
    'bought pasta sauce 14 times, last 70 days ago'
    """
    language = told.language
    said = []
    for words, name, how in _pieces(sentence.de if language == "de" else sentence.en):
        said.append(words)
        if name == "action":
            said.append(_inline(told.name, language))
        elif name is not None:
            column = feature if name == "value" else name
            value = told.columns[column].item(told.row)
            if value != value:
                instead = _NEVER.get(column)
                return None if instead is None else tell(instead, feature, told)
            said.append(_number(value, how, language))
    return _as_people_say("".join(said), language)


def _number(value: float, how: str, language: Language) -> str:
    """Return a number as a language writes it.

    >>> _number(0.5, ".1%", "en"), _number(0.5, ".1%", "de")
    ('50.0%', '50,0 %')
    """
    text = format(value, how)
    return text.replace(".", ",").replace("%", " %") if language == "de" else text


@lru_cache(maxsize=4096)
def _as_people_say(text: str, language: Language) -> str:
    """Return a text without plurals after 0 and 1.

    >>> _as_people_say("bought eggs 1 times, last 1 days ago", "en")
    'bought eggs once, last yesterday'
    >>> _as_people_say("Eier: 1-mal gekauft, zuletzt vor 0 Tagen", "de")
    'Eier: einmal gekauft, zuletzt heute'
    """
    if _ZERO_OR_ONE.search(text) is None:
        return text
    for pattern, words in _WORDING[language]:
        text = pattern.sub(words, text)
    return text


@lru_cache(maxsize=1024)
def _pieces(template: str) -> tuple[tuple[str, str | None, str], ...]:
    """Return words, the name of what follows them and how that is written; None where nothing does.

    Taken apart once, a template is filled by plain calls of `format`: the nine reasons of a
    decision take 55 us instead of 98 with `str.format`, in German instead of 165.
    """
    return tuple((words, name, how or "") for words, name, how, _ in Formatter().parse(template))


_inline = lru_cache(maxsize=4096)(inline)


@dataclass(frozen=True)
class _Group:
    """The features, by place and by name, that are told in one sentence."""

    sentence: Sentence
    members: tuple[int, ...]
    names: tuple[str, ...]


@lru_cache(maxsize=16)
def _groups(features: tuple[str, ...]) -> tuple[tuple[_Group, ...], Index, Index]:
    """Return the groups, the places of features group by group, and where each group starts there.

    What has no declaration, such as an action's attribute, is in none.
    """
    places: dict[Sentence, list[int]] = {}
    for place, name in enumerate(features):
        if name in declared.BY_NAME:
            places.setdefault(declared.BY_NAME[name].sentence, []).append(place)
    groups = tuple(
        _Group(sentence, tuple(members), tuple(features[member] for member in members))
        for sentence, members in places.items()
    )
    sizes = [len(group.members) for group in groups]
    by_group = np.array([member for group in groups for member in group.members], dtype=np.int64)
    return groups, by_group, np.cumsum([0, *sizes[:-1]]).astype(np.int64)
