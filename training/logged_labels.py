"""What came of one shown action of a logged decision: the label of its row.

The response window begins with the first presentation and lasts `response_window_days`, its last
moment included. Within it the largest weight of the outcomes counts, a no weighs nothing, and
without an answer only the end of the window makes a no. Outcomes after it are late, whatever they
say.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, get_args

from decisioning.action import Outcome, OutcomeModel
from decisioning.ledger.rows import StoredOutcome

State = Literal["positive", "explicit_negative", "implicit_negative", "late_only", "open"]
STATES: tuple[State, ...] = get_args(State)
"""What a row can be. late_only: a no, and answered after the window; open: not known yet."""

Said = Literal["positive", "negative", "neutral", "late"]
SAID: tuple[Said, ...] = get_args(Said)
"""What an outcome of a shown action says of it."""

PRESENTED = "presented"
OUTCOMES = frozenset((PRESENTED, *get_args(Outcome)))
UNDONE = "undone"
"""The flag of an outcome that was taken back; it counts as if it had not been reported."""
_DAY_SECONDS = 86_400.0


class Label(NamedTuple):
    """What is known of one shown (decision, action).

    Attributes
    ----------
    shown_at, closes_at : when it was first presented, and the last moment of its window; seconds
        since 1970, UTC.
    grade : in [0, 1]; NaN while it is open.
    settled : whether the window is over, so that the label can only change by late reports.
    revenue : the value of its positive outcomes.
    said : what each of its outcomes says, in their order; presentations are not among them.
    told_later : outcomes of the window that were only reported after it.
    """

    state: State
    shown_at: float
    closes_at: float
    grade: float
    settled: bool
    revenue: float
    said: tuple[Said, ...]
    told_later: int


def label_of(
    outcomes: Sequence[StoredOutcome], model: OutcomeModel, window_days: float, now: float
) -> Label | None:
    """Return the label of an action; None when it was not shown.

    Parameters
    ----------
    outcomes : of this action of this decision, without those that were undone.
    now : seconds since 1970, UTC.
    """
    shown_at = min((one.occurred_at for one in outcomes if one.outcome == PRESENTED), default=None)
    if shown_at is None:
        return None
    closes_at = shown_at + window_days * _DAY_SECONDS
    answers = [one for one in outcomes if one.outcome != PRESENTED]
    said = tuple(_said(one, model, closes_at) for one in answers)
    weights = _weights(model)
    inside = [one for one, word in zip(answers, said, strict=True) if word == "positive"]
    grade = max((weights[one.outcome] for one in inside), default=0.0)
    settled = now > closes_at
    late = any(
        one.outcome in weights or one.outcome in model.negative
        for one, word in zip(answers, said, strict=True)
        if word == "late"
    )
    state = _state(said, settled, late)
    return Label(
        state=state,
        shown_at=shown_at,
        closes_at=closes_at,
        grade=float("nan") if state == "open" else grade,
        settled=settled,
        revenue=sum(one.value or 0.0 for one in inside),
        said=said,
        told_later=sum(one.received_at > closes_at >= one.occurred_at for one in answers),
    )


def _said(outcome: StoredOutcome, model: OutcomeModel, closes_at: float) -> Said:
    if outcome.occurred_at > closes_at:
        return "late"
    if outcome.outcome in _weights(model):
        return "positive"
    return "negative" if outcome.outcome in model.negative else "neutral"


def _state(said: Sequence[Said], settled: bool, late: bool) -> State:
    if "positive" in said:
        return "positive"
    if "negative" in said:
        return "explicit_negative"
    if not settled:
        return "open"
    return "late_only" if late else "implicit_negative"


def _weights(model: OutcomeModel) -> dict[str, float]:
    return {str(name): weight for name, weight in model.positive.items()}
