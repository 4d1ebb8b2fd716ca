"""Who is meant by some ids: the one rule, for decisions and events, in requests and in batches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from decisioning.identity_rules import IdentityRules, LoginRule
from features.identity import anonymous_id, is_anonymous, shared_id
from features.people import People

Holders = Mapping[tuple[str, str], tuple[str, ...]]
"""By namespace and hash the customers that an id is linked to, the newest link first."""


@dataclass(frozen=True)
class Presented:
    """The ids that came together.

    Attributes
    ----------
    customer_ids : ids of the data, which need no look-up.
    hashed : the others, as (namespace, keyed hash).
    """

    customer_ids: tuple[str, ...] = ()
    hashed: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Login:
    """An id that came together with a person, to be linked to them.

    Attributes
    ----------
    most_aliases : how many customer ids the person may have before none is merged any more.
    """

    namespace: str
    id_hash: str
    customer_id: str
    rule: LoginRule
    most_aliases: int


@dataclass(frozen=True)
class Recognised:
    """Who it is.

    Attributes
    ----------
    customer_id : the root of the person; None for nobody.
    codes : `identity_not_resolved` or `identities_disagree`, for `degraded`.
    logins : what is new and has to be written down.
    people : the persons it was found with; None where they could not be read.
    """

    customer_id: str | None
    codes: tuple[str, ...] = ()
    logins: tuple[Login, ...] = field(default=(), repr=False)
    people: People | None = field(default=None, repr=False, compare=False)


def recognise(
    presented: Presented, rules: IdentityRules, holders: Holders, people: People
) -> Recognised:
    """Return who is meant.

    Persons that a strong id is known to name come first, then anonymous ones of a strong id, then
    whoever the weak ids stand for. The most trusted namespace decides; that others name somebody
    else is told, and joins nobody.

    Parameters
    ----------
    holders, people : at least of everybody who may be meant (`concerned`).
    """
    if len(presented.customer_ids) == 1 and not presented.hashed:
        # One customer named outright, as in most questions: nobody else could be meant.
        return Recognised(people.root(presented.customer_ids[0]), people=people)
    found = _weighed(presented, rules, holders, people)
    return replace(found, people=people)


def _weighed(
    presented: Presented, rules: IdentityRules, holders: Holders, people: People
) -> Recognised:
    """Return whom the ids name together."""
    ordered = sorted(presented.hashed, key=lambda one: (rules.place(one[0]), *one))
    strong = [one for one in ordered if rules.of(one[0]).strength == "strong"]
    weak = [one for one in ordered if rules.of(one[0]).strength == "weak"]
    named = [("", people.root(one)) for one in sorted(set(presented.customer_ids))]
    named += [(one[0], _named_by(one, holders, people)) for one in strong]
    if named:
        chosen = _chosen(named)
        if chosen.customer_id is None:
            return chosen
        logins = _logins(chosen.customer_id, ordered, rules, holders, people)
        return Recognised(chosen.customer_id, chosen.codes, logins)
    visitors = [_visitor(one, rules, holders, people) for one in weak]
    if not visitors:
        return Recognised(None, ("identity_not_resolved",))
    known = list(dict.fromkeys(one for one in visitors if not is_anonymous(one)))
    codes = ("identities_disagree",) if len(known) > 1 else ()
    return Recognised((known or visitors)[0], codes)


def concerned(presented: Presented, holders: Holders) -> tuple[str, ...]:
    """Return the customers whose persons have to be known for `recognise`."""
    found = dict.fromkeys(presented.customer_ids)
    for one in presented.hashed:
        found |= dict.fromkeys(holders.get(one, ()))
        found |= dict.fromkeys((anonymous_id(one[1]), shared_id(one[1])))
    return tuple(found)


def _named_by(one: tuple[str, str], holders: Holders, people: People) -> str:
    """Return the person of a strong id: of the newest link, or somebody anonymous."""
    held = holders.get(one)
    return people.root(held[0] if held else anonymous_id(one[1]))


def _chosen(named: Sequence[tuple[str, str]]) -> Recognised:
    """Return whom the most trusted namespace names, of (namespace, person) in order of trust."""
    known = [one for one in named if not is_anonymous(one[1])]
    if not known:
        return Recognised(named[0][1])
    decides = {person for namespace, person in known if namespace == known[0][0]}
    if len(decides) > 1:
        return Recognised(None, ("identity_not_resolved",))
    codes = ("identities_disagree",) if len({person for _, person in known}) > 1 else ()
    return Recognised(known[0][1], codes)


def _visitor(one: tuple[str, str], rules: IdentityRules, holders: Holders, people: People) -> str:
    """Return whom a weak id stands for when it comes alone."""
    persons = {people.root(holder) for holder in holders.get(one, ())}
    if len(persons) > 1 and rules.of(one[0]).shared == "nobody":
        return people.root(shared_id(one[1]))
    return people.root(anonymous_id(one[1]))


def _logins(
    customer_id: str,
    ordered: Sequence[tuple[str, str]],
    rules: IdentityRules,
    holders: Holders,
    people: People,
) -> tuple[Login, ...]:
    """Return the ids that are to be linked to the person they came together with.

    A strong id that nobody has is linked as well, if need be to its own anonymous customer: then
    whoever it is linked to later takes over what was done under it.
    """
    return tuple(
        Login(*one, customer_id, rules.of(one[0]), rules.most_aliases)
        for one in ordered
        if is_new(one, customer_id, rules.of(one[0]), holders.get(one, ()), people)
    )


def is_new(
    one: tuple[str, str], customer_id: str, rule: LoginRule, held_by: Sequence[str], people: People
) -> bool:
    """Tell whether an id is to be linked to a customer.

    A weak one is, once for each person; a strong one only while it names nobody else.
    """
    persons = {people.root(holder) for holder in held_by}
    if people.root(customer_id) in persons:
        return False
    return rule.strength == "weak" or persons <= {anonymous_id(one[1])}
