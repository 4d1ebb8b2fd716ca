"""The sentences that features declare, filled with a customer's numbers as people say them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from string import Formatter
from typing import NamedTuple

from decisioning.request import Language
from decisioning.treatments import inline
from features.spec import Sentence

_NEVER = {
    "days_since_category": Sentence("never bought {action}", "{action} noch nie gekauft"),
    "days_since_purchase": Sentence("no purchase yet", "noch kein Einkauf"),
    "days_since_contact": Sentence("no contact yet", "noch kein Kontakt"),
}
"""What is said instead of a sentence that needs a value which is missing."""

_ALONE = r"(?<![\d.,])"
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

_PLAIN = re.compile(r"\.\d+f")
_NAME = "\x00"
"""Stands for the action's name until the words around it are right: it may hold numbers too."""

_FEW = 1.5
"""What is less is written as 1 or 0."""


class Told(NamedTuple):
    """Who the sentences about one candidate are about, and how they are told.

    Attributes
    ----------
    numbers : features of the candidate's row by name; NaN for missing.
    name : the action's name in `language`.
    """

    numbers: Mapping[str, float]
    name: str
    language: Language


class Phrase(NamedTuple):
    """A sentence of one feature in one language, prepared: `words` has a `%` for each gap."""

    words: str
    gaps: tuple[_Gap, ...]


class _Gap(NamedTuple):
    """What stands in a gap.

    Attributes
    ----------
    column : the feature whose number it is; "" for the action's name.
    write : who writes the number where `%` cannot.
    counts : whether it is written without decimals, so that 0 and 1 are said in another way.
    instead : what is said where the number is missing.
    """

    column: str
    write: Callable[[float], str] | None = None
    counts: bool = False
    instead: Phrase | None = None


def tell(sentence: Sentence, feature: str, told: Told) -> str | None:
    """Return a sentence about a candidate; None where it needs a value that is missing.

    >>> from features import declared
    >>> row = {"category_trips_all": 14.0, "days_since_category": 70.0}
    >>> bought = declared.feature("days_since_category").sentence
    >>> tell(bought, "days_since_category", Told(row, "Pasta sauce", "en"))
    'bought pasta sauce 14 times, last 70 days ago'
    """
    return say(phrase(sentence, feature, told.language), told)


def say(prepared: Phrase, told: Told) -> str | None:
    """Return a phrase about a candidate; None where it needs a value that is missing."""
    numbers, name, language = told
    said: list[str | float] = []
    few = False
    for column, write, counts, instead in prepared.gaps:
        if not column:
            said.append(_NAME)
            continue
        value = numbers[column]
        if value != value:
            return None if instead is None else say(instead, told)
        few = few or (counts and value < _FEW)
        said.append(value if write is None else write(value))
    text = prepared.words % tuple(said)
    if few:
        text = _as_people_say(text, language)
    return text.replace(_NAME, inline(name, language))


@cache
def phrase(sentence: Sentence, feature: str, language: Language) -> Phrase:
    """Return the sentence of a feature prepared, so that one call of `%` fills it.

    >>> prepared = phrase(Sentence("{action} in {value:.0f} of 100%", ""), "trips", "en")
    >>> prepared.words, [gap.column for gap in prepared.gaps]
    ('%s in %.0f of 100%%', ['', 'trips'])
    """
    template = sentence.de if language == "de" else sentence.en
    words, gaps = [], []
    for text, named, how, _ in Formatter().parse(template):
        words.append(text.replace("%", "%%"))
        if named is None:
            continue
        if named == "action":
            words.append("%s")
            gaps.append(_Gap(""))
            continue
        column, spec = feature if named == "value" else named, how or ""
        never = _NEVER.get(column)
        # Plain decimals are written by `%` as by `format`, and only they depend on the language.
        by_percent = spec == ".0f" or (language == "en" and _PLAIN.fullmatch(spec) is not None)
        words.append(f"%{spec}" if by_percent else "%s")
        gaps.append(
            _Gap(
                column,
                write=None if by_percent else _writer(spec, language),
                counts=spec.endswith(".0f"),
                instead=None if never is None else phrase(never, feature, language),
            )
        )
    return Phrase("".join(words), tuple(gaps))


def _writer(how: str, language: Language) -> Callable[[float], str]:
    """Return what writes a number as a language does.

    >>> _writer(".1%", "en")(0.5), _writer(".1%", "de")(0.5)
    ('50.0%', '50,0 %')
    """
    write = f"{{:{how}}}".format
    if language == "en":
        return write
    return lambda value: write(value).replace(".", ",").replace("%", " %")


@lru_cache(maxsize=4096)
def _as_people_say(text: str, language: Language) -> str:
    """Return a text without plurals after 0 and 1.

    >>> _as_people_say("bought eggs 1 times, last 1 days ago", "en")
    'bought eggs once, last yesterday'
    >>> _as_people_say("Eier: 1-mal gekauft, zuletzt vor 0 Tagen", "de")
    'Eier: einmal gekauft, zuletzt heute'
    """
    for pattern, words in _WORDING[language]:
        text = pattern.sub(words, text)
    return text
