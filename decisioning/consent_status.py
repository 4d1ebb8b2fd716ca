"""What a person said last about a purpose and a channel, under whichever customer id."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import get_args

from decisioning.history import EVERY_CHANNEL, Consent, ConsentStatus
from decisioning.request import Channel
from features.people import Merge

_STRICTNESS = ("granted", "withdrawn", "objected")
_CHANNELS: tuple[Channel, ...] = get_args(Channel)


def status_of(
    consents: tuple[Consent, ...], purpose: str, channel: str, now: float
) -> ConsentStatus | None:
    """Return what the customer said last about a purpose on a channel; None for nothing.

    An objection stays until consent is given again, whatever is written in between. Of two entries
    of the same moment the stricter one counts.

    >>> said = (Consent("marketing", "all", "objected", 1.0),
    ...         Consent("marketing", "email", "withdrawn", 2.0),
    ...         Consent("marketing", "web", "granted", 3.0))
    >>> [status_of(said, "marketing", channel, 9.0) for channel in ("email", "web", "bot")]
    ['objected', 'granted', 'objected']
    """
    heard = [
        one
        for one in consents
        if one.purpose == purpose
        and one.channel in (channel, EVERY_CHANNEL)
        and one.valid_from <= now
    ]
    status: ConsentStatus | None = None
    for entry in sorted(heard, key=lambda one: (one.valid_from, _STRICTNESS.index(one.status))):
        if status != "objected" or entry.status == "granted":
            status = entry.status
    return status


def consents_of_person(
    said: Mapping[str, Sequence[Consent]], merges: Sequence[Merge], customer_id: str, now: float
) -> tuple[Consent, ...]:
    """Return one consent log for a person with several customer ids.

    A grant under one id cannot lift what stood against it under another one when the two became
    one person: what was withdrawn or objected to by then is said again at that moment, for both.
    Later entries are the person's, under whichever id they come.

    Parameters
    ----------
    said : the entries by customer id.
    merges : the merges that join persons, oldest first.

    >>> said = {"7": [Consent("marketing", "all", "granted", 5.0)],
    ...         "a": [Consent("marketing", "web", "objected", 1.0)]}
    >>> merge = Merge("a", "7", "merged", "explicit", 9.0, "api")
    >>> log = consents_of_person(said, [merge], "7", 99.0)
    >>> status_of(log, "marketing", "web", 99.0), status_of(log, "marketing", "email", 99.0)
    ('objected', 'granted')
    """
    if len(said) < 2:
        return tuple(sorted((one for own in said.values() for one in own), key=_by_time))
    heard = {name: (frozenset((name,)), tuple(own)) for name, own in said.items()}
    for merge in merges:
        absorbed, other = (heard.get(one, (frozenset((one,)), ())) for one in merge[:2])
        at = min(merge.recorded_at, now)
        again = (*_standing(absorbed[1], at), *_standing(other[1], at))
        names, entries = absorbed[0] | other[0], (*absorbed[1], *other[1], *again)
        heard |= dict.fromkeys(names, (names, entries))
    return tuple(sorted(heard[customer_id][1], key=_by_time)) if customer_id in heard else ()


def _standing(entries: tuple[Consent, ...], at: float) -> Iterator[Consent]:
    """Yield what is withdrawn or objected to at a moment, as said at that moment."""
    for purpose in sorted({one.purpose for one in entries}):
        for channel in _CHANNELS:
            status = status_of(entries, purpose, channel, at)
            if status == "withdrawn" or status == "objected":
                yield Consent(purpose, channel, status, at)


def _by_time(entry: Consent) -> float:
    return entry.valid_from
