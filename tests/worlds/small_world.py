"""A world small enough to compute every feature by hand."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from features import build
from features.calendar import Calendar
from features.canonical.tables import Tables, open_tables
from features.known_actions import layout_of
from features.profiles import Profiles

AS_OF = np.datetime64("2024-03-10T12:00:00", "us")

# customer, transaction, line, time, item, category, group, amount, discount, coupon, channel
LINES = [
    ("007", "t1", "1", "2023-01-02 10:00", "i1", "TEA", "DRINKS", 4.0, 1.0, 0.0, "store"),
    ("007", "t2", "1", "2023-06-03 19:00", "i1", "TEA", "DRINKS", 6.0, 0.0, 0.0, "store"),
    ("007", "t2", "2", "2023-06-03 19:00", "i3", "BREAD", "FOOD", 2.0, 0.5, 0.5, "store"),
    ("007", "t3", "1", "2024-01-10 09:00", "i1", "TEA", "DRINKS", 5.0, 0.0, 0.0, "web"),
    ("007", "t3", "2", "2024-01-10 09:00", "i2", "MILK", "DRINKS", 3.0, 1.0, 0.0, "web"),
    ("007", "t3", "3", "2024-01-10 09:00", "i4", "JAM", "FOOD", 1.0, 0.0, 0.0, "web"),
    ("007", "t4", "1", "2024-02-20 20:00", "i3", "BREAD", "FOOD", 2.5, 0.5, 0.5, "store"),
    ("007", "t4", "2", "2024-02-20 20:00", "i2", "MILK", "DRINKS", -3.0, 0.0, 0.0, "store"),
    ("007", "t5", "1", "2024-03-09 11:00", "i1", "TEA", "DRINKS", 8.0, 0.0, 0.0, "store"),
    ("b", "t6", "1", "2024-02-20 08:00", "i1", "TEA", "DRINKS", 10.0, 0.0, 0.0, "store"),
    ("c", "t7", "1", "2024-01-15 08:00", "i3", "BREAD", "FOOD", 2.0, 0.0, 0.0, "store"),
]
# id, customer, time, channel, type, action, value, rating
TOUCHES = [
    ("p1", "007", "2023-11-01 09:00", "email", "presented", "tea", None, None),
    ("p2", "007", "2024-01-05 10:00", "web", "presented", "tea", None, None),
    ("p3", "007", "2024-01-05 10:01", "web", "clicked", "tea", None, None),
    ("p4", "007", "2024-01-05 10:02", "web", "accepted", "tea", 5.0, None),
    ("p5", "007", "2024-02-15 15:00", "advisor", "call", None, None, 3.0),
    ("p6", "007", "2024-02-15 15:05", "advisor", "presented", "bread", None, None),
    ("p7", "007", "2024-02-15 15:06", "advisor", "refused", "bread", None, None),
    ("p8", "007", "2024-03-01 12:00", "web", "complaint", None, None, 2.0),
]
ACTIONS = [
    {"action_id": "tea", "name": "Tea", "category": "TEA", "items": ["i1", "i2"]},
    {"action_id": "bread", "name": "Bread", "category": "BREAD", "items": []},
]


def write_world(folder: Path, lines: list[tuple], touches: list[tuple]) -> Tables:
    folder.mkdir(parents=True, exist_ok=True)
    transactions = pd.DataFrame(
        lines,
        columns=[
            "customer_id", "transaction_id", "line_id", "timestamp", "item_id", "category",
            "category_group", "amount", "discount", "coupon_discount", "channel",
        ],
    )  # fmt: skip
    touchpoints = pd.DataFrame(
        touches,
        columns=[
            "touchpoint_id", "customer_id", "timestamp", "channel", "type", "action_id", "value",
            "rating",
        ],
    )  # fmt: skip
    for name, frame in (("transactions", transactions), ("touchpoints", touchpoints)):
        frame["timestamp"] = pd.to_datetime(frame["timestamp"], format="ISO8601").astype(
            "datetime64[us]"
        )
        frame.to_parquet(folder / f"{name}.parquet", index=False)
    items = pa.array([row["items"] for row in ACTIONS], pa.list_(pa.string()))
    plain = pa.Table.from_pylist([{k: v for k, v in r.items() if k != "items"} for r in ACTIONS])
    pq.write_table(plain.append_column("items", items), folder / "actions.parquet")
    pq.write_table(pa.table({"customer_id": ["d"]}), folder / "customers.parquet")
    return open_tables(folder)


def profiles_of(tables: Tables, customer_ids: list[str], as_of: np.ndarray) -> Profiles:
    return build.profiles(
        build.prepare(tables),
        layout_of(tables),
        Calendar(),
        np.array(customer_ids, dtype=object),
        as_of,
    )
