"""One policy of a tier: an expression that lets candidates through."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from decisioning.border import Code
from decisioning.catalog import Catalog
from decisioning.expressions import Condition, Vocabulary, compile_condition
from decisioning.fault import Told
from decisioning.policies.concerns import EVERYTHING, Concerns, Entry
from decisioning.rules import Tier
from features.errors import PolicyError

TIERS: tuple[Tier, ...] = ("eligibility", "applicability", "suitability")
"""The tiers in the order in which they are asked."""


class Policy(Entry):
    """One rule about who may get what, asked at every decision."""

    tier: Tier
    """eligibility: may the customer have it; applicability: is it of use now; suitability: is it in
    the customer's interest."""
    scope: Literal["customer", "action"] = "customer"
    """customer: the same for every action it concerns, asked once; action: asked for each."""
    when: Annotated[str, Field(min_length=1)]
    """The expression (CEL) that lets a candidate through; anything but true turns it down."""
    reason: Code
    """The reason code of what it turns down."""
    concerns: Concerns = EVERYTHING
    """Which actions it is about; all when left out."""

    def compiled(self, vocabulary: Vocabulary, place: str) -> Condition:
        """Return the expression ready for decisions.

        Raises
        ------
        PolicyError : it cannot be used, or asks for the action and is the same for all.
        """
        condition = compile_condition(self.when, vocabulary, place)
        if condition.of_action and self.scope == "customer":
            asked = next(name for name in sorted(condition.names) if "action." in name)
            said = f"asks for {asked!r}, so it needs `scope: action` (value {self.when!r})"
            raise PolicyError(f"{place}: {said}" if place else said)
        return condition


def condition_faults(policies: Sequence[Policy], catalog: Catalog) -> list[Told]:
    """Find expressions that cannot be used with a catalog, those of disabled policies too."""
    vocabulary = Vocabulary.of(catalog.ordered)
    faults = []
    for at, policy in enumerate(policies):
        try:
            policy.compiled(vocabulary, "")
        except PolicyError as error:
            faults.append(Told(("policies", at, "when"), str(error)))
    return faults
