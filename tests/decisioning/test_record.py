"""What is written down of a decision is read back as it was, and nothing else is taken for one."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import numpy as np
import pytest
from changed_worlds import Asker, with_action

from decisioning.decision import RankedAction
from decisioning.history import Consent, Contact, History, Volume
from decisioning.record import (
    Shared,
    digest_of,
    layout_content,
    layout_from,
    payload_of,
    popularity_content,
    popularity_from,
    profiles_from,
    read_record,
    vectors_of,
)
from decisioning.request import ContextEntry, DecisionRequest
from decisioning.world import World
from features.errors import LedgerError
from features.layout import Layout
from features.profiles import Profiles

SHARED = Shared(
    configuration="c", layout="l", profile_layout="p", popularity="o", time_zone="UTC",
    without_model=True,
)  # fmt: skip
HISTORY = History(
    contacts=(
        Contact("tea", "breakfast", "win_back", "web", "presented", 1.25, "d", 99.5),
        Contact("tea", "breakfast", "win_back", "web", "refused", 2.0, "d"),
    ),
    consents=(Consent("marketing", "all", "granted", 0.1),),
    volumes=(Volume("tea", "web", 17_532, 3),),
    time_zone="Europe/Berlin",
)
FULL = DecisionRequest(
    "0",
    channel="advisor",
    context="advisor",
    direction="outbound",
    placements=("card",),
    contexts=(ContextEntry("page", "category", "tea"),),
    candidates=("tea", "coffee", "ghost"),
    excluded=("coffee",),
    max_results=7,
    mode="deferred",
    explain="none",
    language="de",
    decision_request_id="r",
)


@pytest.fixture
def ask(world: World, profile: Profiles, popularity: np.ndarray, now: datetime) -> Asker:
    return Asker(world, profile, popularity, now)


@pytest.mark.parametrize("request_", [DecisionRequest(None), FULL], ids=["short", "full"])
@pytest.mark.parametrize("history", [None, History(), HISTORY], ids=["unread", "empty", "full"])
def test_a_record_is_read_as_it_was_written(
    ask: Asker, request_: DecisionRequest, history: History | None
) -> None:
    decision = ask(request=request_, history=history)
    record = read_record(payload_of(request_, decision, history, SHARED))
    assert record.request == request_
    assert record.history == history
    assert (record.now, record.decision_id) == (decision.decided_at, decision.decision_id)
    assert record.shared == SHARED
    assert (record.candidates, record.degraded) == (decision.candidates, decision.degraded)
    assert record.consent_assumed == decision.consent_assumed
    assert record.versions == vars(decision.versions)


def test_every_number_of_a_result_is_kept_to_the_last_bit(ask: Asker, world: World) -> None:
    odd = with_action(world, "tea", value={"kind": "fixed", "amount": 0.1 + 0.2}, mandatory=True)
    decision = ask(world=odd)
    record = read_record(payload_of(ask.request, decision, ask.history, SHARED))
    assert len(record.results) == 3
    for kept, result in zip(record.results, decision.results, strict=True):
        for name, value in kept.items():
            assert getattr(result, name) == value, name
        assert set(RankedAction._fields) - set(kept) == {"name", "treatment", "reasons"}


def test_removals_are_kept_with_the_end_of_their_reason(ask: Asker, world: World) -> None:
    soon = with_action(world, "tea", valid_from="2018-02-01T00:00:00+00:00")
    decision = ask(world=soon)
    record = read_record(payload_of(ask.request, decision, ask.history, SHARED))
    assert [one[:5] for one in record.removed] == [tuple(one)[:5] for one in decision.removed]
    assert record.removed[0][5] == "2018-02-01T00:00:00+00:00"


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content.update(format=2),
        lambda content: content.pop("format"),
        lambda content: content.pop("request"),
        lambda content: content["request"].update(colour="red"),
        lambda content: content["results"][0].pop(),
        lambda content: content.update(now="yesterday"),
        lambda content: content.update(shared={}),
        lambda content: content.update(versions={}),
    ],
)
def test_a_record_that_is_not_whole_is_refused(ask: Asker, change: Any) -> None:
    content = json.loads(payload_of(ask.request, ask(), ask.history, SHARED))
    change(content)
    with pytest.raises(LedgerError, match="not the record of a decision"):
        read_record(json.dumps(content).encode())


@pytest.mark.parametrize("payload", [b"", b"\xff", b"[]", b"null", b"{}"])
def test_what_is_no_record_is_refused(payload: bytes) -> None:
    with pytest.raises(LedgerError, match="not the record of a decision"):
        read_record(payload)


def test_the_numbers_of_a_profile_are_kept_to_the_last_bit(
    profile: Profiles, layout: Layout
) -> None:
    again = profiles_from(vectors_of(profile), "007", layout)
    np.testing.assert_array_equal(again.vectors, profile.vectors)
    assert again.customer_ids.tolist() == ["007"]
    assert profiles_from(vectors_of(profile), None, layout).customer_ids.tolist() == [""]


def test_numbers_of_another_layout_are_refused(profile: Profiles) -> None:
    with pytest.raises(LedgerError, match="numbers of a profile, its layout has"):
        profiles_from(vectors_of(profile), "007", Layout.of(("X",), ()))


def test_layout_and_popularity_are_read_as_they_were_written(
    layout: Layout, popularity: np.ndarray
) -> None:
    assert layout_from(layout_content(layout)) == layout
    assert layout_from(layout_content(layout)).hash == layout.hash
    popularity[0, 1, 2] = np.nan
    np.testing.assert_array_equal(popularity_from(popularity_content(popularity)), popularity)
    nothing = np.empty((1, 0, 6))
    assert popularity_from(popularity_content(nothing)).shape == (1, 0, 6)
    # Bytes of a number may look like the end of the line that tells the shape.
    ten = np.frombuffer(b"\n" * 48, dtype="<f8").reshape(1, 1, 6)
    np.testing.assert_array_equal(popularity_from(popularity_content(ten)), ten)


def test_a_digest_is_the_sha_256_of_the_bytes() -> None:
    assert digest_of(b"") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
