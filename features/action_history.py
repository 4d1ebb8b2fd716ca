"""What happened between a customer and one action, and how well the action fits past purchases."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.contacts import ANSWERS
from features.history import history, money, seconds, total, within
from features.spec import Block, age_of, declare_in, ratio_of

NAN = float("nan")

_feature = declare_in(Block.ACTION)

_COUNT_WORDS = {
    "presented": ("{action} offered {value:.0f} times", "{action}: {value:.0f}-mal angeboten"),
    "viewed": ("looked at {action} {value:.0f} times", "{action}: {value:.0f}-mal angesehen"),
    "accepted": ("accepted {action} {value:.0f} times", "{action}: {value:.0f}-mal angenommen"),
    "refused": ("refused {action} {value:.0f} times", "{action}: {value:.0f}-mal abgelehnt"),
}
_LAST_WORDS = {"presented": "angeboten", "accepted": "angenommen", "refused": "abgelehnt"}
_FIT_EN = "bought {action_items_91d:.0f} of the articles of {action} in 91 days"
_FIT_DE = "{action}: {action_items_91d:.0f} der Artikel in 91 Tagen gekauft"

STORED = tuple(
    _feature(f"action_{answer}_all", "touchpoints", f"Times the action was {answer}.", en, de)
    for answer, (en, de) in _COUNT_WORDS.items()
) + tuple(
    _feature(f"action_{answer}_at", "seconds since 1970", f"Time the action was last {answer}.",
             f"{{action}} last {answer} {{days_since_action_{answer}:.0f}} days ago",
             f"{{action}}: zuletzt vor {{days_since_action_{answer}:.0f}} Tagen {de}", NAN)
    for answer, de in _LAST_WORDS.items()
) + (
    _feature("action_presented_28d", "touchpoints", "Times the action was presented in 28 days.",
             "{action} offered {value:.0f} times in 28 days",
             "{action}: {value:.0f}-mal angeboten in 28 Tagen"),
    _feature("action_items_91d", "items", "Different items of the action bought in 91 days.",
             _FIT_EN, _FIT_DE),
    _feature("action_item_trips_91d", "trips", "Purchases with items of the action in 91 days.",
             "{value:.0f} purchases with articles of {action} in 91 days",
             "{value:.0f} Einkäufe mit Artikeln von {action} in 91 Tagen"),
    _feature("action_item_spend_91d", "currency", "Money spent on the action's items in 91 days.",
             "spent {value:.0f} on articles of {action} in 91 days",
             "{value:.0f} für Artikel von {action} in 91 Tagen ausgegeben"),
)  # fmt: skip

ITEM_STORED = ("action_items_91d", "action_item_trips_91d", "action_item_spend_91d")

DERIVED = tuple(
    _feature(f"days_since_action_{answer}", "days",
             f"Business days since the action was {answer}.",
             f"{{action}} last {answer} {{value:.0f}} days ago",
             f"{{action}}: zuletzt vor {{value:.0f}} Tagen {de}",
             NAN, derive=age_of(f"action_{answer}_at"))
    for answer, de in _LAST_WORDS.items()
) + (
    _feature("action_item_share", "share", "Share of 91-day spend on the action's items.",
             "{value:.0%} of spend fits {action}", "{value:.0%} der Ausgaben passen zu {action}",
             NAN, derive=ratio_of("action_item_spend_91d", "spend_91d")),
)  # fmt: skip


def action_history(touchpoints: ir.Table, spine: ir.Table) -> ir.Table:
    """Return the stored answers: one row per (profile, action) that ever met."""
    seen = history(touchpoints.filter(touchpoints.action_id.notnull()), spine)
    sums: dict[str, ir.Value] = {}
    for answer, types in ANSWERS.items():
        is_answer = seen.type.isin(types)
        sums[f"action_{answer}_all"] = seen.count(where=is_answer)
        if answer != "viewed":
            sums[f"action_{answer}_at"] = seconds(seen.timestamp.max(where=is_answer))
    presented = seen.type == "presented"
    sums["action_presented_28d"] = seen.count(where=presented & within(seen, 28))
    return seen.group_by(["row", "action_id"]).agg(**sums)


ITEM_SCHEMA = ibis.schema(
    {
        "action_id": "string",
        "valid_from": "timestamp(6)",
        "valid_to": "timestamp(6)",
        "item_id": "string",
    }
)
"""The columns of `action_items`."""


def action_items(actions: ir.Table) -> ir.Table:
    """Return one row per (action, item) with the time the action is valid."""
    listed = actions.select(
        "action_id", "valid_from", "valid_to", item_id=actions["items"].unnest()
    )
    return listed.filter(listed.item_id.notnull())


def item_fit(transactions: ir.Table, action_items: ir.Table, spine: ir.Table) -> ir.Table:
    """Return purchases of an action's items: one row per (profile, action valid at `as_of`)."""
    recent = history(transactions.filter(transactions.item_id.notnull()), spine)
    recent = recent.filter(within(recent, 91))
    fits = recent.join(
        action_items,
        [
            recent.item_id == action_items.item_id,
            action_items.valid_from.fill_null(ibis.timestamp("1970-01-01")) <= recent.as_of,
            action_items.valid_to.fill_null(ibis.timestamp("9999-01-01")) > recent.as_of,
        ],
    )
    return fits.group_by(["row", "action_id"]).agg(
        action_items_91d=fits.item_id.nunique(),
        action_item_trips_91d=fits.transaction_id.nunique(),
        action_item_spend_91d=total(money(fits.amount)),
    )
