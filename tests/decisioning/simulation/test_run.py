from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from decisioning.decide import decide
from decisioning.history import NO_HISTORY, Consent, History
from decisioning.simulation import question, run
from decisioning.simulation.answered import LEFT, NO_ACTION
from decisioning.world import build_world
from features.calendar import Calendar
from features.errors import LedgerError


def decisions(bench: Any, configuration: Any) -> list[Any]:
    """Decide for everybody as the service does, without the simulation."""
    world = build_world(configuration, bench.model, bench.layout, Calendar())
    return [
        decide(
            replace(question("web"), customer_id=customer_id),
            bench.audience.profiles.take(np.array([row])),
            bench.popularity,
            world,
            bench.now,
            NO_HISTORY,
        )
        for row, customer_id in enumerate(bench.audience.customer_ids)
    ]


def test_it_answers_what_the_service_decides(bench: Any) -> None:
    configuration = bench.configuration()
    _, answered = bench.run(configuration)
    decided = decisions(bench, configuration)
    assert answered.first_ids == [one.results[0].action_id for one in decided]
    for stage in ("catalog", "consent", "eligibility", "scoring"):
        counted = [next(c.removed for c in one.funnel if c.stage == stage) for one in decided]
        assert answered.removed_at(stage).tolist() == counted
    assert answered.worth.tolist() == [
        (one.results[0].propensity or 0.0) * one.results[0].value for one in decided
    ]


def test_who_bought_everything_lately_is_left_without_an_action(bench: Any) -> None:
    _, answered = bench.run(bench.configuration())
    assert answered.first[4] == NO_ACTION
    assert answered.first_ids[4] == "do_nothing"
    assert answered.left.tolist()[4] == 0
    assert answered.worth[4] == 0.0
    assert np.isnan(answered.best_propensity[4])


def test_without_consent_everybody_is_left_without_an_action(bench: Any) -> None:
    _, answered = bench.run(bench.configuration(policies=""))
    assert (answered.first == NO_ACTION).all()
    assert answered.removed_at("consent").tolist() == [4] * 6
    assert {one.reason for one in answered.verdicts if one} == {"no_consent"}


def test_the_history_of_each_customer_counts(bench: Any) -> None:
    asked: list[str] = []

    def history_of(customer_id: str, now: float, needs: Any) -> History:
        asked.append(customer_id)
        assert now == bench.now.timestamp() and needs.consents
        objects = customer_id == "c1"
        return History(consents=(Consent("marketing", "all", "objected", 1.0),) if objects else ())

    _, answered = bench.run(bench.configuration(), history_of)
    assert asked == bench.audience.customer_ids
    assert answered.removed_at("consent").tolist() == [0, 4, 0, 0, 0, 0]


def test_a_ledger_that_cannot_be_read_ends_it(bench: Any) -> None:
    def history_of(customer_id: str, now: float, needs: Any) -> History:
        raise LedgerError("ledger.db: disk image is malformed")

    with pytest.raises(LedgerError):
        bench.run(bench.configuration(), history_of)


def test_it_does_not_explore_even_where_the_channel_does(bench: Any) -> None:
    wild = "exploration: {web: {kind: epsilon, epsilon: 1.0}}\n"
    _, answered = bench.run(bench.configuration(arbitration=wild))
    _, quiet = bench.run(bench.configuration(name="quiet"))
    assert answered.first_ids == quiet.first_ids


@pytest.mark.parametrize("arbitration", ["", "diversity: {per_issue: 1}\n"])
def test_what_a_limit_keeps_out_of_the_answer_was_still_left_to_choose_from(
    bench: Any, arbitration: str
) -> None:
    _, answered = bench.run(bench.configuration(arbitration=arbitration))
    _, free = bench.run(bench.configuration(name="free"))
    assert answered.left.tolist() == free.left.tolist() == [3, 4, 4, 3, 0, 4]
    assert len(answered.entries.action) == len(free.entries.action) == 18
    order, other = (
        np.lexsort((one.entries.action, one.entries.customer)) for one in (answered, free)
    )
    for name in ("propensity", "value", "lever", "context_weight"):
        mine, theirs = (getattr(one.entries.factors, name) for one in (answered, free))
        assert mine[order].tolist() == theirs[other].tolist()


def test_entries_are_exactly_what_no_stage_turned_down(bench: Any) -> None:
    _, answered = bench.run(bench.configuration())
    kept = np.zeros_like(answered.verdict, dtype=bool)
    kept[answered.entries.customer, answered.entries.action] = True
    assert (kept == (answered.verdict == LEFT)).all()


def test_progress_is_told_customer_by_customer(bench: Any) -> None:
    told: list[int] = []
    variant = bench.variant(bench.configuration())
    run(variant, bench.audience, question("web"), bench.now, None, told.append)
    assert told == [1, 2, 3, 4, 5, 6]


def test_the_catalog_may_have_other_actions(bench: Any) -> None:
    new = "  - id: club\n    name: {en: Club, de: Klub}\n    issue: win_back\n    group: dairy\n"
    new += "    propensity: 0.9\n    value: {kind: fixed, amount: 90}\n"
    configuration = bench.configuration(("actions:\n", f"actions:\n{new}"))
    wide = replace(bench, popularity=np.concatenate([bench.popularity, bench.popularity], axis=1))
    _, answered = replace(wide, popularity=wide.popularity[:, :5]).run(configuration)
    assert answered.first_ids == ["club"] * 6
