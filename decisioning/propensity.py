"""A loaded model: candidate rows in, propensities and what each feature adds to them out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import lightgbm as lgb
import numpy as np
import numpy.typing as npt

from decisioning.leaf_finder import leaf_finder
from decisioning.manifest import Manifest
from features.errors import ModelError
from features.spec import Array

Index = npt.NDArray[np.int64]

_ROWS_OF_A_DECISION = 5_000
"""Up to here rows are scored by way of their leaves, which reasons need as well."""

_ROWS_AT_ONCE = 64
"""How many rows are looked up at once: more would take much memory and gain nothing."""

_BLOCK = 8
"""How many features of a path are looked up at once: few paths have more, most have five."""


@dataclass(frozen=True)
class Scores:
    """What a model says of candidate rows.

    Attributes
    ----------
    raw : shape (rows,), log-odds as the trees add them up.
    propensity : shape (rows,), calibrated, in [0, 1].
    leaves : shape (rows, trees), where each row ended, as places among the leaves of all trees;
        None for a batch too large to be explained.
    """

    raw: Array
    propensity: Array
    leaves: Index | None
    _table: _LeafContributions

    def path_contributions(self, rows: Index) -> Array:
        """Return what each feature adds to the raw score of some rows, as `Model` does.

        Raises
        ------
        ModelError : the batch was too large to keep its leaves.
        """
        if self.leaves is None:
            raise ModelError(f"{len(self.raw)} rows were scored at once; explain fewer")
        return self._table.add_up(self.leaves[rows])


class Model:
    """A booster with the manifest that says how to use it.

    Raises
    ------
    ModelError : the booster is not a sum of plain trees for a binary outcome, or its columns are
        not those of the manifest.
    """

    def __init__(self, manifest: Manifest, booster: lgb.Booster) -> None:
        self.manifest = manifest
        self.features: tuple[str, ...] = manifest.feature_names
        self._booster = booster
        dump = booster.dump_model()
        _refuse_other_kinds(dump)
        if tuple(dump["feature_names"]) != self.features:
            raise ModelError("the booster's columns are not the features of its manifest, in order")
        self._find_leaves = leaf_finder(booster)
        self._leaves = _leaf_contributions(dump["tree_info"], len(self.features))

    @classmethod
    def from_text(cls, manifest: Manifest, text: str) -> Model:
        """Return the model of a LightGBM text.

        A damaged text can end the whole process; texts from outside come through
        `decisioning.bundle.load_bundle`.
        """
        try:
            return cls(manifest, lgb.Booster(model_str=text))
        except lgb.basic.LightGBMError as error:
            raise ModelError(f"LightGBM cannot read the model: {error}") from error

    def score(self, matrix: Array) -> Scores:
        """Return the scores of a matrix of shape (rows, features), from one predict call."""
        if len(matrix) > _ROWS_OF_A_DECISION:
            leaves, raw = None, self._predict(matrix, raw_score=True)
        else:
            leaves = self._where_rows_end(matrix)
            raw = self._leaves.raw(leaves)
        return Scores(raw, self.manifest.calibration.apply(raw), leaves, self._leaves)

    def path_contributions(self, matrix: Array) -> Array:
        """Return what each feature adds to the raw score along the paths taken (Saabas 2014).

        A split adds the change of the expected raw score to its feature. Shape (rows, features +
        1), last the bias; each row sums to its raw score.
        """
        return self._leaves.add_up(self._where_rows_end(matrix))

    def exact_contributions(self, matrix: Array) -> Array:
        """Return the SHAP values of the raw score, shaped as those of the paths; slow."""
        return self._predict(matrix, pred_contrib=True).reshape(-1, len(self.features) + 1)

    def _where_rows_end(self, matrix: Array) -> Index:
        rows = self._checked(matrix)
        if not len(rows):
            return np.empty((0, len(self._leaves.first)), dtype=np.int64)
        leaves = self._find_leaves(rows).astype(np.int64)
        leaves += self._leaves.first
        return leaves

    def _predict(self, matrix: Array, **kind: bool) -> npt.NDArray[Any]:
        rows = self._checked(matrix)
        if not len(rows):
            return np.empty(0)
        return np.asarray(self._booster.predict(rows, num_threads=1, **kind))

    def _checked(self, matrix: Array) -> Array:
        if matrix.ndim != 2 or matrix.shape[1] != len(self.features):
            raise ModelError(
                f"{self.manifest.name} {self.manifest.version}: a matrix of shape {matrix.shape}; "
                f"the model takes (rows, {len(self.features)})"
            )
        return np.ascontiguousarray(matrix, dtype=np.float64)


@dataclass(frozen=True)
class _LeafContributions:
    """What each leaf of each tree adds to which columns, in blocks of one width.

    A tree with a leaf of more features than a block holds has several blocks.

    Attributes
    ----------
    first : shape (trees,), where a tree's leaves start in `values`.
    values : shape (leaves of all trees,), what a leaf adds to the raw score.
    tree, shift : shape (blocks,), whose leaves a block is of, and how far from their places in
        `values` they stand in those below.
    columns, amounts : shape (leaves of all blocks, width of a block); unused places add 0. Columns
        are as small integers as will do, since looking them up is mostly waiting for memory.
    """

    first: Index
    values: Array
    tree: Index
    shift: Index
    columns: npt.NDArray[np.unsignedinteger[Any]]
    amounts: Array
    bias: float
    width: int

    def raw(self, leaves: Index) -> Array:
        """Return the raw scores of leaves of shape (rows, trees).

        A sum over the first axis goes tree by tree, in the booster's own order, for all rows at
        once: equal to the last bit, and 12 us faster on 24 rows than running sums along each row.
        """
        raw: Array = np.add.reduce(self.values.take(leaves.T), axis=0)
        return raw

    def add_up(self, leaves: Index) -> Array:
        """Return the sums over the trees, shape (rows, width), of leaves of shape (rows, trees)."""
        sums = np.empty((len(leaves), self.width))
        for start in range(0, len(leaves), _ROWS_AT_ONCE):
            places = leaves[start : start + _ROWS_AT_ONCE].take(self.tree, axis=1)
            places += self.shift
            shape = (len(places), places.shape[1] * _BLOCK)
            columns = self.columns.take(places, axis=0).reshape(shape)
            amounts = self.amounts.take(places, axis=0).reshape(shape)
            # Row by row: to shift the columns of all rows into one sum takes longer than the sums.
            for row, column in enumerate(columns):
                sums[start + row] = np.bincount(column, amounts[row], minlength=self.width)
        sums[:, -1] += self.bias
        return sums


@dataclass(frozen=True)
class _Subtree:
    """A part of a tree: its training rows, its expected raw score, the way to each leaf from it."""

    rows: float
    expected: float
    values: dict[int, float]
    paths: dict[int, dict[int, float]]


def _leaf_contributions(trees: list[dict[str, Any]], features: int) -> _LeafContributions:
    grown = [_grow(tree["tree_structure"]) for tree in trees]
    sizes = [len(tree.paths) for tree in grown]
    first = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)
    values = np.array([tree.values[leaf] for tree in grown for leaf in range(len(tree.paths))])
    tree_of: list[int] = []
    shift: list[int] = []
    blocks: list[list[tuple[int, float]]] = []
    for number, tree in enumerate(grown):
        paths = [[*tree.paths[leaf].items()] for leaf in range(len(tree.paths))]
        for start in range(0, max(1, *map(len, paths)), _BLOCK):
            tree_of.append(number)
            shift.append(len(blocks) - first[number])
            blocks += [path[start : start + _BLOCK] for path in paths]
    # Unused places add 0 to any column. Added to one and the same they wait for each other: 9 us of
    # the 30 that the contributions of three rows took.
    columns = np.arange(len(blocks) * _BLOCK).reshape(-1, _BLOCK) % (features + 1)
    amounts = np.zeros(columns.shape)
    for place, path in enumerate(blocks):
        columns[place, : len(path)] = [feature for feature, _ in path]
        amounts[place, : len(path)] = [amount for _, amount in path]
    return _LeafContributions(
        first=first,
        values=values,
        tree=np.array(tree_of, dtype=np.int64),
        shift=np.array(shift, dtype=np.int64),
        columns=columns.astype(np.min_scalar_type(features)),
        amounts=amounts,
        bias=float(sum(tree.expected for tree in grown)),
        width=features + 1,
    )


def _grow(node: dict[str, Any]) -> _Subtree:
    # The dump rounds `internal_value`; the leaves are exact, so expectations come from them.
    if "leaf_const" in node:
        raise ModelError("a leaf holds a linear model, it has to hold a number")
    if "leaf_value" in node:
        leaf, worth = node.get("leaf_index", 0), node["leaf_value"]
        return _Subtree(node.get("leaf_count", 0), worth, {leaf: worth}, {leaf: {}})
    left, right = _grow(node["left_child"]), _grow(node["right_child"])
    rows = left.rows + right.rows
    share = left.rows / rows if rows else 0.5
    expected = share * left.expected + (1.0 - share) * right.expected
    feature = node["split_feature"]
    for child in (left, right):
        for path in child.paths.values():
            path[feature] = path.get(feature, 0.0) + child.expected - expected
    return _Subtree(rows, expected, left.values | right.values, left.paths | right.paths)


def _refuse_other_kinds(dump: dict[str, Any]) -> None:
    objective = dump.get("objective", "none")
    if objective != "binary sigmoid:1":
        raise ModelError(f"objective is {objective!r}, it has to be 'binary sigmoid:1'")
    if (dump["num_class"], dump["num_tree_per_iteration"]) != (1, 1):
        raise ModelError(f"num_class is {dump['num_class']}, a binary outcome has 1")
    if dump.get("average_output"):
        raise ModelError("the trees are averaged, they have to be added up")
    if not dump["tree_info"]:
        raise ModelError("there is not one tree")
