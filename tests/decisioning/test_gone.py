"""Entries of turned down actions are made once for each grounds."""

from __future__ import annotations

from decisioning.decision import Removed
from decisioning.gone import Gone, Grounds

DISABLED = Grounds("catalog", "", "enabled", "disabled")


def test_there_is_an_entry_of_each_action_in_their_order() -> None:
    assert Gone(("coffee", "tea")).of(*DISABLED) == (
        Removed("coffee", "catalog", "", "enabled", "disabled"),
        Removed("tea", "catalog", "", "enabled", "disabled"),
    )


def test_the_same_grounds_give_the_very_same_entries() -> None:
    gone = Gone(("coffee", "tea"))
    assert gone.of(*DISABLED) is gone.of(*DISABLED)
    assert gone.of(*DISABLED._replace(reason="expired"))[0].reason == "expired"


def test_two_catalogs_do_not_share_their_entries() -> None:
    assert Gone(("tea",)).of(*DISABLED)[0].action_id == "tea"
    assert Gone(("eggs",)).of(*DISABLED)[0].action_id == "eggs"


def test_what_is_kept_is_bounded_however_many_grounds_there_are() -> None:
    gone = Gone(("tea",))
    for number in range(3_000):
        gone.of("contact", "", f"cap_{number}", "too_often")
    assert gone.of.cache_info().currsize < 3_000
