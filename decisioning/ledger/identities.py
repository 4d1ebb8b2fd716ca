"""The logs of links and merges in the database: reading them, and what a transaction adds.

Rows are added and never changed. Whoever adds a row holds everybody else off until it is committed
(`jobs.ChangePeople`), so that what is checked here still holds then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from struct import pack
from typing import Literal

from sqlalchemy import select, union_all

from decisioning.identity_rules import LoginRule
from decisioning.ledger import schema
from decisioning.ledger.statements import Parameters, Session, Sql, insert_new, listed
from decisioning.ledger.work import Work
from decisioning.recognition import Login, is_new
from features.identity import Link, anonymous_id, holders
from features.people import Merge, People

_I, _M = schema.IDENTITIES.c, schema.MERGES.c
_LINK = (_I.namespace, _I.id_hash, _I.customer_id, _I.status, _I.recorded_at, _I.source)
_MERGE = (_M.absorbed_id, _M.customer_id, _M.status, _M.rule, _M.recorded_at, _M.source)
_TICK = 1e-6

INSERT_LINK = insert_new(schema.IDENTITIES)
INSERT_MERGE = insert_new(schema.MERGES)
LINKS = Sql(lambda _, size: select(*_LINK).where(_I.id_hash.in_(listed(size))))
LINKS_OF = Sql(lambda _, size: select(*_LINK).where(_I.customer_id.in_(listed(size))))
MERGES = Sql(
    lambda _, size: union_all(
        select(*_MERGE).where(_M.absorbed_id.in_(listed(size))),
        select(*_MERGE).where(_M.customer_id.in_(listed(size))),
    )
)

ALL_MERGES = Sql(lambda *_: select(*_MERGE))

Change = Literal["changed", "unchanged"]
"""Whether a row was added; unchanged where it would have said nothing new."""


@dataclass(frozen=True)
class Stated:
    """A link that somebody states, or takes back.

    Attributes
    ----------
    rule : what holds for the namespace.
    """

    namespace: str
    id_hash: str
    customer_id: str
    rule: LoginRule
    linked: bool = True


def read_links(session: Session, hashes: Iterable[str]) -> list[Link]:
    """Return the log of some ids."""
    return [Link._make(row) for row in session.about(LINKS, sorted(set(hashes)))]


def links_of(session: Session, customer_ids: Iterable[str]) -> list[Link]:
    """Return the log of the ids of some customers."""
    return [Link._make(row) for row in session.about(LINKS_OF, sorted(set(customer_ids)))]


def read_merges(session: Session, customer_ids: Iterable[str]) -> list[Merge]:
    """Return the log of some customers and of everybody who was ever merged with them."""
    found: set[Merge] = set()
    seen: set[str] = set()
    asked = set(customer_ids)
    while asked:
        seen |= asked
        rows = [Merge._make(row) for row in session.about(MERGES, sorted(asked))]
        found.update(rows)
        asked = {name for row in rows for name in row[:2]} - seen
    return list(found)


def read_people(session: Session, customer_ids: Iterable[str]) -> People:
    """Return the persons of some customers."""
    return People(read_merges(session, customer_ids))


def may_be_one(session: Session, one: str | None, other: str | None) -> bool:
    """Tell whether two customers are one person now; None, nobody is named, may be anybody."""
    if one is None or other is None or one == other:
        return True
    people = read_people(session, (one, other))
    return people.root(one) == people.root(other)


def read_persons(session: Session) -> Mapping[str, tuple[str, ...]]:
    """Return all customer ids by root, of everybody who has several."""
    return People(Merge._make(row) for row in session.all(ALL_MERGES, {})).persons


def note_logins(work: Work, logins: Sequence[Login], now: float) -> None:
    """Link ids to the persons they came with, and merge what was anonymous, by their rules."""
    for login in logins:
        _note(work, login, now)


def _note(work: Work, login: Login, now: float) -> None:
    one, customer_id = (login.namespace, login.id_hash), login.customer_id
    links = read_links(work.session, [login.id_hash])
    held_by = holders(links).get(one, ())
    anonymous = anonymous_id(login.id_hash)
    merges = read_merges(work.session, (customer_id, anonymous, *held_by))
    people = People(merges)
    if not is_new(one, customer_id, login.rule, held_by, people):
        return
    _add_link(work, links, Link(*one, customer_id, "linked", now, "request"))
    others = {people.root(holder) for holder in held_by} - {anonymous}
    # A device of several persons is merged into none of the later ones, and somebody anonymous
    # never into two: that would make one person of both. What was taken back stays so.
    if (
        login.rule.on_login == "merge"
        and not others
        and people.root(anonymous) == anonymous
        and not any(row[:2] == (anonymous, customer_id) for row in merges)
        and len(people.aliases(customer_id)) < login.most_aliases
    ):
        rule = f"on_login:{login.namespace}"
        _add_merge(work, merges, Merge(anonymous, customer_id, "merged", rule, now, "request"))


def state_links(work: Work, stated: Sequence[Stated], now: float, source: str) -> list[Change]:
    """Link ids to customers because somebody says so, or take links back."""
    return [_state(work, one, now, source) for one in stated]


def _state(work: Work, stated: Stated, now: float, source: str) -> Change:
    links = read_links(work.session, [stated.id_hash])
    held_by = holders(links).get((stated.namespace, stated.id_hash), ())
    # Who is linked already is so again where somebody else was linked since: the newest counts.
    if stated.linked and held_by[:1] == (stated.customer_id,):
        return "unchanged"
    if not stated.linked and stated.customer_id not in held_by:
        return "unchanged"
    status = "linked" if stated.linked else "unlinked"
    row = Link(stated.namespace, stated.id_hash, stated.customer_id, status, now, source)
    _add_link(work, links, row)
    anonymous = anonymous_id(stated.id_hash)
    # Nothing was done under a strong id that was never sent: then it would be linked to itself.
    used = stated.rule.strength == "weak" or anonymous in held_by
    if stated.linked and stated.rule.on_login == "merge" and used:
        _take_over(work, anonymous, row, set(held_by))
    return "changed"


def _take_over(work: Work, anonymous: str, row: Link, held_by: set[str]) -> None:
    """Merge what was done anonymously under an id, unless it is somebody else's already."""
    merges = read_merges(work.session, (anonymous, row.customer_id))
    people = People(merges)
    if held_by - {anonymous} or people.root(anonymous) != anonymous:
        return
    if people.root(row.customer_id) == anonymous:
        return
    rule = f"link:{row.namespace}"
    merge = Merge(anonymous, row.customer_id, "merged", rule, row.recorded_at, row.source)
    _add_merge(work, merges, merge)


