"""Why an action is where it is: what the model saw, in words, most important first.

The words are the sentences that the features declare. What features of one sentence add is told as
one reason, and only what speaks for the action is told.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from string import Formatter
from typing import Any

import numpy as np
import numpy.typing as npt

from decisioning.decision import Reason
from decisioning.request import Language
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
            (_ALONE + r"1 Kanälen\b", "1 Kanal"),
            (_ALONE + r"1 (Angebot|Kontakt)e\b", r"1 \1"),
            (_ALONE + r"1 (Beschwerde|Rückgabe|Warengruppe)n\b", r"1 \1"),
            (_ALONE + r"1 Coupons\b", "1 Coupon"),
        )
    ),
}
"""What is wrong with a plural after 0 and 1, and what people say."""


@dataclass(frozen=True)
class Told:
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
    features: tuple[str, ...], contributions: Array, told: Told, limit: int | None
) -> tuple[Reason, ...]:
    """Return the strongest reasons that speak for an action, the strongest first.

    Parameters
    ----------
    features : the columns of the model's matrix.
    contributions : shape (features + 1,), what each adds to the raw score; the bias is last.
    limit : how many at most; None for all.
    """
    sentences, group_of, members_of = _groups(features)
    summed = np.bincount(group_of, weights=contributions[:-1], minlength=len(sentences) + 1)
    reasons: list[Reason] = []
    for group in np.argsort(-summed[:-1], kind="stable"):
        if summed[group] <= 0.0 or len(reasons) == limit:
            break
        members = members_of[group]
        strongest = features[members[np.argmax(contributions[members])]]
        text = tell(sentences[group], strongest, told)
        if text is not None:
            names = tuple(features[member] for member in members)
            reasons.append(Reason(text, names, float(summed[group])))
    return tuple(reasons)


def tell(sentence: Sentence, feature: str, told: Told) -> str | None:
    """Return a sentence about a candidate; None where it needs a value that is missing.

    >>> row = {"category_trips_all": np.array([14.0]), "days_since_category": np.array([70.0])}
    >>> bought = declared.feature("days_since_category").sentence
    >>> tell(bought, "days_since_category", Told(row, 0, "Pasta sauce", "en"))
    'bought pasta sauce 14 times, last 70 days ago'
    """
    template = sentence.de if told.language == "de" else sentence.en
    values: dict[str, str | float] = {"action": inline(told.name, told.language)}
    for variable in _variables(template):
        name = feature if variable == "value" else variable
        value = float(told.columns[name][told.row])
        if math.isnan(value):
            instead = _NEVER.get(name)
            return None if instead is None else tell(instead, feature, told)
        values[variable] = value
    return _as_people_say(_filled(template, values, told.language), told.language)


def _filled(template: str, values: Mapping[str, str | float], language: Language) -> str:
    # The built-in is three times as fast, but leaves no way to write numbers otherwise.
    return (
        _GERMAN.vformat(template, (), values) if language == "de" else template.format_map(values)
    )


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


@lru_cache(maxsize=16)
def _groups(
    features: tuple[str, ...],
) -> tuple[tuple[Sentence, ...], Index, tuple[Index, ...]]:
    """Return the different sentences, which of them each feature has, and the features of each.

    What has no declaration, such as an action's attribute, has the place after the last.
    """
    known = [declared.BY_NAME.get(name) for name in features]
    sentences = tuple(dict.fromkeys(f.sentence for f in known if f is not None))
    place = {sentence: at for at, sentence in enumerate(sentences)}
    group_of = np.array(
        [len(sentences) if f is None else place[f.sentence] for f in known], dtype=np.int64
    )
    members_of = tuple(np.flatnonzero(group_of == group) for group in range(len(sentences)))
    return sentences, group_of, members_of


@lru_cache(maxsize=1024)
def _variables(template: str) -> tuple[str, ...]:
    """Return the features that a template names."""
    found = [name for _, name, _, _ in Formatter().parse(template) if name]
    return tuple(name for name in dict.fromkeys(found) if name != "action")


class _German(Formatter):
    """Numbers as German writes them: 1,5 and 14 %."""

    def format_field(self, value: Any, format_spec: str) -> str:
        text = str(super().format_field(value, format_spec))
        return text if isinstance(value, str) else text.replace(".", ",").replace("%", " %")


_GERMAN = _German()
