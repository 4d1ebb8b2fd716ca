"""Reads what policies want to know of a customer; the hot path of a decision."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, Double, bindparam, cast, func, null, select, union_all
from sqlalchemy import literal_column as written

from decisioning.consent_status import consents_of_person
from decisioning.history import Consent, Contact, History, HistoryNeeds, Volume
from decisioning.ledger import schema
from decisioning.ledger.counting import Counting, end_of, minute_of
from decisioning.ledger.event_sql import counts, is_outcome
from decisioning.ledger.statements import Row, Session, Sql, list_sizes, listed
from features.people import People

_DAY_SECONDS = 86_400.0
_SINCE_EVER = -1_000_000


def _contacts(_insert: object, size: int) -> Any:
    e, r = schema.EVENTS.c, schema.RESERVATIONS.c
    happened = select(
        e.action_id, e.action_group, e.issue, e.channel, e.type,
        e.occurred_at.label("at"), e.decision_id, cast(null(), Double).label("reserved_until"),
    ).where(
        e.customer_id.in_(listed(size)),
        e.occurred_at >= bindparam("since"),
        e.action_id.is_not(None),
        e.decision_id.is_not(None),
        is_outcome(e),
        counts(e),
    )  # fmt: skip
    reserved = select(
        r.action_id, r.action_group, r.issue, r.channel, written("'presented'"),
        r.reserved_at, r.decision_id, r.expires_at,
    ).where(
        r.customer_id.in_(listed(size)),
        r.expires_at > bindparam("now"),
        r.confirmed_at.is_(None),
    )  # fmt: skip
    return union_all(happened, reserved).order_by(written('"at"'))


def _consents(_insert: object, size: int) -> Any:
    c = schema.CONSENTS.c
    return (
        select(c.customer_id, c.purpose, c.channel, c.status, c.valid_from)
        .where(c.customer_id.in_(listed(size)))
        .order_by(c.valid_from, c.recorded_at)
    )


def _volumes(_insert: object, size: int) -> Any:
    v, o, r = schema.VOLUMES.c, schema.RESERVED.c, schema.RESERVATIONS.c
    confirmed = select(v.action_id, v.channel, v.day, v.presented).where(
        v.action_id.in_(listed(size)), v.day >= bindparam("from_day")
    )
    reserved = select(o.action_id, o.channel, o.day, o.open).where(
        o.action_id.in_(listed(size)),
        o.minute > bindparam("minute"),
        o.day >= bindparam("from_day"),
    )
    lapsing = select(r.action_id, r.channel, r.day, written("1")).where(
        r.action_id.in_(listed(size)),
        r.confirmed_at.is_(None),
        r.expires_at > bindparam("now"),
        r.expires_at < bindparam("end_of_minute"),
        r.day >= bindparam("from_day"),
    )
    every = union_all(confirmed, reserved, lapsing).subquery().c
    count = cast(func.sum(every.presented), BigInteger)
    key = (every.action_id, every.channel, every.day)
    return select(*key, count).group_by(*key).order_by(*key)


# What happened and what is reserved come from one statement each: two would let a reservation that
# is confirmed in between be counted twice, or not at all.
CONTACTS = Sql(_contacts)
CONSENTS = Sql(_consents)
VOLUMES = Sql(_volumes)


def read_history(
    session: Session,
    customer_id: str | None,
    now: float,
    needs: HistoryNeeds,
    people: People,
    counting: Counting | None = None,
) -> History:
    """Return what the ledger knows of a person at a moment, as far as it is needed.

    A presentation of an action of a decision counts once, by its first report; what was taken back
    does not count. Volumes go back one
    day further than asked: which day `now` is on depends on a time zone that the ledger does not
    know. `customer_id` None is somebody unknown: only volumes. `people` says which other customer
    ids are the same person, and since when. `counting` is what the transaction
    of the session has counted and not written yet.
    """
    aliases = () if customer_id is None else people.aliases(customer_id)
    return History(
        contacts=_read_contacts(session, aliases, now, needs.contact_seconds)
        if aliases and needs.contact_seconds
        else (),
        consents=_read_consents(session, aliases, now, people)
        if aliases and needs.consents
        else (),
        volumes=_read_volumes(session, now, needs, counting) if needs.volume_action_ids else (),
    )


def _read_contacts(
    session: Session, aliases: Sequence[str], now: float, seconds: float
) -> tuple[Contact, ...]:
    asked = {"since": now - seconds, "now": now}
    rows: list[Row] = []
    for size, parameters in list_sizes(aliases):
        rows += session.all(CONTACTS, {**parameters, **asked}, size)
    contacts, presented = [], set()
    # Sorted by time already, unless there were several pages.
    for contact in sorted(map(Contact._make, rows), key=lambda one: one.at):
        if contact.outcome == "presented":
            key = (contact.decision_id, contact.action_id)
            if key in presented:
                continue
            presented.add(key)
        contacts.append(contact)
    return tuple(contacts)


def _read_consents(
    session: Session, aliases: Sequence[str], now: float, people: People
) -> tuple[Consent, ...]:
    said: dict[str, list[Consent]] = {}
    for customer_id, *entry in session.about(CONSENTS, aliases):
        said.setdefault(customer_id, []).append(Consent._make(entry))
    return consents_of_person(said, people.applied, people.root(aliases[0]), now)


def _read_volumes(
    session: Session, now: float, needs: HistoryNeeds, counting: Counting | None
) -> tuple[Volume, ...]:
    days, minute = needs.volume_days, minute_of(now)
    from_day = _SINCE_EVER if days is None else int(now // _DAY_SECONDS) - days
    moment = {"from_day": from_day, "now": now, "minute": minute, "end_of_minute": end_of(minute)}
    rows: list[Row] = []
    for size, parameters in list_sizes(needs.volume_action_ids):
        rows += session.all(VOLUMES, {**parameters, **moment}, size)
    if counting is not None:
        counted = Counter({(row[0], row[1], row[2]): row[3] for row in rows})
        counting.add_to(counted, now, needs.volume_action_ids, from_day)
        rows = [(*key, count) for key, count in sorted(counted.items())]
    return tuple(Volume._make(row) for row in rows if row[3])
