"""What one build of the features settles for every refresh until the next build."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from features.errors import FeatureError
from features.layout import Layout

_SETTLED, _ITEMS, _LAYOUT = "settled.json", "action_items.parquet", "layout.json"


@dataclass(frozen=True)
class Generation:
    """One build of the features.

    Like popularity, the items of actions and the groups of categories change with a build only:
    were they taken from the rows of one customer, each customer could have others.

    Attributes
    ----------
    as_of : what the newest profiles were computed for, seconds since 1970 in UTC.
    group_of : the category group of each category, where it has one.
    action_items : one row per action and item, with the time the action is valid.
    """

    layout: Layout
    as_of: float
    group_of: dict[str, str]
    action_items: pa.Table

    def save(self, folder: Path) -> None:
        """Write it to the folder of a build."""
        self.layout.save(folder / _LAYOUT)
        settled = {"as_of": self.as_of, "group_of": self.group_of}
        (folder / _SETTLED).write_text(json.dumps(settled, indent=1, sort_keys=True) + "\n")
        pq.write_table(self.action_items, folder / _ITEMS)

    @classmethod
    def load(cls, folder: Path) -> Generation:
        """Read the build in a folder.

        Raises
        ------
        FeatureError : there is none, or it is damaged or of an older version.
        """
        layout = Layout.load(folder / _LAYOUT)
        path = folder / _SETTLED
        try:
            settled = json.loads(path.read_text())
            items = pq.read_table(folder / _ITEMS)
            return cls(layout, float(settled["as_of"]), dict(settled["group_of"]), items)
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise FeatureError(
                f"{path}: cannot be used ({type(error).__name__}); run `nba features build`"
            ) from error
