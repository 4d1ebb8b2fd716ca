"""Why the first action of a customer is another one, in words short enough for a table."""

from __future__ import annotations

import numpy as np

from decisioning.arbitration import Factors
from decisioning.simulation.answered import Answered, Index

_FACTORS = {
    "propensity": "propensity",
    "context_weight": "context weight",
    "value": "value",
    "lever": "lever",
}


class Because:
    """Compares what two configurations say about the two first actions of a customer."""

    def __init__(self, before: Answered, after: Answered) -> None:
        self._before, self._after = before, after
        self._places = (_Places(before), _Places(after))

    def of(self, row: int, old: str, new: str) -> str:
        """Return what the former first action fails at now, or else why the new one comes first."""
        fails = _fails_at(self._after, row, old)
        if fails:
            return f"{old}: {fails}"
        failed = _fails_at(self._before, row, new)
        if failed:
            return f"{new} was not possible: {failed}"
        told = [
            *self._mandatory(old, new),
            *self._moved(row, new, "raised"),
            *self._moved(row, old, "lowered"),
        ]
        if told:
            return ", ".join(told)
        if new == self._after.catalog.default_action.id:
            return f"{old}: kept out by a limit of the answer"
        return "ranked by other factors"

    def _mandatory(self, old: str, new: str) -> list[str]:
        before, after = _mandatory_in(self._before), _mandatory_in(self._after)
        told = [f"{new} now mandatory"] if new in after - before else []
        return told + ([f"{old} no longer mandatory"] if old in before - after else [])

    def _moved(self, row: int, action_id: str, way: str) -> list[str]:
        """Return which factors of an action were raised, or lowered, for a customer."""
        before, after = (places.factors(row, action_id) for places in self._places)
        if before is None or after is None:
            return []
        told = []
        for factor in Factors._fields:
            was, now = (float(getattr(one, factor)[0]) for one in (before, after))
            if now > was if way == "raised" else now < was:
                told.append(f"{_FACTORS[factor]} of {action_id} {way}")
        return told


class _Places:
    """Finds the entry of a customer and an action."""

    def __init__(self, answered: Answered) -> None:
        self._answered = answered
        self._actions = len(answered.catalog.action_ids)
        entries = answered.entries
        key = entries.customer * self._actions + entries.action
        self._order: Index = np.argsort(key)
        self._key = key[self._order]

    def factors(self, row: int, action_id: str) -> Factors | None:
        """Return the factors, each of shape (1,); None where the action was not left."""
        place = self._answered.catalog.position.get(action_id)
        if place is None:
            return None
        wanted = row * self._actions + place
        at = int(np.searchsorted(self._key, wanted))
        if at == len(self._key) or self._key[at] != wanted:
            return None
        return self._answered.entries.factors.of(self._order[at : at + 1])


def _fails_at(answered: Answered, row: int, action_id: str) -> str:
    """Return where an action was turned down; "" where it was not."""
    if action_id == answered.catalog.default_action.id:
        return ""
    place = answered.catalog.position.get(action_id)
    if place is None:
        return "not in the catalog"
    verdict = answered.verdicts[int(answered.verdict[row, place])]
    return "" if verdict is None else " / ".join(part for part in verdict if part)


def _mandatory_in(answered: Answered) -> set[str]:
    return {action.id for action in answered.catalog.ordered if action.mandatory}
