"""What a customer bought of one category: the customer x category features."""

from __future__ import annotations

import ibis.expr.types as ir

from features.history import history, money, seconds, share, total, within
from features.spec import Block, age_of, declare_in, ratio_of

NAN = float("nan")

_feature = declare_in(Block.CATEGORY)

_BOUGHT_EN = (
    "bought {action} {category_trips_all:.0f} times, last {days_since_category:.0f} days ago"
)
_BOUGHT_DE = (
    "{action}: {category_trips_all:.0f}-mal gekauft, zuletzt vor {days_since_category:.0f} Tagen"
)

STORED = (
    _feature("category_trips_28d", "trips", "Purchases with the category in 28 days.",
             "bought {action} {value:.0f} times in 28 days",
             "{action}: {value:.0f}-mal gekauft in 28 Tagen"),
    _feature("category_trips_91d", "trips", "Purchases with the category in 91 days.",
             "bought {action} {value:.0f} times in 91 days",
             "{action}: {value:.0f}-mal gekauft in 91 Tagen"),
    _feature("category_trips_365d", "trips", "Purchases with the category in 365 days.",
             _BOUGHT_EN, _BOUGHT_DE),
    _feature("category_trips_all", "trips", "Purchases with the category in all.",
             _BOUGHT_EN, _BOUGHT_DE),
    _feature("category_spend_91d", "currency", "Money spent on the category in 91 days.",
             "spent {value:.0f} on {action} in 91 days",
             "{action}: {value:.0f} ausgegeben in 91 Tagen"),
    _feature("category_spend_all", "currency", "Money spent on the category in all.",
             "spent {value:.0f} on {action} in all", "{action}: insgesamt {value:.0f} ausgegeben"),
    _feature("category_lines_all", "lines", "Lines of the category bought in all.",
             "{value:.0f} articles of {action} in all", "{action}: insgesamt {value:.0f} Artikel"),
    _feature("category_discount_share_all", "share", "Discount over list price in the category.",
             "buys {action} at {value:.0%} discount", "{action}: kauft mit {value:.0%} Rabatt",
             NAN),
    _feature("category_gap_days_all", "days", "Mean days between purchases of the category.",
             "buys {action} every {value:.0f} days", "{action}: kauft alle {value:.0f} Tage", NAN),
    _feature("category_last_at", "seconds since 1970", "Time the category was last bought.",
             _BOUGHT_EN, _BOUGHT_DE, NAN),
    _feature("category_first_at", "seconds since 1970", "Time the category was first bought.",
             _BOUGHT_EN, _BOUGHT_DE, NAN),
    _feature("group_purchases_91d", "purchases", "Category purchases in its group in 91 days.",
             "{value:.0f} entries of its department on receipts in 91 days",
             "{value:.0f} Posten derselben Abteilung auf Bons in 91 Tagen"),
    _feature("group_last_at", "seconds since 1970", "Time the category's group was last bought.",
             "last bought in its department {days_since_group:.0f} days ago",
             "in derselben Abteilung zuletzt vor {days_since_group:.0f} Tagen gekauft", NAN),
)  # fmt: skip

BREADTH = tuple(
    declare_in(Block.CUSTOMER)(
        f"categories_{days}d", "categories", f"Different categories bought in {days} days.",
        f"buys {{value:.0f}} categories in {days} days",
        f"kauft {{value:.0f}} Warengruppen in {days} Tagen")
    for days in (28, 91)
)  # fmt: skip

GROUP_STORED = ("group_purchases_91d", "group_last_at")

DERIVED = (
    _feature("days_since_category", "days", "Business days since the category was bought.",
             _BOUGHT_EN, _BOUGHT_DE, NAN, derive=age_of("category_last_at")),
    _feature("category_tenure_days", "days", "Business days since the category's first purchase.",
             "first bought {action} {value:.0f} days ago",
             "{action}: erstmals vor {value:.0f} Tagen gekauft",
             NAN, derive=age_of("category_first_at")),
    _feature("category_overdue", "ratio", "Days since the category was bought over its usual gap.",
             "{action}: {value:.1f} times the usual gap",
             "{action}: seit dem {value:.1f}-Fachen des üblichen Abstands",
             NAN, derive=ratio_of("days_since_category", "category_gap_days_all")),
    _feature("category_trip_share", "share", "Share of all purchases that had the category.",
             "{action} in {value:.0%} of purchases", "{action} bei {value:.0%} der Einkäufe",
             NAN, derive=ratio_of("category_trips_all", "trips_all")),
    _feature("category_spend_share", "share", "Share of all money that went to the category.",
             "{value:.1%} of all spend on {action}", "{value:.1%} der Ausgaben für {action}",
             NAN, derive=ratio_of("category_spend_all", "spend_all")),
    _feature("category_spend_per_trip", "currency", "Mean money per purchase of the category.",
             "spends {value:.1f} on {action} each time", "{action}: je Kauf {value:.1f}",
             NAN, derive=ratio_of("category_spend_all", "category_trips_all")),
    _feature("days_since_group", "days", "Business days since the category's group was bought.",
             "last bought in its department {value:.0f} days ago",
             "in derselben Abteilung zuletzt vor {value:.0f} Tagen gekauft",
             NAN, derive=age_of("group_last_at")),
)  # fmt: skip


def category_baskets(transactions: ir.Table) -> ir.Table:
    """Return one row per purchase and category."""
    lines = transactions.filter(transactions.category.notnull())
    by = ["customer_id", "transaction_id", "timestamp", "category", "category_group"]
    return lines.group_by(by).agg(
        amount=money(lines.amount).sum(),
        lines=lines.count(),
        discount=money(lines.discount.fill_null(0.0)).sum(),
    )


def affinity(category_baskets: ir.Table, spine: ir.Table) -> ir.Table:
    """Return the stored category features: one row per (profile, category) ever bought."""
    seen = history(category_baskets, spine)
    sums = seen.group_by(["row", "category"]).agg(
        category_group=seen.category_group.max(),
        category_trips_28d=seen.count(where=within(seen, 28)),
        category_trips_91d=seen.count(where=within(seen, 91)),
        category_trips_365d=seen.count(where=within(seen, 365)),
        category_trips_all=seen.count(),
        category_spend_91d=total(seen.amount, within(seen, 91)),
        category_spend_all=total(seen.amount),
        category_lines_all=seen.lines.sum(),
        discount_all=total(seen.discount),
        category_last_at=seconds(seen.timestamp.max()),
        category_first_at=seconds(seen.timestamp.min()),
    )
    return sums.mutate(
        category_discount_share_all=share(
            sums.discount_all, sums.category_spend_all + sums.discount_all
        ),
        category_gap_days_all=share(
            (sums.category_last_at - sums.category_first_at) / 86_400.0,
            sums.category_trips_all - 1,
        ),
    )


def group_affinity(affinity: ir.Table) -> ir.Table:
    """Return the group's features: one row per (profile, category group) ever bought."""
    grouped = affinity.filter(affinity.category_group.notnull())
    return grouped.group_by(["row", "category_group"]).agg(
        group_purchases_91d=grouped.category_trips_91d.sum(),
        group_last_at=grouped.category_last_at.max(),
    )


def breadth(affinity: ir.Table) -> ir.Table:
    """Return how many different categories a profile bought in 28 and 91 days."""
    return affinity.group_by("row").agg(
        categories_28d=affinity.count(where=affinity.category_trips_28d > 0),
        categories_91d=affinity.count(where=affinity.category_trips_91d > 0),
    )
