"""All profile features in one DuckDB query, written by hand: the baseline of `features`.

It knows what the product's expressions may not assume: that the business time zone is UTC, that
every decision time is a midnight, and that all customers are wanted at all of them. Its result is
left as nested rows, where the product lays dense vectors.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow as pa

QUERY = """
WITH times AS (SELECT unnest($times::TIMESTAMP[]) AS as_of),
lines AS (
  SELECT *, amount::DECIMAL(18, 4) AS paid,
    coalesce(discount, 0)::DECIMAL(18, 4) AS off,
    coalesce(coupon_discount, 0)::DECIMAL(18, 4) AS coupon
  FROM read_parquet($folder || '/transactions.parquet')
),
touches AS (FROM read_parquet($folder || '/touchpoints.parquet')),
people AS (
  SELECT customer_id FROM read_parquet($folder || '/customers.parquet')
  UNION SELECT customer_id FROM lines
  UNION SELECT customer_id FROM touches
  UNION SELECT customer_id FROM read_parquet($folder || '/identities.parquet')
),
baskets AS (
  SELECT customer_id, timestamp, channel, sum(paid) AS amount, count(*) AS lines,
    sum(off) AS discount, count(*) FILTER (discount > 0) AS discounted_lines,
    count(*) FILTER (amount < 0) AS returned_lines,
    count(*) FILTER (coupon_discount > 0) AS coupon_lines, sum(coupon) AS coupon_amount
  FROM lines GROUP BY customer_id, transaction_id, timestamp, channel
),
bought AS (
  SELECT *, timestamp >= as_of - INTERVAL 7 DAY AS w7, timestamp >= as_of - INTERVAL 28 DAY AS w28,
    timestamp >= as_of - INTERVAL 91 DAY AS w91, timestamp >= as_of - INTERVAL 365 DAY AS w365
  FROM baskets JOIN times ON timestamp < as_of
),
purchase_sums AS (
  SELECT customer_id, as_of,
    count(*) FILTER (w7) AS trips_7d, coalesce(sum(amount) FILTER (w7), 0)::DOUBLE AS spend_7d,
    sum(coupon_lines) FILTER (w7) AS coupon_lines_7d,
    count(*) FILTER (w28) AS trips_28d, coalesce(sum(amount) FILTER (w28), 0)::DOUBLE AS spend_28d,
    sum(coupon_lines) FILTER (w28) AS coupon_lines_28d,
    count(*) FILTER (w91) AS trips_91d, coalesce(sum(amount) FILTER (w91), 0)::DOUBLE AS spend_91d,
    sum(coupon_lines) FILTER (w91) AS coupon_lines_91d,
    count(*) FILTER (w365) AS trips_365d,
    coalesce(sum(amount) FILTER (w365), 0)::DOUBLE AS spend_365d,
    sum(coupon_lines) FILTER (w365) AS coupon_lines_365d,
    sum(lines) FILTER (w91) AS lines_91d, (max(amount) FILTER (w91))::DOUBLE AS largest_trip_91d,
    sum(returned_lines) FILTER (w91) AS returned_lines_91d,
    coalesce(sum(discount) FILTER (w91), 0)::DOUBLE AS discount_91d,
    sum(discounted_lines) FILTER (w91) AS discounted_91d,
    coalesce(sum(coupon_amount) FILTER (w91), 0)::DOUBLE AS coupon_amount_91d,
    count(*) FILTER (w91 AND coupon_lines > 0) AS coupon_trips_91d,
    count(*) FILTER (w91 AND isodow(timestamp) >= 6) AS weekend_91d,
    count(*) FILTER (w91 AND hour(timestamp) < 12) AS morning_91d,
    count(*) FILTER (w91 AND hour(timestamp) >= 18) AS evening_91d,
    count(*) FILTER (w91 AND channel IN ('web', 'app', 'bot', 'online')) AS digital_91d,
    count(DISTINCT channel) FILTER (w91) AS purchase_channels_91d,
    count(*) AS trips_all, sum(amount)::DOUBLE AS spend_all, sum(discount)::DOUBLE AS discount_all,
    epoch(max(timestamp)) AS last_purchase_at, epoch(min(timestamp)) AS first_purchase_at
  FROM bought GROUP BY customer_id, as_of
),
purchases AS (
  SELECT *, spend_91d / nullif(trips_91d, 0) AS spend_per_trip_91d,
    lines_91d / nullif(trips_91d, 0) AS lines_per_trip_91d,
    discount_91d / nullif(spend_91d + discount_91d, 0) AS discount_share_91d,
    discounted_91d / nullif(lines_91d, 0) AS discounted_line_share_91d,
    coupon_trips_91d / nullif(trips_91d, 0) AS coupon_trip_share_91d,
    weekend_91d / nullif(trips_91d, 0) AS weekend_trip_share_91d,
    morning_91d / nullif(trips_91d, 0) AS morning_trip_share_91d,
    evening_91d / nullif(trips_91d, 0) AS evening_trip_share_91d,
    digital_91d / nullif(trips_91d, 0) AS digital_trip_share_91d,
    spend_all / nullif(trips_all, 0) AS spend_per_trip_all,
    discount_all / nullif(spend_all + discount_all, 0) AS discount_share_all,
    (last_purchase_at - first_purchase_at) / 86400.0::DOUBLE / nullif(trips_all - 1, 0)
      AS gap_days_all,
    (spend_28d / 28.0::DOUBLE) / nullif(spend_91d / 91.0::DOUBLE, 0) AS spend_trend,
    (trips_28d / 28.0::DOUBLE) / nullif(trips_91d / 91.0::DOUBLE, 0) AS trip_trend
  FROM purchase_sums
),
met AS (
  SELECT *, timestamp >= as_of - INTERVAL 28 DAY AS w28,
    timestamp >= as_of - INTERVAL 91 DAY AS w91, type = 'presented' AS shown,
    type IN ('viewed', 'clicked') AS seen, type IN ('accepted', 'converted') AS taken,
    type IN ('refused', 'dismissed') AS declined
  FROM touches JOIN times ON timestamp < as_of
),
contacts AS (
  SELECT customer_id, as_of,
    count(*) FILTER (shown AND w28) AS presented_28d,
    count(*) FILTER (shown AND w91) AS presented_91d, count(*) FILTER (shown) AS presented_all,
    epoch(max(timestamp) FILTER (shown)) AS last_presented_at,
    count(*) FILTER (seen AND w28) AS viewed_28d, count(*) FILTER (seen AND w91) AS viewed_91d,
    count(*) FILTER (seen) AS viewed_all,
    epoch(max(timestamp) FILTER (seen)) AS last_viewed_at,
    count(*) FILTER (taken AND w28) AS accepted_28d,
    count(*) FILTER (taken AND w91) AS accepted_91d, count(*) FILTER (taken) AS accepted_all,
    epoch(max(timestamp) FILTER (taken)) AS last_accepted_at,
    count(*) FILTER (declined AND w28) AS refused_28d,
    count(*) FILTER (declined AND w91) AS refused_91d, count(*) FILTER (declined) AS refused_all,
    epoch(max(timestamp) FILTER (declined)) AS last_refused_at,
    count(*) FILTER (w91 AND channel IN ('web', 'app')) AS contacts_web_91d,
    count(*) FILTER (w91 AND channel = 'bot') AS contacts_bot_91d,
    count(*) FILTER (w91 AND channel IN ('advisor', 'phone')) AS contacts_advisor_91d,
    count(*) FILTER (w91 AND channel = 'email') AS contacts_email_91d,
    count(*) FILTER (w91 AND channel = 'mail') AS contacts_mail_91d,
    count(*) FILTER (w28) AS contacts_28d, count(*) AS contacts_all,
    epoch(max(timestamp)) AS last_contact_at,
    accepted_all / nullif(presented_all, 0) AS acceptance_rate_all,
    count(*) FILTER (w91 AND type = 'complaint') AS complaints_91d,
    epoch(max(timestamp) FILTER (type = 'complaint')) AS last_complaint_at,
    greatest(count(*) FILTER (type = 'complaint')
             - count(*) FILTER (type = 'complaint_closed'), 0) AS open_complaints,
    count(*) FILTER (w28 AND type = 'failure') AS failures_28d,
    epoch(max(timestamp) FILTER (type = 'failure')) AS last_failure_at,
    avg(rating) FILTER (w91) AS mean_rating_91d, min(rating) FILTER (w28) AS lowest_rating_28d
  FROM met GROUP BY customer_id, as_of
),
category_baskets AS (
  SELECT customer_id, timestamp, category, category_group, sum(paid) AS amount, count(*) AS lines,
    sum(off) AS discount
  FROM lines WHERE category IS NOT NULL
  GROUP BY customer_id, transaction_id, timestamp, category, category_group
),
of_category AS (
  SELECT customer_id, as_of, category, max(category_group) AS category_group,
    count(*) FILTER (timestamp >= as_of - INTERVAL 28 DAY) AS category_trips_28d,
    count(*) FILTER (timestamp >= as_of - INTERVAL 91 DAY) AS category_trips_91d,
    count(*) FILTER (timestamp >= as_of - INTERVAL 365 DAY) AS category_trips_365d,
    count(*) AS category_trips_all,
    coalesce(sum(amount) FILTER (timestamp >= as_of - INTERVAL 91 DAY), 0)::DOUBLE
      AS category_spend_91d,
    sum(amount)::DOUBLE AS category_spend_all, sum(lines) AS category_lines_all,
    sum(discount)::DOUBLE AS discount_all,
    discount_all / nullif(category_spend_all + discount_all, 0) AS category_discount_share_all,
    epoch(max(timestamp)) AS category_last_at, epoch(min(timestamp)) AS category_first_at,
    (category_last_at - category_first_at) / 86400.0::DOUBLE / nullif(count(*) - 1, 0)
      AS category_gap_days_all
  FROM category_baskets JOIN times ON timestamp < as_of
  GROUP BY customer_id, as_of, category
),
breadth AS (
  SELECT customer_id, as_of, count(*) FILTER (category_trips_28d > 0) AS categories_28d,
    count(*) FILTER (category_trips_91d > 0) AS categories_91d
  FROM of_category GROUP BY customer_id, as_of
),
of_group AS (
  SELECT customer_id, as_of, category, group_purchases_91d, group_last_at
  FROM (
    SELECT customer_id, as_of, category_group, sum(category_trips_91d) AS group_purchases_91d,
      max(category_last_at) AS group_last_at
    FROM of_category GROUP BY customer_id, as_of, category_group
  ) JOIN (
    SELECT category, max(category_group) AS category_group
    FROM category_baskets WHERE list_contains($categories, category) GROUP BY category
  ) USING (category_group)
),
categories AS (
  SELECT customer_id, as_of, list({$category_fields}) AS categories
  FROM (FROM of_category WHERE list_contains($categories, category))
  FULL JOIN of_group USING (customer_id, as_of, category)
  GROUP BY customer_id, as_of
),
answers AS (
  SELECT customer_id, as_of, action_id, count(*) FILTER (shown) AS action_presented_all,
    count(*) FILTER (seen) AS action_viewed_all, count(*) FILTER (taken) AS action_accepted_all,
    count(*) FILTER (declined) AS action_refused_all,
    epoch(max(timestamp) FILTER (shown)) AS action_presented_at,
    epoch(max(timestamp) FILTER (taken)) AS action_accepted_at,
    epoch(max(timestamp) FILTER (declined)) AS action_refused_at,
    count(*) FILTER (shown AND w28) AS action_presented_28d
  FROM met WHERE action_id IS NOT NULL GROUP BY customer_id, as_of, action_id
),
items AS (
  SELECT action_id, unnest(items) AS item_id, as_of
  FROM read_parquet($folder || '/actions.parquet') JOIN times
    ON coalesce(valid_from, TIMESTAMP '1970-01-01') <= as_of
    AND coalesce(valid_to, TIMESTAMP '9999-01-01') > as_of
),
fits AS (
  SELECT customer_id, as_of, action_id, count(DISTINCT item_id) AS action_items_91d,
    count(DISTINCT transaction_id) AS action_item_trips_91d,
    sum(paid)::DOUBLE AS action_item_spend_91d
  FROM lines JOIN items USING (item_id)
  WHERE timestamp < as_of AND timestamp >= as_of - INTERVAL 91 DAY
  GROUP BY customer_id, as_of, action_id
),
actions AS (
  SELECT customer_id, as_of, list({$action_fields}) AS actions
  FROM answers FULL JOIN fits USING (customer_id, as_of, action_id) GROUP BY customer_id, as_of
)
SELECT *, epoch(as_of) AS profile_at, greatest(last_purchase_at, last_contact_at) AS newest_event_at
FROM people CROSS JOIN times
  LEFT JOIN purchases USING (customer_id, as_of) LEFT JOIN contacts USING (customer_id, as_of)
  LEFT JOIN breadth USING (customer_id, as_of) LEFT JOIN categories USING (customer_id, as_of)
  LEFT JOIN actions USING (customer_id, as_of)
