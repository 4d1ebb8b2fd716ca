from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import ibis
import pytest

from features.canonical.ingest import IngestReport
from features.canonical.sources import ingest_data_set
from features.canonical.sources.complete_journey import STARTS_AT
from features.canonical.tables import Tables, known_customers, open_tables
from features.clock import FixedClock
from features.errors import DataError


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("journey") / "data"


@pytest.fixture(scope="module")
def report(target: Path) -> IngestReport:
    return ingest_data_set("complete-journey", target, FixedClock(STARTS_AT))


@pytest.fixture(scope="module")
def tables(report: IngestReport, target: Path) -> Tables:
    return open_tables(target)


def test_every_row_of_the_package_is_loaded_and_none_dropped(report: IngestReport) -> None:
    loaded = {name: table.loaded for name, table in report.tables.items()}
    assert loaded == {
        "transactions": 1_469_307,
        "touchpoints": 6_589 + 2_102,
        "customers": 2_469,
        "identities": 2_469,
        "actions": 27,
    }
    assert report.rejected == 0
    assert all(table.dropped_duplicates == 0 for table in report.tables.values())
    assert report.period[1] == "2018-01-01T04:01:20Z"


def test_baskets_and_households_are_all_there(tables: Tables) -> None:
    assert tables.transactions.transaction_id.nunique().execute() == 155_848
    assert tables.transactions.customer_id.nunique().execute() == 2_469
    assert known_customers(tables).count().execute() == 2_469


def test_a_category_has_one_group(tables: Tables) -> None:
    known = tables.transactions.filter(ibis._.category.notnull())
    groups = known.group_by("category").agg(groups=ibis._.category_group.nunique())
    assert groups.groups.max().execute() == 1
    assert groups.filter(ibis._.groups == 0).count().execute() == 0


def test_discounts_are_positive_and_hold_the_coupons_part(tables: Tables) -> None:
    rows = tables.transactions
    assert rows.filter(rows.discount < rows.coupon_discount).count().execute() == 0
    assert rows.filter(rows.coupon_discount > 0).count().execute() == 21_889


def test_a_redemption_refers_to_its_mailing(tables: Tables) -> None:
    touchpoints = tables.touchpoints
    mailings = touchpoints.filter(touchpoints.type == "presented")
    redemptions = touchpoints.filter(touchpoints.type == "accepted")
    matched = redemptions.join(
        mailings.select(refers_to="touchpoint_id", mailed="customer_id", campaign="action_id"),
        "refers_to",
    )
    fitting = matched.filter(
        (matched.mailed == matched.customer_id) & (matched.campaign == matched.action_id)
    )
    assert fitting.count().execute() == 2_102
    assert mailings.filter(mailings.decision_id != mailings.touchpoint_id).count().execute() == 0


def test_a_campaign_is_an_action_with_its_validity_items_and_attributes(tables: Tables) -> None:
    action = tables.actions.filter(tables.actions.action_id == "campaign_1").execute().iloc[0]
    assert action["name"] == "Campaign 1 (Type B)"
    assert (str(action["valid_from"]), str(action["valid_to"])) == (
        "2017-03-03 00:00:00",
        "2017-04-10 00:00:00",
    )
    assert len(action["items"]) == action["products"]
    assert list(action["items"]) == sorted(set(action["items"]))
    assert action["campaign_type"] == "Type B"
    assert (action["duration_days"], action["coupons"]) == (38, 11)


def test_demographics_are_known_for_801_households(tables: Tables) -> None:
    assert tables.customers.age.count().execute() == 801
    assert tables.customers.attributes_as_of.count().execute() == 0


def test_an_earlier_clock_rejects_what_is_in_its_future(tmp_path: Path) -> None:
    middle = FixedClock(datetime(2017, 7, 1, tzinfo=UTC))
    report = ingest_data_set("complete-journey", tmp_path / "data", middle)
    transactions = report.tables["transactions"]
    assert transactions.read == 1_469_307
    assert transactions.rejected["in_the_future"] == transactions.read - transactions.loaded > 0
    assert report.period[1] < "2017-07-01T00:00:01Z"


def test_an_unknown_data_set_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="complet-journey: .*did you mean 'complete-journey'"):
        ingest_data_set("complet-journey", tmp_path, FixedClock(STARTS_AT))
    with pytest.raises(DataError, match="known: complete-journey"):
        ingest_data_set("other", tmp_path, FixedClock(STARTS_AT))
