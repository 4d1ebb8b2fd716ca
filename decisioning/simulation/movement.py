"""Who would get another first action, from which to which, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import numpy as np

from decisioning.simulation.answered import Answered, Index
from decisioning.simulation.audience import Audience
from decisioning.simulation.because import Because
from decisioning.simulation.report import Example, Flow, Movement
from decisioning.simulation.sides import estimate

MOST_FLOWS, MOST_EXAMPLES = 200, 20


def movement_of(audience: Audience, before: Answered, after: Answered) -> Movement:
    """Return what changes at the first place."""
    changed = changed_customers(before, after)
    old, new = before.first_ids, after.first_ids
    why = Because(before, after)
    because = {row: why.of(row, old[row], new[row]) for row in changed.tolist()}
    counts = Counter((old[row], new[row]) for row in because)
    flows = sorted(counts.items(), key=lambda flow: (-flow[1], flow[0]))
    return Movement(
        customers=len(changed),
        share=len(changed) / before.customers,
        worth=estimate(after.worth - before.worth),
        flows=tuple(
            Flow(
                *pair,
                customers=count,
                share=count / before.customers,
                because=_mostly(because[row] for row in because if (old[row], new[row]) == pair),
            )
            for pair, count in flows[:MOST_FLOWS]
        ),
        flows_in_all=len(flows),
        examples=tuple(
            Example(
                customer_id=audience.customer_ids[row],
                before=old[row],
                after=new[row],
                worth_before=float(before.worth[row]),
                worth_after=float(after.worth[row]),
                because=because[row],
            )
            for row in _spread(flows, old, new, changed)
        ),
    )


def changed_customers(before: Answered, after: Answered) -> Index:
    """Return the customers whose first action is another one, as positions."""
    pairs = zip(before.first_ids, after.first_ids, strict=True)
    return np.flatnonzero([old != new for old, new in pairs])


def _mostly(reasons: Iterable[str]) -> str:
    counted = Counter(reasons)
    most, count = counted.most_common(1)[0]
    return most if len(counted) == 1 else f"{most} ({count} of {counted.total()})"


def _spread(
    flows: list[tuple[tuple[str, str], int]], old: list[str], new: list[str], changed: Index
) -> list[int]:
    """Return customers to show, in turn from every flow, the largest first."""
    waiting: dict[tuple[str, str], list[int]] = {pair: [] for pair, _ in flows}
    for row in changed.tolist():
        waiting[old[row], new[row]].append(row)
    chosen: list[int] = []
    while len(chosen) < min(MOST_EXAMPLES, len(changed)):
        for rows in waiting.values():
            if rows and len(chosen) < MOST_EXAMPLES:
                chosen.append(rows.pop(0))
    return chosen
