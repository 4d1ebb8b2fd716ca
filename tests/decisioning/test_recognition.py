"""Who is meant by some ids, rule by rule."""

from __future__ import annotations

import pytest

from decisioning.identity_rules import IdentityRules
from decisioning.recognition import Presented, Recognised, recognise
from features.identity import anonymous_id, shared_id
from features.people import Merge, People

RULES = IdentityRules()
COOKIE, DEVICE, CARD, MAIL = (
    ("cookie", "c" * 64),
    ("device", "d" * 64),
    ("loyalty", "1" * 64),
    ("email", "e" * 64),
)
VISITOR = anonymous_id(COOKIE[1])


def merge(absorbed: str, customer: str) -> Merge:
    return Merge(absorbed, customer, "merged", "explicit", 1.0, "api")


def who(
    *ids: tuple[str, str], holders: object = None, merges: tuple[Merge, ...] = (), **more: object
) -> Recognised:
    presented = Presented(tuple(more.get("named", ())), ids)  # type: ignore[arg-type]
    rules = more.get("rules", RULES)
    return recognise(presented, rules, holders or {}, People(merges))  # type: ignore[arg-type]


def test_a_known_strong_id_is_its_customer() -> None:
    found = who(CARD, holders={CARD: ("7",)})
    assert (found.customer_id, found.codes, found.logins) == ("7", (), ())


def test_a_visitor_is_a_stable_anonymous_customer_and_leaves_no_row() -> None:
    assert who(COOKIE) == Recognised(VISITOR)


def test_the_weaker_of_two_unknown_ids_changes_nothing() -> None:
    assert who(COOKIE, DEVICE).customer_id == anonymous_id(DEVICE[1])


def test_a_visitor_who_logs_in_is_the_customer_and_the_link_is_new() -> None:
    found = who(COOKIE, CARD, holders={CARD: ("7",)})
    assert found.customer_id == "7"
    assert [(one.namespace, one.customer_id) for one in found.logins] == [("cookie", "7")]
    again = who(COOKIE, CARD, holders={CARD: ("7",), COOKIE: ("7",)})
    assert again.logins == ()


def test_a_customer_id_needs_no_look_up_and_follows_merges() -> None:
    assert who(named=["7"]) == Recognised("7")
    assert who(named=["7"], merges=(merge("7", "8"),)).customer_id == "8"
    assert who(named=["7", "8"], merges=(merge("7", "8"),)).customer_id == "8"


def test_two_customer_ids_name_nobody() -> None:
    assert who(named=["7", "8"]) == Recognised(None, ("identity_not_resolved",))
    assert who() == Recognised(None, ("identity_not_resolved",))


def test_of_strong_ids_that_disagree_the_more_trusted_decides_and_nothing_is_merged() -> None:
    found = who(MAIL, CARD, holders={CARD: ("7",), MAIL: ("8",)})
    assert found == Recognised("7", ("identities_disagree",))
    one = who(MAIL, CARD, holders={CARD: ("7",), MAIL: ("8",)}, merges=(merge("8", "7"),))
    assert one == Recognised("7")


def test_two_persons_of_one_strong_namespace_are_nobody() -> None:
    other = ("loyalty", "2" * 64)
    found = who(CARD, other, holders={CARD: ("7",), other: ("8",)})
    assert found == Recognised(None, ("identity_not_resolved",))


def test_an_unknown_strong_id_does_not_disagree_and_is_learned() -> None:
    found = who(MAIL, CARD, holders={MAIL: ("8",)})
    assert (found.customer_id, found.codes) == ("8", ())
    assert [one.namespace for one in found.logins] == ["loyalty"]


def test_a_strong_id_nobody_has_is_somebody_anonymous_with_a_row_of_its_own() -> None:
    found = who(CARD)
    assert found.customer_id == anonymous_id(CARD[1])
    assert [(one.namespace, one.customer_id) for one in found.logins] == [
        ("loyalty", anonymous_id(CARD[1]))
    ]


def test_a_device_of_two_persons_stands_for_nobody_and_of_one_person_for_him() -> None:
    holders = {COOKIE: ("8", "7")}
    first = (merge(VISITOR, "7"),)
    assert who(COOKIE, holders=holders, merges=first) == Recognised(shared_id(COOKIE[1]))
    both = (*first, merge("8", "7"))
    assert who(COOKIE, holders=holders, merges=both) == Recognised("7")


def test_a_device_may_stay_with_its_first_person() -> None:
    rules = IdentityRules.model_validate({"namespaces": [{"id": "cookie", "shared": "first"}]})
    found = who(COOKIE, holders={COOKIE: ("8", "7")}, merges=(merge(VISITOR, "7"),), rules=rules)
    assert found == Recognised("7")


@pytest.mark.parametrize("ids", [(COOKIE, DEVICE), (DEVICE, COOKIE)])
def test_of_weak_ids_a_known_person_comes_before_somebody_anonymous(
    ids: tuple[tuple[str, str], ...],
) -> None:
    assert who(*ids, merges=(merge(VISITOR, "7"),)) == Recognised("7")
    second = merge(anonymous_id(DEVICE[1]), "8")
    found = who(*ids, merges=(merge(VISITOR, "7"), second))
    assert found == Recognised("8", ("identities_disagree",))
