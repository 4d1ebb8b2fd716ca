"""Every declared feature has one value worked out by hand from the small world."""

import numpy as np
import pytest
from small_world import AS_OF, profiles_of

from features import build, declared
from features.calendar import Calendar
from features.canonical.tables import Tables
from features.known_actions import layout_of
from features.matrix import ActionRows, Candidates, MatrixBuilder

NAN = float("nan")
HOUR = 3_600.0


def at(text: str) -> float:
    return float(np.datetime64(text, "s").astype(np.int64))


# For customer 007, action tea (category TEA), as of Sunday 2024-03-10 12:00 UTC.
EXPECTED = {
    "trips_7d": 1, "spend_7d": 8.0, "coupon_lines_7d": 0,
    "trips_28d": 2, "spend_28d": 7.5, "coupon_lines_28d": 1,
    "trips_91d": 3, "spend_91d": 16.5, "coupon_lines_91d": 1,
    "trips_365d": 4, "spend_365d": 24.5, "coupon_lines_365d": 2,
    "lines_91d": 6, "spend_per_trip_91d": 5.5, "lines_per_trip_91d": 2.0,
    "largest_trip_91d": 9.0, "returned_lines_91d": 1, "discount_share_91d": 1.5 / 18.0,
    "discounted_line_share_91d": 2 / 6, "coupon_amount_91d": 0.5, "coupon_trip_share_91d": 1 / 3,
    "weekend_trip_share_91d": 1 / 3, "morning_trip_share_91d": 2 / 3,
    "evening_trip_share_91d": 1 / 3, "digital_trip_share_91d": 1 / 3, "purchase_channels_91d": 2,
    "trips_all": 5, "spend_all": 28.5, "spend_per_trip_all": 5.7, "discount_share_all": 3 / 31.5,
    "gap_days_all": (432 + 1 / 24) / 4,
    "last_purchase_at": at("2024-03-09T11:00"), "first_purchase_at": at("2023-01-02T10:00"),
    "spend_trend": (7.5 / 28) / (16.5 / 91), "trip_trend": (2 / 28) / (3 / 91),
    "categories_28d": 3, "categories_91d": 4,
    "presented_28d": 1, "presented_91d": 2, "presented_all": 3,
    "last_presented_at": at("2024-02-15T15:05"),
    "viewed_28d": 0, "viewed_91d": 1, "viewed_all": 1, "last_viewed_at": at("2024-01-05T10:01"),
    "accepted_28d": 0, "accepted_91d": 1, "accepted_all": 1,
    "last_accepted_at": at("2024-01-05T10:02"),
    "refused_28d": 1, "refused_91d": 1, "refused_all": 1,
    "last_refused_at": at("2024-02-15T15:06"),
    "contacts_web_91d": 4, "contacts_bot_91d": 0, "contacts_advisor_91d": 3,
    "contacts_email_91d": 0, "contacts_mail_91d": 0, "contacts_28d": 4, "contacts_all": 8,
    "last_contact_at": at("2024-03-01T12:00"), "acceptance_rate_all": 1 / 3,
    "complaints_91d": 1, "last_complaint_at": at("2024-03-01T12:00"),
    "open_complaints": 1, "failures_28d": 0, "last_failure_at": NAN, "days_since_failure": NAN,
    "mean_rating_91d": 2.5, "lowest_rating_28d": 2.0,
    "days_since_purchase": 1, "tenure_days": 433, "purchase_overdue": 4 / (432 + 1 / 24),
    "days_since_presented": 24, "days_since_viewed": 65, "days_since_accepted": 65,
    "days_since_refused": 24, "days_since_contact": 9, "days_since_complaint": 9,
    "recent_acceptance_rate": 0.5, "journey_stage": 2,
    "category_trips_28d": 1, "category_trips_91d": 2, "category_trips_365d": 3,
    "category_trips_all": 4, "category_spend_91d": 13.0, "category_spend_all": 23.0,
    "category_lines_all": 4, "category_discount_share_all": 1 / 24,
    "category_gap_days_all": (432 + 1 / 24) / 3,
    "category_last_at": at("2024-03-09T11:00"), "category_first_at": at("2023-01-02T10:00"),
    "group_purchases_91d": 4, "group_last_at": at("2024-03-09T11:00"),
    "days_since_category": 1, "category_tenure_days": 433,
    "category_overdue": 3 / (432 + 1 / 24), "category_trip_share": 0.8,
    "category_spend_share": 23 / 28.5, "category_spend_per_trip": 5.75, "days_since_group": 1,
    "action_presented_all": 2, "action_viewed_all": 1, "action_accepted_all": 1,
    "action_refused_all": 0, "action_presented_at": at("2024-01-05T10:00"),
    "action_accepted_at": at("2024-01-05T10:02"), "action_refused_at": NAN,
    "action_presented_28d": 0, "action_items_91d": 2, "action_item_trips_91d": 3,
    "action_item_spend_91d": 13.0, "days_since_action_presented": 65,
    "days_since_action_accepted": 65, "days_since_action_refused": NAN,
    "action_item_share": 13 / 16.5,
    "action_penetration_28d": 1.0, "action_penetration_91d": 2 / 3,
    "action_trips_per_buyer_91d": 1.5, "action_spend_per_trip_91d": 23 / 3,
    "action_presentations_91d": 1, "action_acceptance_91d": 1.0,
}  # fmt: skip


@pytest.fixture(scope="module")
def columns(world: Tables):
    profiles = profiles_of(world, ["007"], np.array([AS_OF]))
    popularity = build.action_popularity(
        build.prepare(world), Calendar(), np.array([np.datetime64("2024-03-10", "us")])
    ).to_pandas()
    tea = popularity[popularity.action_id == "tea"].iloc[0]
    names = declared.stored(declared.Block.POPULARITY)
    builder = MatrixBuilder((), layout_of(world), ActionRows(("tea",), ("TEA",)), Calendar())
    return builder, Candidates(
        profiles=profiles,
        decided_at=np.array([at("2024-03-10T12:00")]),
        decision=np.zeros(1, dtype=np.int64),
        action=np.zeros(1, dtype=np.int64),
        popularity=np.array([[[tea[name] for name in names]]]),
    )


def test_every_declared_feature_has_a_value_worked_out_by_hand() -> None:
    assert set(EXPECTED) == set(declared.BY_NAME)


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_the_feature_equals_the_value_worked_out_by_hand(name: str, columns) -> None:
    builder, candidates = columns
    seen = builder.columns(candidates)
    if declared.is_moment(name):
        found = seen.stored(name)[0]
    else:
        found = seen[name][0]
    assert found == pytest.approx(EXPECTED[name], rel=1e-12, nan_ok=True)


def test_a_customer_without_any_event_has_the_declared_defaults(world: Tables) -> None:
    nobody = profiles_of(world, ["d"], np.array([AS_OF]))
    for at_place, name in enumerate(nobody.layout.scalars[2:], start=2):
        expected = declared.feature(name).default
        assert nobody.vectors[0, at_place] == pytest.approx(expected, nan_ok=True), name
