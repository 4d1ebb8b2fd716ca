"""What would have made another action come first: how far it was away, or what turned it down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from decisioning.decision import Decision, RankedAction, Removed
from decisioning.reasons import words_for
from decisioning.world import World

About = Literal["second", "first_removed"]


@dataclass(frozen=True)
class Change:
    """What would change the answer for one action.

    Attributes
    ----------
    about : `second`, the action behind the first; `first_removed`, the first of the candidates that
        the funnel turned down.
    needed : by factor, the value with which, all else equal, it would have drawn level with the
        first; only what can be reached, so no propensity above 1.
    words : the same in English and German.
    """

    action_id: str
    about: About
    needed: Mapping[str, float]
    words: Mapping[str, str]


def what_would_change(decision: Decision, wider: Decision, world: World) -> tuple[Change, ...]:
    """Return what would change a decision.

    Parameters
    ----------
    wider : the same decision with room for more results, so that the second is known even where
        only one was returned.
    """
    changes = []
    if len(wider.results) > 1:
        changes.append(_level(wider.results[0], wider.results[1], "second", world))
    if decision.removed:
        changes.append(_first_removed(decision.removed[0], decision, wider, world))
    return tuple(changes)


def _level(first: RankedAction, other: RankedAction, about: About, world: World) -> Change:
    """Say by how much a factor of `other` would have to be larger to draw level with `first`."""
    (first_en, first_de), (en, de) = _names(first, world), _names(other, world)
    if first.mandatory and not other.mandatory:
        words = {
            "en": f"{first_en} is mandatory, so nothing that is not can come before it.",
            "de": f"{first_de} ist Pflicht; nichts, das keine ist, kommt davor.",
        }
        return Change(other.action_id, about, {}, words)
    if other.priority > first.priority:
        words = {
            "en": f"{en} has the higher priority; it is not first in order to learn.",
            "de": f"{de} hat die höhere Priorität; zum Lernen kam anderes zuerst.",
        }
        return Change(other.action_id, about, {}, words)
    if other.priority <= 0:
        words = {
            "en": f"{en} has no priority at all: one of its factors is 0.",
            "de": f"{de} hat gar keine Priorität: einer der Faktoren ist 0.",
        }
        return Change(other.action_id, about, {}, words)
    ratio = first.priority / other.priority
    switches = world.arbitration.switches
    needed: dict[str, float] = {}
    for factor in ("propensity", "value", "context_weight", "lever"):
        own = getattr(other, factor)
        reachable = own is not None and (factor != "propensity" or own * ratio <= 1.0)
        if getattr(switches, factor) and reachable:
            needed[factor] = own * ratio
    words = {
        "en": f"{en} would draw level with {first_en} if {_told(needed, other, 'en')}.",
        "de": f"{de} käme auf gleiche Höhe mit {first_de}, wenn {_told(needed, other, 'de')}.",
    }
    return Change(other.action_id, about, needed, words)


def _names(action: RankedAction, world: World) -> tuple[str, str]:
    """Return the name of an action in English and German."""
    name = world.catalog.ordered[world.catalog.position[action.action_id]].name
    return name.en, name.de


_FACTORS = {
    "propensity": (
        "its propensity were {:.1%} instead of {:.1%}",
        "die Neigung {:.1%} statt {:.1%}",
    ),
    "value": ("its value were {:.2f} instead of {:.2f}", "der Wert {:.2f} statt {:.2f}"),
    "context_weight": (
        "its context weight were {:.2f} instead of {:.2f}",
        "das Kontextgewicht {:.2f} statt {:.2f}",
    ),
    "lever": ("its lever were {:.2f} instead of {:.2f}", "der Hebel {:.2f} statt {:.2f}"),
}


def _told(needed: Mapping[str, float], other: RankedAction, language: str) -> str:
    german = language == "de"
    parts = [
        _FACTORS[factor][german].format(level, getattr(other, factor))
        for factor, level in needed.items()
    ]
    if not parts:
        return "anderes gezählt würde" if german else "other factors counted"
    if not german:
        return " or ".join(parts)
    return " oder ".join(parts).replace(".", ",").replace("%", " %") + " wäre"


def _first_removed(removed: Removed, decision: Decision, wider: Decision, world: World) -> Change:
    ranked = {one.action_id: one for one in wider.results}
    if removed.action_id in ranked and removed.stage == "arbitration":
        first = decision.results[0]
        return _level(first, ranked[removed.action_id], "first_removed", world)
    words = dict(words_for(removed, world))
    if removed.until is not None:
        words["en"] += f"; possible again from {removed.until:%Y-%m-%d %H:%M} UTC"
        words["de"] += f"; wieder möglich ab {removed.until:%d.%m.%Y %H:%M} UTC"
    policies = {one.id: one.when for one in world.configuration.policies.policies}
    when = policies.get(removed.policy_id) if removed.tier else None
    if when:
        words["en"] += f"; it would be considered where this holds: {when}"
        words["de"] += f"; käme infrage, wo gilt: {when}"
    return Change(removed.action_id, "first_removed", {}, words)
