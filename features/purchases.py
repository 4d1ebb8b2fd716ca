"""What a customer bought: recency, frequency, money, baskets, discounts, channels, trend."""

from __future__ import annotations

import ibis.expr.types as ir

from features.history import WINDOWS, history, money, seconds, share, total, within
from features.spec import Block, Feature, age_of, declare_in, ratio_of

DIGITAL_CHANNELS = ("web", "app", "bot", "online")
NAN = float("nan")

_feature = declare_in(Block.CUSTOMER)


def _windowed(days: int) -> tuple[Feature, ...]:
    return (
        _feature(
            f"trips_{days}d", "trips", f"Purchases in the last {days} days.",
            f"{{value:.0f}} purchases in {days} days", f"{{value:.0f}} Einkäufe in {days} Tagen",
        ),
        _feature(
            f"spend_{days}d", "currency", f"Money spent in the last {days} days, less returns.",
            f"spent {{value:.0f}} in {days} days", f"{{value:.0f}} ausgegeben in {days} Tagen",
        ),
        _feature(
            f"coupon_lines_{days}d", "lines", f"Lines paid with a coupon in the last {days} days.",
            f"used coupons {{value:.0f}} times in {days} days",
            f"hat in {days} Tagen {{value:.0f}} Coupons genutzt",
        ),
    )  # fmt: skip


_BASKET_QUARTER = (
    _feature("lines_91d", "lines", "Lines bought in the last 91 days.",
             "{value:.0f} articles in 91 days", "{value:.0f} Artikel in 91 Tagen"),
    _feature("spend_per_trip_91d", "currency", "Mean money per purchase in the last 91 days.",
             "{value:.0f} per purchase", "{value:.0f} je Einkauf", NAN),
    _feature("lines_per_trip_91d", "lines", "Mean lines per purchase in the last 91 days.",
             "{value:.0f} articles per purchase", "{value:.0f} Artikel je Einkauf", NAN),
    _feature("largest_trip_91d", "currency", "Largest purchase in the last 91 days.",
             "largest purchase {value:.0f}", "größter Einkauf {value:.0f}", NAN),
    _feature("returned_lines_91d", "lines", "Lines with a negative amount in the last 91 days.",
             "{value:.0f} returns in 91 days", "{value:.0f} Rückgaben in 91 Tagen"),
    _feature("discount_share_91d", "share", "Discount over list price, last 91 days.",
             "{value:.0%} discount on average", "im Schnitt {value:.0%} Rabatt", NAN),
    _feature("discounted_line_share_91d", "share", "Share of lines with a discount, last 91 days.",
             "{value:.0%} of articles on offer", "{value:.0%} der Artikel im Angebot", NAN),
    _feature("coupon_amount_91d", "currency", "Money taken off by coupons in the last 91 days.",
             "saved {value:.1f} by coupons", "{value:.1f} durch Coupons gespart"),
    _feature("coupon_trip_share_91d", "share", "Share of purchases with a coupon, last 91 days.",
             "a coupon in {value:.0%} of purchases", "Coupon bei {value:.0%} der Einkäufe", NAN),
    _feature("weekend_trip_share_91d", "share", "Share of purchases on Saturday or Sunday (UTC).",
             "{value:.0%} of purchases at weekends", "{value:.0%} der Einkäufe am Wochenende", NAN),
    _feature("morning_trip_share_91d", "share", "Share of purchases before 12:00 UTC, 91 days.",
             "{value:.0%} of purchases before noon", "{value:.0%} der Einkäufe vormittags", NAN),
    _feature("evening_trip_share_91d", "share", "Share of purchases from 18:00 UTC on, 91 days.",
             "{value:.0%} of purchases in the evening", "{value:.0%} der Einkäufe abends", NAN),
    _feature("digital_trip_share_91d", "share", "Share of purchases on web, app, bot; 91 days.",
             "{value:.0%} of purchases online", "{value:.0%} der Einkäufe online", NAN),
    _feature("purchase_channels_91d", "channels", "Different purchase channels in 91 days.",
             "buys on {value:.0f} channels", "kauft auf {value:.0f} Kanälen"),
)  # fmt: skip

_ALL_TIME = (
    _feature("trips_all", "trips", "Purchases since the first one.",
             "{value:.0f} purchases in all", "{value:.0f} Einkäufe insgesamt"),
    _feature("spend_all", "currency", "Money spent since the first purchase, less returns.",
             "spent {value:.0f} in all", "insgesamt {value:.0f} ausgegeben"),
    _feature("spend_per_trip_all", "currency", "Mean money per purchase, all time.",
             "{value:.0f} per purchase in all", "insgesamt {value:.0f} je Einkauf", NAN),
    _feature("discount_share_all", "share", "Discount over list price, all time.",
             "{value:.0%} discount in all", "insgesamt {value:.0%} Rabatt", NAN),
    _feature("gap_days_all", "days", "Mean days between purchases, all time.",
             "buys every {value:.0f} days", "kauft alle {value:.0f} Tage", NAN),
    _feature("last_purchase_at", "seconds since 1970", "Time of the latest purchase.",
             "last purchase {days_since_purchase:.0f} days ago",
             "letzter Einkauf vor {days_since_purchase:.0f} Tagen", NAN),
    _feature("first_purchase_at", "seconds since 1970", "Time of the first purchase.",
             "customer for {tenure_days:.0f} days", "Kunde seit {tenure_days:.0f} Tagen", NAN),
    _feature("spend_trend", "ratio", "Daily spend of 28 days over that of 91 days.",
             "spends {value:.1f} times the usual", "gibt das {value:.1f}-Fache des Üblichen aus",
             NAN),
    _feature("trip_trend", "ratio", "Daily purchases of 28 days over those of 91 days.",
             "comes {value:.1f} times as often as usual", "kommt {value:.1f}-mal so oft wie üblich",
             NAN),
)  # fmt: skip

