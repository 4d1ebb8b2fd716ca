from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from decisioning.simulation.weak import only_weak, weak_threshold

NO_COFFEE = ("    category: COFFEE\n", "    category: COFFEE\n    enabled: false\n")


def test_the_same_configuration_changes_nobody(bench: Any) -> None:
    report = bench.report(bench.configuration(), bench.configuration(name="copy"))
    assert report.movement.customers == 0
    assert report.movement.flows == report.movement.examples == ()
    assert report.movement.worth.mean == report.movement.worth.error == 0.0
    assert report.before.actions == report.after.actions
    assert report.edits == report.changed_files == ()


def test_the_funnel_counts_what_enters_and_leaves_each_stage_on_average(bench: Any) -> None:
    report = bench.report(bench.configuration(), bench.configuration(NO_COFFEE, name="after"))
    assert report.changed_files == ("actions.yaml",)
    before = {one.stage: one for one in report.before.funnel}
    after = {one.stage: one for one in report.after.funnel}
    assert "arbitration" not in before
    # Bought in the last 56 days: eggs by two customers, everything by one.
    assert (before["eligibility"].entered, before["eligibility"].removed) == (4.0, 1.0)
    assert before["scoring"].left == report.before.optionality.mean == 3.0
    assert (after["catalog"].removed, after["eligibility"].entered) == (1.0, 3.0)
    assert after["scoring"].left == report.after.optionality.mean == pytest.approx(3.0 - 5 / 6)


def test_optionality_sorts_customers_by_what_is_left_to_them(bench: Any) -> None:
    report = bench.report(bench.configuration(), bench.configuration(name="copy"))
    assert report.before.optionality.shares == {"0": 1 / 6, "1": 0.0, "2-6": 5 / 6, "7+": 0.0}
    assert report.before.optionality.median == 3.5
    assert report.before.optionality.health == "fair"
    assert (report.before.no_action, report.before.no_action_health) == (1 / 6, "fair")


def test_who_loses_the_first_action_is_told_where_to_and_why(bench: Any) -> None:
    current = bench.configuration()
    report = bench.report(current, bench.configuration(NO_COFFEE, name="after"))
    _, before = bench.run(current)
    had_coffee = before.first_ids.count("coffee")
    assert had_coffee > 0
    assert report.movement.customers == had_coffee
    assert sum(flow.customers for flow in report.movement.flows) == had_coffee
    for flow in report.movement.flows:
        assert flow.before == "coffee" != flow.after
        assert flow.because == "coffee: catalog / enabled / disabled"
    shown = {one.customer_id for one in report.movement.examples}
    assert len(shown) == had_coffee <= 20


def test_who_gets_a_lifted_action_is_told_that_its_lever_was_raised(bench: Any) -> None:
    lifted = bench.configuration(arbitration="levers: {groups: {dairy: 5000}}\n", name="lifted")
    report = bench.report(bench.configuration(), lifted)
    assert report.movement.customers > 0
    for flow in report.movement.flows:
        assert (flow.after, flow.because) == ("eggs", "lever of eggs raised")
    assert report.movement.worth.mean < 0.0, "a lever pays with expected value"


def test_what_became_possible_is_told(bench: Any) -> None:
    changed = bench.configuration(("more_than: 56", "more_than: 0"), name="changed")
    report = bench.report(bench.configuration(), changed)
    reasons = {flow.because for flow in report.movement.flows if flow.before == "do_nothing"}
    assert len(reasons) == 1
    assert "was not possible: eligibility / not_bought_in_56_days" in reasons.pop()


def test_a_factor_that_is_switched_off_is_another_ranking(bench: Any) -> None:
    changed = bench.configuration(arbitration="factors: {value: false}\n", name="changed")
    report = bench.report(bench.configuration(), changed)
    assert {flow.because for flow in report.movement.flows} <= {"ranked by other factors"}


def test_the_expected_value_is_a_mean_with_the_error_of_its_sample(bench: Any) -> None:
    report = bench.report(bench.configuration(), bench.configuration(NO_COFFEE, name="after"))
    (_, before), (_, after) = (
        bench.run(bench.configuration()),
        bench.run(bench.configuration(NO_COFFEE, name="after")),
    )
    assert report.before.worth.mean == pytest.approx(before.worth.mean())
    error = before.worth.std(ddof=1) / np.sqrt(6)
    assert report.before.worth.error == pytest.approx(error)
    difference = after.worth - before.worth
    assert report.movement.worth.mean == pytest.approx(difference.mean())
    assert report.movement.worth.error == pytest.approx(difference.std(ddof=1) / np.sqrt(6))


def test_weak_is_the_lowest_twentieth_of_the_best_propensities_now(bench: Any) -> None:
    _, answered = bench.run(bench.configuration())
    threshold = weak_threshold(answered)
    best = answered.best_propensity[~np.isnan(answered.best_propensity)]
    assert threshold == pytest.approx(np.quantile(best, 0.05))
    assert only_weak(answered, threshold).tolist() == [
        bool(one < threshold) for one in answered.best_propensity
    ]
    assert not only_weak(answered, None).any()


def test_a_threshold_that_somebody_chose_counts(bench: Any) -> None:
    copy = bench.configuration(name="copy")
    report = bench.report(bench.configuration(), copy, weak_below=1.0)
    assert (report.weak_below, report.weak_is_given) == (1.0, True)
    assert report.before.weak == 5 / 6, "who has no action has no weak one either"


def test_actions_of_only_one_catalog_are_told_apart(bench: Any) -> None:
    before = bench.configuration()
    after = bench.configuration(("  - id: tea\n", "  - id: green_tea\n"), name="after")
    report = bench.report(before, after)
    assert {one.action_id for one in report.before.actions} >= {"tea"}
    assert {one.action_id for one in report.after.actions} >= {"green_tea"}
    assert report.name_of("tea") == report.name_of("green_tea") == "Tea"


def test_without_anybody_reachable_there_is_no_threshold(bench: Any) -> None:
    closed = bench.configuration(policies="")
    report = bench.report(closed, closed)
    assert report.weak_below is None
    assert report.before.no_action == 1.0
    assert report.before.no_action_health == "poor"
    assert report.before.worth.mean == 0.0


def test_the_report_is_plain_json(bench: Any) -> None:
    report = bench.report(bench.configuration(), bench.configuration(NO_COFFEE, name="after"))
    text = json.dumps(report.as_dict(), allow_nan=False)
    read = json.loads(text)
    assert read["movement"]["customers"] == report.movement.customers
    assert read["about"]["decided_at"] == "2018-01-01T06:00:00+00:00"