"""

_CATEGORY_FIELDS = (
    "category", "category_trips_28d", "category_trips_91d", "category_trips_365d",
    "category_trips_all", "category_spend_91d", "category_spend_all", "category_lines_all",
    "category_discount_share_all", "category_gap_days_all", "category_last_at",
    "category_first_at", "group_purchases_91d", "group_last_at",
)  # fmt: skip
_ACTION_FIELDS = (
    "action_id", "action_presented_all", "action_viewed_all", "action_accepted_all",
    "action_refused_all", "action_presented_at", "action_accepted_at", "action_refused_at",
    "action_presented_28d", "action_items_91d", "action_item_trips_91d", "action_item_spend_91d",
)  # fmt: skip


def _struct(names: Sequence[str]) -> str:
    return "{" + ", ".join(f"'{name}': {name}" for name in names) + "}"


def profiles_by_hand(
    folder: Path, times: Sequence[datetime], categories: Sequence[str]
) -> pa.Table:
    """Return one row per (customer, time) with every feature of the customer as a column.

    `categories` and `actions` are lists of structs, one per category or action that the customer
    has to do with; what is not there is null.

    Parameters
    ----------
    folder : of the canonical tables.
    times : midnights, naive UTC, exclusive.
    categories : those whose features are wanted.
    """
    query = QUERY.replace("{$category_fields}", _struct(_CATEGORY_FIELDS))
    query = query.replace("{$action_fields}", _struct(_ACTION_FIELDS))
    values = {"folder": str(folder), "times": list(times), "categories": list(categories)}
    with duckdb.connect() as connection:
        return connection.sql(query, params=values).to_arrow_table()