STORED = tuple(f for days in WINDOWS for f in _windowed(days)) + _BASKET_QUARTER + _ALL_TIME

DERIVED = (
    _feature("days_since_purchase", "days", "Business days since the latest purchase.",
             "last purchase {value:.0f} days ago", "letzter Einkauf vor {value:.0f} Tagen",
             NAN, derive=age_of("last_purchase_at")),
    _feature("tenure_days", "days", "Business days since the first purchase.",
             "customer for {value:.0f} days", "Kunde seit {value:.0f} Tagen",
             NAN, derive=age_of("first_purchase_at")),
    _feature("purchase_overdue", "ratio", "Days since the latest purchase over the usual gap.",
             "waited {value:.1f} times the usual gap",
             "letzter Einkauf liegt das {value:.1f}-Fache des üblichen Abstands zurück",
             NAN, derive=ratio_of("days_since_purchase", "gap_days_all")),
)  # fmt: skip


def baskets(transactions: ir.Table) -> ir.Table:
    """Return one row per purchase: lines of one transaction at one moment on one channel."""
    lines = transactions.mutate(
        discount=transactions.discount.fill_null(0.0),
        coupon_discount=transactions.coupon_discount.fill_null(0.0),
    )
    return lines.group_by(["customer_id", "transaction_id", "timestamp", "channel"]).agg(
        amount=money(lines.amount).sum(),
        lines=lines.count(),
        discount=money(lines.discount).sum(),
        discounted_lines=lines.count(where=lines.discount > 0),
        returned_lines=lines.count(where=lines.amount < 0),
        coupon_lines=lines.count(where=lines.coupon_discount > 0),
        coupon_amount=money(lines.coupon_discount).sum(),
    )


def purchases(baskets: ir.Table, spine: ir.Table) -> ir.Table:
    """Return the stored purchase features: one row per profile that has any purchase."""
    seen = history(baskets, spine)
    sums = seen.group_by("row").agg(**_windowed_sums(seen), **_quarter_sums(seen), **_totals(seen))
    return sums.mutate(
        spend_per_trip_91d=share(sums.spend_91d, sums.trips_91d),
        lines_per_trip_91d=share(sums.lines_91d, sums.trips_91d),
        discount_share_91d=share(sums.discount_91d, sums.spend_91d + sums.discount_91d),
        discounted_line_share_91d=share(sums.discounted_91d, sums.lines_91d),
        coupon_trip_share_91d=share(sums.coupon_trips_91d, sums.trips_91d),
        weekend_trip_share_91d=share(sums.weekend_91d, sums.trips_91d),
        morning_trip_share_91d=share(sums.morning_91d, sums.trips_91d),
        evening_trip_share_91d=share(sums.evening_91d, sums.trips_91d),
        digital_trip_share_91d=share(sums.digital_91d, sums.trips_91d),
        spend_per_trip_all=share(sums.spend_all, sums.trips_all),
        discount_share_all=share(sums.discount_all, sums.spend_all + sums.discount_all),
        gap_days_all=share(
            (sums.last_purchase_at - sums.first_purchase_at) / 86_400.0, sums.trips_all - 1
        ),
        spend_trend=share(sums.spend_28d / 28.0, sums.spend_91d / 91.0),
        trip_trend=share(sums.trips_28d / 28.0, sums.trips_91d / 91.0),
    )


def _windowed_sums(seen: ir.Table) -> dict[str, ir.Value]:
    sums: dict[str, ir.Value] = {}
    for days in WINDOWS:
        recent = within(seen, days)
        sums[f"trips_{days}d"] = seen.count(where=recent)
        sums[f"spend_{days}d"] = total(seen.amount, recent)
        sums[f"coupon_lines_{days}d"] = seen.coupon_lines.sum(where=recent).fill_null(0)
    return sums


def _quarter_sums(seen: ir.Table) -> dict[str, ir.Value]:
    recent = within(seen, 91)
    hour, weekday = seen.timestamp.hour(), seen.timestamp.day_of_week.index()
    return {
        "lines_91d": seen.lines.sum(where=recent).fill_null(0),
        "largest_trip_91d": seen.amount.max(where=recent).cast("float64"),
        "returned_lines_91d": seen.returned_lines.sum(where=recent).fill_null(0),
        "discount_91d": total(seen.discount, recent),
        "discounted_91d": seen.discounted_lines.sum(where=recent).fill_null(0),
        "coupon_amount_91d": total(seen.coupon_amount, recent),
        "coupon_trips_91d": seen.count(where=recent & (seen.coupon_lines > 0)),
        "weekend_91d": seen.count(where=recent & (weekday >= 5)),
        "morning_91d": seen.count(where=recent & (hour < 12)),
        "evening_91d": seen.count(where=recent & (hour >= 18)),
        "digital_91d": seen.count(where=recent & seen.channel.isin(DIGITAL_CHANNELS)),
        "purchase_channels_91d": seen.channel.nunique(where=recent),
    }


def _totals(seen: ir.Table) -> dict[str, ir.Value]:
    return {
        "trips_all": seen.count(),
        "spend_all": total(seen.amount),
        "discount_all": total(seen.discount),
        "last_purchase_at": seconds(seen.timestamp.max()),
        "first_purchase_at": seconds(seen.timestamp.min()),
    }
