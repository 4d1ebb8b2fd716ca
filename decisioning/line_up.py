"""The actions that a kind of request can be answered with, and what is known of them beforehand.

One question is asked of customer after customer. What an answer owes to the question alone, and not
to the customer or the minute, is worked out once for each kind of request and kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from decisioning.candidates import Kind, open_candidates
from decisioning.catalog import Catalog
from decisioning.decision import Removed
from decisioning.funnel import Funnel, Index, Verdicts
from decisioning.policies.consent import ConsentBook, PurposeRows
from decisioning.request import DecisionRequest
from decisioning.rules import RulesOfRows
from decisioning.value import ValuesOfRows
from features.matrix import MatrixBuilder
from features.row_table import PlacedRows

_KEPT = 64
"""How many kinds of request are kept; a list of candidates makes one of its own."""


@dataclass(frozen=True)
class LineUp:
    """What every decision about a kind of request begins with; nobody changes it.

    Attributes
    ----------
    action : shape (rows,), positions in the catalog of the actions that may be considered.
    removed : the others, in the order in which they went.
    placed : where the numbers of the rows stand.
    rules : the conditions of the catalog that concern the rows.
    refusals : by condition, what is said of each action of the catalog that it turns down.
    purposes : what the rows are for.
    values : what the rows are worth.
    """

    action: Index
    removed: tuple[Removed, ...]
    placed: PlacedRows
    rules: RulesOfRows
    refusals: tuple[tuple[Removed, ...], ...]
    purposes: PurposeRows
    values: ValuesOfRows


class LineUps:
    """The line-ups of one catalog, each made when it is first asked for.

    Parameters
    ----------
    built : shape (actions,), which actions profiles have features for.
    """

    def __init__(
        self, catalog: Catalog, built: Verdicts, builder: MatrixBuilder, consent: ConsentBook
    ) -> None:
        self._catalog, self._gone = catalog, catalog.gone
        self._built = built
        self._builder = builder
        self._consent = consent
        self._of = lru_cache(maxsize=_KEPT)(self._made)

    def of(self, request: DecisionRequest, now: datetime) -> LineUp:
        """Return the line-up of a request at an aware time."""
        kind = Kind(
            request.candidates,
            request.excluded,
            request.placements,
            request.channel,
            request.language,
            request.context,
        )
        return self._of(kind, self._catalog.arrays.in_force_since(now.timestamp()))

    def begin(self, line_up: LineUp) -> Funnel:
        """Return the funnel of one decision."""
        return Funnel(self._gone, line_up.action, [*line_up.removed])

    def _made(self, kind: Kind, since: float) -> LineUp:
        funnel = open_candidates(kind, self._catalog, self._built, since)
        action = funnel.action[funnel.rows]
        action.flags.writeable = False
        rules = self._catalog.rule_book.of(action)
        return LineUp(
            action=action,
            removed=tuple(funnel.removed),
            placed=self._builder.plan.of(action),
            rules=rules,
            refusals=tuple(self._gone.of(*one) for one in rules.grounds),
            purposes=self._consent.purposes_of(action),
            values=self._catalog.values.of(action),
        )