def merge_customers(
    work: Work, absorbed_id: str, customer_id: str, now: float, source: str
) -> Change:
    """Make one customer another; nothing changes where they are one person already."""
    merges = read_merges(work.session, (absorbed_id, customer_id))
    people = People(merges)
    if people.root(absorbed_id) == people.root(customer_id):
        return "unchanged"
    row = Merge(absorbed_id, customer_id, "merged", "explicit", now, source)
    _add_merge(work, merges, row)
    return "changed"


def unmerge_customers(
    work: Work, absorbed_id: str, customer_id: str, now: float, source: str
) -> Change:
    """Take back the merge that joins two customers; nothing changes where there is none.

    It is the one between the two; or else that by which `absorbed_id` came to the person.
    """
    merges = read_merges(work.session, (absorbed_id, customer_id))
    people = People(merges)
    if people.root(absorbed_id) != people.root(customer_id):
        return "unchanged"
    pair = {absorbed_id, customer_id}
    chosen = [row for row in people.applied if set(row[:2]) == pair]
    chosen = chosen or [row for row in people.applied if row.absorbed_id == absorbed_id]
    for row in chosen:
        back = row._replace(status="unmerged", rule="explicit", recorded_at=now, source=source)
        _add_merge(work, merges, back)
    return "changed" if chosen else "unchanged"


def _add_link(work: Work, known: Sequence[Link], row: Link) -> None:
    same = (one.recorded_at for one in known if one[:2] == row[:2])
    row = row._replace(recorded_at=_after(same, row.recorded_at))
    work.session.many(INSERT_LINK, [_columns("identity_id", row)])


def _add_merge(work: Work, known: Sequence[Merge], row: Merge) -> None:
    same = (one.recorded_at for one in known if one[:2] == row[:2])
    row = row._replace(recorded_at=_after(same, row.recorded_at))
    work.session.many(INSERT_MERGE, [_columns("merge_id", row)])
    # Whoever decides in this transaction has to look again.
    work.people = None


def _after(times: Iterable[float], now: float) -> float:
    """Return a moment after those of earlier rows about the same, even where the clock stands."""
    latest = max(times, default=None)
    return now if latest is None or latest < now else latest + _TICK


def _columns(key: str, row: Link | Merge) -> Parameters:
    words = "\0".join(str(one) for one in row if isinstance(one, str))
    digest = sha256(words.encode() + pack(">d", row.recorded_at)).hexdigest()
    return {key: digest, **row._asdict()}
