"""What the reasons of a decision cost at least: by hand, with everything prepared.

Of every leaf it is known beforehand what it adds to which column, of every sentence its words and
its numbers. Left are the sums of each row, their order, and filling nine templates: no groups of
features, nothing that is missing, no second language, no 0 and 1 that people say in another way.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import lightgbm as lgb
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.int64]
REASONS = 3
_WORDS = "bought %s %.0f times, last %.0f days ago"


@dataclass(frozen=True)
class LeafTable:
    """What each leaf of a model adds.

    Attributes
    ----------
    first : shape (trees,), where the leaves of each tree start.
    columns, amounts : shape (leaves, longest path); what is not used adds 0.
    bias : what every score begins with.
    width : the number of columns.
    """

    first: Index
    columns: Index
    amounts: Array
    bias: float
    width: int

    def reasons(self, leaves: Index, names: tuple[str, ...]) -> tuple[Array, list[list[str]]]:
        """Return what each column adds, shape (rows, columns), and sentences of the strongest.

        Parameters
        ----------
        leaves : shape (rows, trees), as places in the table.
        names : of the rows.
        """
        sums = np.empty((len(leaves), self.width))
        for row, mine in enumerate(leaves):
            columns, amounts = self.columns.take(mine, axis=0), self.amounts.take(mine, axis=0)
            sums[row] = np.bincount(columns.ravel(), amounts.ravel(), minlength=self.width)
        order = (-sums).argsort(axis=1).tolist()
        told = [
            [_WORDS % (name, row.item(place), float(place)) for place in best[:REASONS]]
            for best, row, name in zip(order, sums, names, strict=True)
        ]
        return sums, told


def leaf_table(booster: lgb.Booster) -> LeafTable:
    """Return the table of a booster."""
    trees = [tree["tree_structure"] for tree in booster.dump_model()["tree_info"]]
    leaves = [[path for _, path in sorted(_paths(tree, {}))] for tree in trees]
    flat = [path for tree in leaves for path in tree]
    width = booster.num_feature()
    longest = max(map(len, flat))
    columns = np.arange(len(flat) * longest).reshape(-1, longest) % width
    amounts = np.zeros(columns.shape)
    for place, path in enumerate(flat):
        columns[place, : len(path)] = [*path]
        amounts[place, : len(path)] = [*path.values()]
    first = np.cumsum([0, *(len(tree) for tree in leaves[:-1])])
    return LeafTable(first, columns, amounts, sum(_weighed(tree)[1] for tree in trees), width)


def _paths(
    node: Mapping[str, Any], so_far: Mapping[int, float]
) -> Iterator[tuple[int, dict[int, float]]]:
    """Yield each leaf's number and what the way to it adds to each column."""
    if "leaf_value" in node:
        yield node.get("leaf_index", 0), dict(so_far)
        return
    here, column = _weighed(node)[1], node["split_feature"]
    for child in (node["left_child"], node["right_child"]):
        step = _weighed(child)[1] - here
        yield from _paths(child, {**so_far, column: so_far.get(column, 0.0) + step})


def _weighed(node: Mapping[str, Any]) -> tuple[float, float]:
    """Return the training rows of a part of a tree, and its expected score."""
    if "leaf_value" in node:
        return node.get("leaf_count", 1), node["leaf_value"]
    (rows, one), (more, other) = _weighed(node["left_child"]), _weighed(node["right_child"])
    return rows + more, (rows * one + more * other) / (rows + more)
