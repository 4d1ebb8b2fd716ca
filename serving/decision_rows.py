"""How a decision is written into the ledger: its row, and the places that it takes."""

from __future__ import annotations

from decisioning.catalog import Catalog
from decisioning.decision import Decision
from decisioning.ledger.rows import DecisionRow, ReturnedAction, Slot
from decisioning.record import Shared, layout_content, payload_of, vectors_of
from decisioning.request import DecisionRequest
from decisioning.reservation import capped, lapses_at
from decisioning.world import World
from serving.engine import Answer, Engine
from serving.state import Snapshot


def row_of(
    answer: Answer, engine: Engine, request_id: str | None, digest: str, body: bytes
) -> DecisionRow:
    """Return a decision as the ledger keeps it.

    Parameters
    ----------
    request_id, digest : the caller's id of the question and the question's digest.
    body : the answer as it leaves; kept where it may have to be repeated.
    """
    request, decision, state = answer.request, answer.decision, answer.state
    catalog, at = answer.world.catalog, decision.decided_at.timestamp()
    shared = Shared(
        configuration=state.configuration.digest,
        layout=state.layout.digest,
        profile_layout=layout_of(answer).digest,
        popularity=state.popular.digest,
        time_zone=engine.calendar.zone,
        without_model=answer.without_model,
    )
    return DecisionRow(
        decision_id=decision.decision_id,
        decided_at=at,
        day=engine.day_of(at),
        customer_id=request.customer_id,
        channel=request.channel,
        mode="deferred" if request.mode == "deferred" else "live",
        request_id=request_id,
        request_digest=digest or None,
        payload=payload_of(request, decision, answer.history, shared),
        vectors=vectors_of(answer.profiles),
        answer=body if request_id else None,
        needs=answer.world.needs,
        actions=tuple(
            ReturnedAction(one.action_id, one.group, one.issue, _window(catalog, one.action_id))
            for one in decision.results
        ),
    )


def slots_at(
    decision: Decision, request: DecisionRequest, world: World, now: float, engine: Engine
) -> tuple[Slot, ...]:
    """Return the places that a decision takes at `now`, each until it lapses."""
    return tuple(
        Slot(
            action_id=one.action_id,
            group=one.group,
            issue=one.issue,
            channel=request.channel,
            placement=one.placement or "",
            expires_at=lapses_at(one, world, now),
            day=engine.day_of(now),
        )
        for one in capped(decision)
    )


def _window(catalog: Catalog, action_id: str) -> float:
    """Return the response window of an action in days; a century for the default action."""
    place = catalog.position.get(action_id)
    return 36_500.0 if place is None else float(catalog.arrays.window_days[place])


def layout_of(answer: Answer) -> Snapshot:
    """Return the layout that the profile was stored in."""
    if answer.profiles.layout.hash == answer.world.layout.hash:
        return answer.state.layout
    return Snapshot.of("layout", layout_content(answer.profiles.layout))
