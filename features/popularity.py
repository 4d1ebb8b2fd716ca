"""How an action does with everybody: the features of an action as of a business day.

They are computed from events strictly before the midnight that begins the day of `as_of`, once per
day for all decisions of that day.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.history import share, total
from features.spec import Block, declare_in

NAN = float("nan")

_feature = declare_in(Block.POPULARITY)

STORED = (
    _feature("action_penetration_28d", "share", "Share of 28-day buyers who bought the category.",
             "{value:.0%} of customers buy {action} in 28 days",
             "{value:.0%} der Kunden kaufen {action} in 28 Tagen", NAN),
    _feature("action_penetration_91d", "share", "Share of 91-day buyers who bought the category.",
             "{value:.0%} of customers buy {action} in 91 days",
             "{value:.0%} der Kunden kaufen {action} in 91 Tagen", NAN),
    _feature("action_trips_per_buyer_91d", "trips", "Purchases per buyer of the category, 91 days.",
             "buyers take {action} {value:.1f} times in 91 days",
             "Käufer nehmen {action} {value:.1f}-mal in 91 Tagen", NAN),
    _feature("action_spend_per_trip_91d", "currency", "Mean money per purchase of the category.",
             "{action}: usually {value:.1f} each time",
             "{action}: meist {value:.1f} je Einkauf", NAN),
    _feature("action_presentations_91d", "touchpoints", "Times presented to anybody in 91 days.",
             "{action} presented {value:.0f} times in 91 days",
             "{action}: {value:.0f}-mal gezeigt in 91 Tagen"),
    _feature("action_acceptance_91d", "share", "Accepted over presented, all customers, 91 days.",
             "{value:.0%} accept {action}", "{value:.0%} nehmen {action} an", NAN),
)  # fmt: skip


def _between(events: ir.Table, days: ir.Table, window: int) -> ir.Table:
    """Return every event of the window before each day, beside the day."""
    inside = [events.timestamp < days.midnight, events.timestamp >= days[f"since_{window}"]]
    return days.join(events, inside)


def category_popularity(category_baskets: ir.Table, baskets: ir.Table, days: ir.Table) -> ir.Table:
    """Return one row per (day, category): penetration, trips per buyer, money per trip.

    Parameters
    ----------
    days : `midnight`, `since_28`, `since_91`; one row per business day.
    """
    bought = _between(category_baskets, days, 91)
    late = bought.timestamp >= bought.since_28
    sums = bought.group_by(["midnight", "category"]).agg(
        buyers_91=bought.customer_id.nunique(),
        buyers_28=bought.customer_id.nunique(where=late),
        trips_91=bought.count(),
        spend_91=total(bought.amount),
    )
    shopped = _between(baskets, days, 91)
    everyone = shopped.group_by("midnight").agg(
        active_91=shopped.customer_id.nunique(),
        active_28=shopped.customer_id.nunique(where=shopped.timestamp >= shopped.since_28),
    )
    both = sums.join(everyone, "midnight")
    return both.select(
        "midnight",
        "category",
        action_penetration_28d=share(both.buyers_28, both.active_28),
        action_penetration_91d=share(both.buyers_91, both.active_91),
        action_trips_per_buyer_91d=share(both.trips_91, both.buyers_91),
        action_spend_per_trip_91d=share(both.spend_91, both.trips_91),
    )


def response_popularity(touchpoints: ir.Table, days: ir.Table) -> ir.Table:
    """Return one row per (day, action): presentations and acceptance of all customers."""
    met = _between(touchpoints.filter(touchpoints.action_id.notnull()), days, 91)
    accepted = met.count(where=met.type.isin(("accepted", "converted")))
    sums = met.group_by(["midnight", "action_id"]).agg(
        action_presentations_91d=met.count(where=met.type == "presented"), accepted=accepted
    )
    return sums.select(
        "midnight",
        "action_id",
        "action_presentations_91d",
        action_acceptance_91d=ibis.least(
            share(sums.accepted, sums.action_presentations_91d), ibis.literal(1.0)
        ),
    )
