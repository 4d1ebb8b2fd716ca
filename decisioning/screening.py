"""What may be offered to this customer: control groups, consent, policies, contact limits."""

from __future__ import annotations

from operator import itemgetter
from typing import NamedTuple

from decisioning.funnel import Funnel, Verdicts
from decisioning.line_up import LineUp
from decisioning.moment import Moment
from decisioning.policies.contact import Limit
from decisioning.request import ContextEntry, DecisionRequest
from decisioning.world import World
from features.row_columns import RowColumns


class Screened(NamedTuple):
    """What ranking needs of the screening.

    Attributes
    ----------
    columns : features of the funnel's rows by name.
    contexts : the request's context facts and those that the customer's journey adds.
    capped : shape (rows,), whether returning a row takes a place that a limit counts.
    limits : what is left of each limit that rows share.
    """

    columns: RowColumns
    contexts: tuple[ContextEntry, ...]
    capped: Verdicts
    limits: tuple[Limit, ...]
    control_group: str | None
    consent_assumed: bool


def screen(
    line_up: LineUp, funnel: Funnel, request: DecisionRequest, moment: Moment, world: World
) -> Screened:
    """Turn down what may not be offered, stage by stage.

    Raises
    ------
    LeakError : the profile knows something from at or after the decision.
    """
    columns = world.builder.columns(moment.candidates(funnel.action), line_up.placed)
    control_group = _control(funnel, request, moment, world)
    stopped, assumed = world.consent.stopped(
        moment.history, request, line_up.purposes, moment.now.timestamp()
    )
    for reason, rows in sorted(stopped, key=itemgetter(0)):
        funnel.turn_down(rows, "consent", "consent", reason)
    # The conditions of the catalog, which training knows as well.
    funnel.turn_down_first(line_up.rules.failed(columns), line_up.refusals)
    _policies(funnel, request, moment, world, columns)
    judged = world.contact.judge(moment.history, request, funnel.action, moment.now)
    down = () if judged.nobody else ((judged.failed >= 0) & funnel.alive).nonzero()[0].tolist()
    for row in down:
        policy = world.contact.policies[judged.failed[row]]
        until = float(judged.until[row])
        funnel.turn_down_one(row, "contact", policy.id, policy.reason, until=until)
    zone = moment.history.time_zone if moment.history else None
    derived = world.derived_contexts.of(request, columns, moment.now, zone, len(funnel.action))
    return Screened(
        columns=columns,
        contexts=(*request.contexts, *derived),
        capped=judged.capped,
        limits=judged.limits,
        control_group=control_group,
        consent_assumed=assumed,
    )


def _control(funnel: Funnel, request: DecisionRequest, moment: Moment, world: World) -> str | None:
    if not world.configuration.arbitration.control_groups:
        return None
    book = world.arbitration
    groups = book.control_groups_of(request.customer_id, moment.now)
    for group in groups:
        mine = book.withheld_by(group)[funnel.action]
        funnel.turn_down(mine, "control", group.id, "control_group")
    return groups[0].id if groups else None


def _policies(
    funnel: Funnel, request: DecisionRequest, moment: Moment, world: World, columns: RowColumns
) -> None:
    judged = world.policies.judge(
        request, columns, funnel.action, funnel.alive, moment.now, moment.history
    )
    if judged is not None:
        funnel.turn_down_each(judged.grounds, world.policies.grounds)
