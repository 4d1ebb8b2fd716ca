"""Everything there is to say about an actions.yaml before it is used: faults, and what is odd."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from string import Formatter
from typing import Literal

from decisioning.action import Action
from decisioning.border import find_faults
from decisioning.catalog import Catalog
from decisioning.catalog_faults import places_of
from decisioning.fault import Fault, KeyPath, Told
from decisioning.request import Channel
from decisioning.treatments import BUTTONS, CHANNELS, Template, Wording, find_template, texts_of
from decisioning.value import FixedValue
from decisioning.yaml_source import read_source


@dataclass(frozen=True)
class Finding:
    """One row of the check.

    Attributes
    ----------
    level : with a fault the catalog is refused, with a warning it is used as it is.
    """

    level: Literal["fault", "warning"]
    fault: Fault

    def __str__(self) -> str:
        """Return the finding as one line."""
        return f"{self.fault} [{self.level}]"


def check_catalog(
    path: Path, now: datetime, categories: frozenset[str] | None = None
) -> tuple[Finding, ...]:
    """Return every fault of a catalog; where there is none, everything that is odd about it.

    Parameters
    ----------
    now : aware; what ended before is odd.
    categories : those of the transactions; None where there are no data to compare with.
    """
    catalog, faults = find_faults(path, Catalog)
    if catalog is None:
        return tuple(Finding("fault", fault) for fault in faults)
    source = read_source(path)
    odd = dict.fromkeys(source.fault(told) for told in _oddities(catalog, now, categories))
    ordered = sorted(odd, key=lambda fault: (fault.line, fault.column))
    return tuple(Finding("warning", fault) for fault in ordered)


def _oddities(catalog: Catalog, now: datetime, categories: frozenset[str] | None) -> Iterator[Told]:
    some_have_categories = any(action.category for action in catalog.actions)
    for at, action in enumerate(catalog.actions):
        path: KeyPath = ("actions", at)
        if action.valid_to is not None and action.valid_to <= now:
            yield Told((*path, "valid_to"), f"ended on {action.valid_to:%Y-%m-%d %H:%M}")
        yield from _worth(catalog, path, action)
        yield from _category(path, action, categories, some_have_categories)
        yield from _advice(catalog, at, action)
        yield from _one_sided(path, action.treatments)
    yield from _one_sided((), catalog.treatments)
    yield from _one_sided(("default_action",), catalog.default_action.treatments)
    yield from _labels(catalog)
    for number, placement in enumerate(catalog.placements):
        if not catalog.arrays.fits(placement.id).any():
            said = f"no action may fill the placement {placement.id!r}"
            yield Told(("placements", number, "id"), said)


def _worth(catalog: Catalog, path: KeyPath, action: Action) -> Iterator[Told]:
    value = action.value or catalog.value
    if isinstance(value, FixedValue) and value.amount == 0:
        place: KeyPath = (*path, "value", "amount") if action.value else ("value", "amount")
        yield Told(place, "what is worth nothing never goes before anything else (value 0)")


def _category(
    path: KeyPath, action: Action, categories: frozenset[str] | None, some_have_categories: bool
) -> Iterator[Told]:
    if action.category is None and action.propensity is None and some_have_categories:
        yield Told(path, "has no category and no propensity; no model learns from purchases for it")
    if action.category is not None and categories is not None and action.category not in categories:
        said = f"no transaction has the category {action.category!r}; it counts as never bought"
        yield Told((*path, "category"), said)


def _advice(catalog: Catalog, at: int, action: Action) -> Iterator[Told]:
    if "advisor" not in (action.channels or CHANNELS):
        return
    found = find_template("advisor", places_of(catalog, at, action))
    if found is None:
        yield Told(("actions", at), "has no text for an advisor, so it is not offered there")
        return
    place, template = found
    for language, wording in (("en", template.en), ("de", template.de)):
        if not wording.talking_points:
            yield Told((*place, language), "has no talking_points; an advisor gets only the text")


_LISTS = ("talking_points", "objections", "quick_replies")


def _one_sided(path: KeyPath, treatments: Mapping[Channel, Template]) -> Iterator[Told]:
    """Find variables and entries of lists that are there in one language only."""
    for channel, template in treatments.items():
        for name in _LISTS:
            english, german = len(getattr(template.en, name)), len(getattr(template.de, name))
            # None at all may be meant; an advisor's missing ones are told elsewhere.
            if english != german and english and german:
                said = f"has {english} {name} in 'en' and {german} in 'de'"
                yield Told((*path, "treatments", channel, "de", name), said)
        in_english, in_german = _named(template.en), _named(template.de)
        for language, missing in (("de", in_english - in_german), ("en", in_german - in_english)):
            for variable in sorted(missing):
                other = "en" if language == "de" else "de"
                said = f"names no {{{variable}}}, as the text in {other!r} does"
                yield Told((*path, "treatments", channel, language), said)


def _named(wording: Wording) -> set[str]:
    """Return the variables that a wording names; the name counts as one however it is written."""
    texts = [text for _, text in texts_of(wording)]
    found = {
        variable for text in texts for _, variable, _, _ in Formatter().parse(text) if variable
    }
    return {"name" if variable == "inline_name" else variable for variable in found}


def _labels(catalog: Catalog) -> Iterator[Told]:
    """Find buttons whose label is written in one language only."""
    english, german = catalog.labels.en, catalog.labels.de
    for key in BUTTONS:
        given = {"en": getattr(english, key), "de": getattr(german, key)}
        for language, other in (("en", "de"), ("de", "en")):
            if given[other] and not given[language]:
                said = f"{key!r} is written in {other!r} only; the built-in one is used here"
                yield Told(("labels", language), said)
