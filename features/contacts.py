"""What the company and the customer said to each other: contacts, answers, experience."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.history import history, money, seconds, share, total, within
from features.spec import Block, Feature, age_of, declare_in, ratio_of

NAN = float("nan")

ANSWERS = {
    "presented": ("presented",),
    "viewed": ("viewed", "clicked"),
    "accepted": ("accepted", "converted"),
    "refused": ("refused", "dismissed"),
}
"""The four answers that features count, each with the touchpoint types that mean it."""

CHANNELS = {
    "web": ("web", "app"),
    "bot": ("bot",),
    "advisor": ("advisor", "phone"),
    "email": ("email",),
    "mail": ("mail",),
}
"""The channel groups that features count, each with the channels of the touchpoints in it."""

_WORDS = {
    "presented": ("received {value:.0f} offers", "{value:.0f} Angebote erhalten"),
    "viewed": ("looked at {value:.0f} offers", "{value:.0f} Angebote angesehen"),
    "accepted": ("accepted {value:.0f} offers", "{value:.0f} Angebote angenommen"),
    "refused": ("refused {value:.0f} offers", "{value:.0f} Angebote abgelehnt"),
}
_LAST_WORDS = {
    "presented": ("last offer", "ein Angebot erhalten"),
    "viewed": ("last looked at an offer", "ein Angebot angesehen"),
    "accepted": ("last accepted an offer", "ein Angebot angenommen"),
    "refused": ("last refused an offer", "ein Angebot abgelehnt"),
}
_CHANNEL_WORDS = {
    "web": ("on the web", "im Web"),
    "bot": ("with the bot", "mit dem Bot"),
    "advisor": ("with an advisor", "mit der Beratung"),
    "email": ("by e-mail", "per E-Mail"),
    "mail": ("by mail", "per Post"),
}

_feature = declare_in(Block.CUSTOMER)


def _counted(answer: str) -> tuple[Feature, ...]:
    en, de = _WORDS[answer]
    return tuple(
        _feature(f"{answer}_{days}d", "touchpoints", f"Actions {answer} in the last {days} days.",
                 f"{en} in {days} days", f"{de} in {days} Tagen")
        for days in (28, 91)
    ) + (
        _feature(f"{answer}_all", "touchpoints", f"Actions {answer} in all.",
                 f"{en} in all", f"insgesamt {de}"),
        _feature(f"last_{answer}_at", "seconds since 1970", f"Time an action was last {answer}.",
                 f"{_LAST_WORDS[answer][0]} {{days_since_{answer}:.0f}} days ago",
                 f"zuletzt vor {{days_since_{answer}:.0f}} Tagen {_LAST_WORDS[answer][1]}", NAN),
    )  # fmt: skip


STORED = tuple(f for answer in ANSWERS for f in _counted(answer)) + tuple(
    _feature(f"contacts_{channel}_91d", "touchpoints", f"Touchpoints on {channel}, 91 days.",
             f"{{value:.0f}} contacts {en} in 91 days",
             f"{{value:.0f}} Kontakte {de} in 91 Tagen")
    for channel, (en, de) in _CHANNEL_WORDS.items()
) + (
    _feature("contacts_28d", "touchpoints", "Touchpoints of any kind in the last 28 days.",
             "{value:.0f} contacts in 28 days", "{value:.0f} Kontakte in 28 Tagen"),
    _feature("contacts_all", "touchpoints", "Touchpoints of any kind in all.",
             "{value:.0f} contacts in all", "insgesamt {value:.0f} Kontakte"),
    _feature("last_contact_at", "seconds since 1970", "Time of the latest touchpoint.",
             "last contact {days_since_contact:.0f} days ago",
             "letzter Kontakt vor {days_since_contact:.0f} Tagen", NAN),
    _feature("acceptance_rate_all", "share", "Actions accepted over actions presented, all time.",
             "accepts {value:.0%} of offers", "nimmt {value:.0%} der Angebote an", NAN),
    _feature("complaints_91d", "touchpoints", "Complaints in the last 91 days.",
             "{value:.0f} complaints in 91 days", "{value:.0f} Beschwerden in 91 Tagen"),
    _feature("last_complaint_at", "seconds since 1970", "Time of the latest complaint.",
             "complained {days_since_complaint:.0f} days ago",
             "Beschwerde vor {days_since_complaint:.0f} Tagen", NAN),
    _feature("open_complaints", "complaints", "Complaints less complaints closed, at least 0.",
             "{value:.0f} open complaints", "{value:.0f} offene Beschwerden"),
    _feature("failures_28d", "touchpoints", "Failures on our side in the last 28 days.",
             "{value:.0f} failures on our side in 28 days",
             "{value:.0f} Pannen bei uns in 28 Tagen"),
    _feature("last_failure_at", "seconds since 1970", "Time of the latest failure on our side.",
             "something went wrong {days_since_failure:.0f} days ago",
             "vor {days_since_failure:.0f} Tagen ging etwas schief", NAN),
    _feature("mean_rating_91d", "rating (1 to 10)", "Mean rating given in the last 91 days.",
             "rates us {value:.1f} of 10", "bewertet uns mit {value:.1f} von 10", NAN),
    _feature("lowest_rating_28d", "rating (1 to 10)", "Lowest rating in the last 28 days.",
             "lowest recent rating {value:.0f}", "schlechteste Bewertung zuletzt {value:.0f}", NAN),
)  # fmt: skip

DERIVED = tuple(
    _feature(f"days_since_{answer}", "days", f"Business days since an action was {answer}.",
             f"{en} {{value:.0f}} days ago", f"zuletzt vor {{value:.0f}} Tagen {de}",
             NAN, derive=age_of(f"last_{answer}_at"))
    for answer, (en, de) in _LAST_WORDS.items()
) + (
    _feature("days_since_contact", "days", "Business days since the latest touchpoint.",
             "last contact {value:.0f} days ago", "letzter Kontakt vor {value:.0f} Tagen",
             NAN, derive=age_of("last_contact_at")),
    _feature("days_since_complaint", "days", "Business days since the latest complaint.",
             "complained {value:.0f} days ago", "Beschwerde vor {value:.0f} Tagen",
             NAN, derive=age_of("last_complaint_at")),
    _feature("days_since_failure", "days", "Business days since the latest failure on our side.",
             "something went wrong {value:.0f} days ago",
             "vor {value:.0f} Tagen ging etwas schief",
             NAN, derive=age_of("last_failure_at")),
    _feature("recent_acceptance_rate", "share", "Accepted over presented in the last 91 days.",
             "accepted {value:.0%} of recent offers", "nahm zuletzt {value:.0%} der Angebote an",
             NAN, derive=ratio_of("accepted_91d", "presented_91d")),
)  # fmt: skip


def contacts(touchpoints: ir.Table, spine: ir.Table) -> ir.Table:
    """Return the stored contact features: one row per profile that has any touchpoint."""
    seen = history(touchpoints, spine)
    sums = seen.group_by("row").agg(**_answers(seen), **_channels(seen), **_experience(seen))
    return sums.mutate(acceptance_rate_all=share(sums.accepted_all, sums.presented_all))


def _answers(seen: ir.Table) -> dict[str, ir.Value]:
    sums: dict[str, ir.Value] = {}
    for answer, types in ANSWERS.items():
        is_answer = seen.type.isin(types)
        sums[f"{answer}_28d"] = seen.count(where=is_answer & within(seen, 28))
        sums[f"{answer}_91d"] = seen.count(where=is_answer & within(seen, 91))
        sums[f"{answer}_all"] = seen.count(where=is_answer)
        sums[f"last_{answer}_at"] = seconds(seen.timestamp.max(where=is_answer))
    return sums


def _channels(seen: ir.Table) -> dict[str, ir.Value]:
    counts: dict[str, ir.Value] = {
        f"contacts_{group}_91d": seen.count(where=seen.channel.isin(channels) & within(seen, 91))
        for group, channels in CHANNELS.items()
    }
    counts["contacts_28d"] = seen.count(where=within(seen, 28))
    counts["contacts_all"] = seen.count()
    counts["last_contact_at"] = seconds(seen.timestamp.max())
    return counts


def _experience(seen: ir.Table) -> dict[str, ir.Value]:
    complaint, failure = seen.type == "complaint", seen.type == "failure"
    closed = seen.count(where=seen.type == "complaint_closed")
    still_open = seen.count(where=complaint) - closed
    rated = within(seen, 91) & seen.rating.notnull()
    return {
        "open_complaints": ibis.greatest(still_open, 0),
        "failures_28d": seen.count(where=failure & within(seen, 28)),
        "last_failure_at": seconds(seen.timestamp.max(where=failure)),
        "complaints_91d": seen.count(where=complaint & within(seen, 91)),
        "last_complaint_at": seconds(seen.timestamp.max(where=complaint)),
        "mean_rating_91d": share(total(money(seen.rating), rated), seen.count(where=rated)),
        "lowest_rating_28d": seen.rating.min(where=within(seen, 28)),
    }
