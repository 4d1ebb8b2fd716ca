"""How often each action comes first, as decided and under simpler formulas of the same factors."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from decisioning.arbitration import Switches, priorities
from decisioning.simulation.answered import NO_ACTION, Answered, Array, Index

AS_DECIDED = "as decided"
FORMULAS: Mapping[str, Switches] = MappingProxyType(
    {
        "P": Switches(context_weight=False, value=False, lever=False),
        "P x V": Switches(context_weight=False, lever=False),
        "P x C x V x L": Switches(),
    }
)
"""Which factors count: P propensity, V value, C context weight, L lever."""


def win_shares(answered: Answered) -> dict[str, Array]:
    """Return by formula the share of customers for whom each action is first, shape (actions,)."""
    firsts = {AS_DECIDED: answered.first}
    firsts |= {name: first_under(answered, switches) for name, switches in FORMULAS.items()}
    actions = len(answered.catalog.action_ids)
    return {
        name: np.bincount(first[first != NO_ACTION], minlength=actions) / answered.customers
        for name, first in firsts.items()
    }


def first_under(answered: Answered, switches: Switches) -> Index:
    """Return the first of what was left where only some factors count, shape (customers,).

    In the order of arbitration: mandatory ones, then by priority, propensity and id. Who is shown
    nothing stays without an action.
    """
    entries, mandatory = answered.entries, answered.catalog.arrays.mandatory
    factors = entries.factors
    # Positions are in the order of the ids, so they settle a tie as ids do.
    order = np.lexsort(
        (
            entries.action,
            -factors.propensity,
            -priorities(factors, switches),
            ~mandatory[entries.action],
            entries.customer,
        )
    )
    owners, starts = np.unique(entries.customer[order], return_index=True)
    first = np.full(answered.customers, NO_ACTION, dtype=np.int64)
    first[owners] = entries.action[order[starts]]
    first[answered.first == NO_ACTION] = NO_ACTION
    return first
