"""A decision of the ledger, as it is shown: what was asked, answered, removed, and came of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from decisioning.contributions import Contributions
from decisioning.decision import RankedAction, Removed
from decisioning.ledger.rows import DecisionRow, StoredOutcome
from decisioning.record import Record
from decisioning.replay import Again
from decisioning.what_if import Change
from decisioning.world import World
from serving.answers import factors_of, removed_of


def record_view(
    row: DecisionRow, record: Record, outcomes: Sequence[StoredOutcome]
) -> dict[str, Any]:
    """Return the members of a `DecisionAnswer`."""
    return {
        "decision_id": row.decision_id,
        "decided_at": record.now,
        "state": row.state,
        "customer_id": row.customer_id,
        "request": {**vars(record.request), "contexts": [vars(c) for c in record.request.contexts]},
        "results": list(record.results),
        "removed": [_removed(one) for one in record.removed],
        "candidates": record.candidates,
        "degraded": record.degraded,
        "control_group": record.control_group,
        "consent": "assumed: demo" if record.consent_assumed else None,
        "versions": record.versions,
        "outcomes": [_outcome(one) for one in outcomes],
    }


def erased_view(row: DecisionRow, outcomes: Sequence[StoredOutcome]) -> dict[str, Any]:
    """Return what is left of a decision whose content was erased."""
    return {
        "decision_id": row.decision_id,
        "decided_at": datetime.fromtimestamp(row.decided_at, UTC),
        "state": row.state,
        "outcomes": [_outcome(one) for one in outcomes],
    }


def explanation_view(
    again: Again, changes: Sequence[Change], contributions: Mapping[str, Contributions]
) -> dict[str, Any]:
    """Return the members of an `ExplanationAnswer`."""
    decision, world = again.decision, again.world
    return {
        "decision_id": decision.decision_id,
        "decided_at": decision.decided_at,
        "reproduced": not again.differences,
        "differences": again.differences,
        "versions": vars(decision.versions),
        "results": [_explained(one, contributions.get(one.action_id)) for one in decision.results],
        "removed": [removed_of(one, world) for one in decision.removed],
        "funnel": [one._asdict() for one in decision.funnel],
        "what_would_change": [
            {
                "action_id": change.action_id,
                "about": change.about,
                "needed": dict(change.needed),
                "words": dict(change.words),
            }
            for change in changes
        ],
        "counted_factors": _counted(world),
    }


def _explained(action: RankedAction, taken_apart: Contributions | None) -> dict[str, Any]:
    told: dict[str, Any] = {
        "rank": action.rank,
        "action_id": action.action_id,
        "name": action.name,
        "placement": action.placement,
        **factors_of(action),
        "contributions": None if taken_apart is None else _apart(taken_apart),
        "reasons": [
            {"text": one.text, "features": one.features, "contribution": one.contribution}
            for one in action.reasons
        ],
    }
    if action.explored:
        told["note"] = {
            "en": "It was returned in order to learn how customers answer to it.",
            "de": "Sie wurde gezeigt, um zu lernen, wie darauf geantwortet wird.",
        }
    return told


def _apart(contributions: Contributions) -> dict[str, Any]:
    """Return the contributions, the weightiest first; inputs that add nothing are left out."""
    weighty = sorted(contributions.added.items(), key=lambda one: -abs(one[1]))
    return {
        "raw_score": contributions.raw_score,
        "bias": contributions.bias,
        "features": [
            {"feature": name, "value": _finite(contributions.inputs[name]), "contribution": added}
            for name, added in weighty
            if added != 0.0
        ],
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _counted(world: World) -> list[str]:
    return [name for name, counts in world.arbitration.switches._asdict().items() if counts]


def _removed(told: tuple[Any, ...]) -> dict[str, Any]:
    return dict(zip(Removed._fields, told, strict=True))


def _outcome(outcome: StoredOutcome) -> dict[str, Any]:
    return {
        "event_id": outcome.event_id,
        "action_id": outcome.action_id,
        "outcome": outcome.outcome,
        "occurred_at": datetime.fromtimestamp(outcome.occurred_at, UTC),
        "value": outcome.value,
        "on_behalf_of": outcome.on_behalf_of,
        "flags": outcome.flags,
    }
