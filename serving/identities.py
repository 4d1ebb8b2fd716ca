"""Identities on their way into the ledger, and back out of it as an explanation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from decisioning.configuration import beside
from decisioning.identity_rules import IdentityRules, load_identity_rules
from decisioning.ledger.identities import Stated
from decisioning.ledger.ledger import Ledger
from decisioning.ledger.people_log import PeopleLog
from decisioning.recognition import Presented, recognise
from features.canonical.tables import open_tables
from features.errors import ConfigError
from features.identity import Link, anonymous_id, is_anonymous, normalised, shared_id
from features.people import Merge
from serving.settings import Settings
from serving.start import identity_key


def stated(
    settings: Settings, namespace: str, written: str, customer_id: str, linked: bool = True
) -> Stated:
    """Return a link as somebody at the terminal states it.

    Raises
    ------
    ConfigError : the id or the customer is empty.
    """
    if not normalised(namespace, written) or not namespace or not customer_id:
        raise ConfigError("the namespace, the id and the customer must not be empty")
    rule = _rules(settings).of(namespace)
    id_hash = identity_key(settings).hash(namespace, written, rule.in_data)
    return Stated(namespace, id_hash, customer_id, rule, linked)


def stated_of_tables(settings: Settings) -> Sequence[Stated]:
    """Return the links of the ingested identities table, oldest first; none where there is none."""
    rules, key = _rules(settings), identity_key(settings)
    columns = ("customer_id", "namespace", "id_hash", "valid_from")
    table = open_tables(settings.home / "data").identities
    rows = table.select(*columns).to_pyarrow().to_pylist()
    # Of two customers of one id the later one counts.
    rows.sort(key=lambda row: (row["valid_from"] or datetime.min, row["customer_id"]))
    found = []
    for row in rows:
        namespace, text = row["namespace"], row["id_hash"]
        rule = rules.of(namespace)
        as_sent = rule.in_data == "as_sent"
        told = normalised(namespace, text) if as_sent else text.strip().lower()
        if told:
            id_hash = key.hash_of_data(namespace, told)
            found.append(Stated(namespace, id_hash, row["customer_id"], rule))
    return found


def customer_of_text(settings: Settings, ledger: Ledger, text: str) -> str:
    """Return the customer of NAMESPACE=ID, or the text itself, which is a customer id then."""
    namespace, equals, written = text.partition("=")
    if not equals:
        return text
    rules = _rules(settings)
    id_hash = identity_key(settings).hash(namespace, written, rules.of(namespace).in_data)
    presented = Presented(hashed=((namespace, id_hash),))
    held, people = ledger.people.look_up([presented])
    who = recognise(presented, rules, held, people)
    # Where it goes by a merge, the explanation begins at the anonymous customer of the id.
    own = anonymous_id(id_hash)
    return own if people.root(own) == who.customer_id else who.customer_id or own


def explain(people: PeopleLog, one: str, other: str) -> tuple[list[str], bool]:
    """Return why two customer ids are one person, or that they are two, line by line."""
    links, persons = people.log_of([one, other])
    chain = persons.chain(one, other)
    if chain is None:
        told = [f"{one} and {other} are two persons", *_persons([persons.aliases(one)])]
        return [*told, *_persons([persons.aliases(other)]), *_shared(links)], False
    root = persons.root(one)
    told = [f"{one} and {other} are one person, kept under {root}"]
    told += [_merged(merge) for merge in chain]
    named = {one, other, *(name for merge in chain for name in merge[:2])}
    for link in links:
        if {link.customer_id, anonymous_id(link.id_hash)} & named:
            told.append(_linked(link))
    return told + list(_persons([persons.aliases(root)])), True


def _persons(persons: Sequence[Sequence[str]]) -> Iterator[str]:
    for aliases in persons:
        if len(aliases) > 1:
            yield f"  all ids of {aliases[0]}: {', '.join(aliases)}"


def _shared(links: Sequence[Link]) -> Iterator[str]:
    """Tell of ids that both persons used."""
    by_id: dict[tuple[str, str], list[Link]] = {}
    for link in links:
        by_id.setdefault(link[:2], []).append(link)
    for same in by_id.values():
        if len({link.customer_id for link in same if not is_anonymous(link.customer_id)}) > 1:
            yield f"  {same[0].namespace} {same[0].id_hash[:12]}... was used by both:"
            yield from (f"  {_linked(link)}" for link in same)
            yield f"    used by nobody in particular it is {shared_id(same[0].id_hash)}"


def _merged(merge: Merge) -> str:
    told = f"{merge.absorbed_id} was merged into {merge.customer_id}"
    return f"  {told} {_at(merge.recorded_at)} by {merge.rule} ({merge.source})"


def _linked(link: Link) -> str:
    told = f"{link.namespace} {link.id_hash[:12]}... was {link.status} to {link.customer_id}"
    if link.status == "unlinked":
        told = told.replace(" to ", " from ")
    return f"  {told} {_at(link.recorded_at)} ({link.source})"


def _at(moment: float) -> str:
    return f"at {datetime.fromtimestamp(moment, UTC):%Y-%m-%d %H:%M:%S} UTC"


def _rules(settings: Settings) -> IdentityRules:
    return load_identity_rules(beside(settings.catalog_file, "identity"))
