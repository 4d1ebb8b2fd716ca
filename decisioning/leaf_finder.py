"""Asks LightGBM where rows end in its trees, without the detours of its Python wrapper.

`Booster.predict` spends 48 us beside the 90 us that the C library takes for the 24 rows of a
decision. How the wrapper calls the library is no promise of LightGBM's, so both ways are compared
when a model is loaded, and the wrapper stays where they differ.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import lightgbm as lgb
import numpy as np
import numpy.typing as npt

from features.errors import ModelError

Array = npt.NDArray[np.float64]
LeafFinder = Callable[[Array], Array]
"""Takes at least one row, C-contiguous, of shape (rows, features); returns the number of the leaf
of each tree that each row ends in, shape (rows, trees). Several threads may call it at once."""

_FLOAT64, _ROW_MAJOR, _LEAF_INDEX, _FIRST, _ALL = 1, 1, 2, 0, -1
_PARAMETERS = b"num_threads=1"
_TRIAL_ROWS = 64


def leaf_finder(booster: lgb.Booster) -> LeafFinder:
    """Return the fastest way that answers as `Booster.predict` does."""

    def by_wrapper(rows: Array) -> Array:
        leaves = booster.predict(rows, pred_leaf=True, num_threads=1)
        return np.asarray(leaves, dtype=np.float64).reshape(len(rows), -1)

    rows = _trial_rows(booster.num_feature())
    try:
        by_library = ByLibrary(booster)
        agree = np.array_equal(by_library(rows), by_wrapper(rows))
    except (AttributeError, KeyError, ctypes.ArgumentError, ModelError):
        return by_wrapper
    return by_library if agree else by_wrapper


class ByLibrary:
    """A `LeafFinder` that calls the C library.

    Raises
    ------
    AttributeError, KeyError : this LightGBM keeps its library or its handles elsewhere.
    """

    def __init__(self, booster: lgb.Booster) -> None:
        library = vars(lgb.basic)["_LIB"]
        # A prototype of our own: types set on the library's function would bind the wrapper too.
        self._predict = _prototype()(("LGBM_BoosterPredictForMat", library))
        self._handle = booster._handle
        self._trees = booster.num_trees()
        # What the handle points to lives only as long as the booster.
        self._booster = booster

    def __call__(self, rows: Array) -> Array:
        """Return the leaves; raises ModelError when the library refuses."""
        leaves, written = np.empty((len(rows), self._trees)), ctypes.c_int64()
        failed = self._predict(
            self._handle, rows.ctypes.data, _FLOAT64, *rows.shape, _ROW_MAJOR, _LEAF_INDEX,
            _FIRST, _ALL, _PARAMETERS, ctypes.byref(written), leaves.ctypes.data,
        )  # fmt: skip
        if failed or written.value != leaves.size:
            raise ModelError(f"LightGBM found {written.value} leaves instead of {leaves.size}")
        return leaves


def _prototype() -> Any:
    pointer, number = ctypes.c_void_p, ctypes.c_int
    return ctypes.CFUNCTYPE(
        number, pointer, pointer, number, ctypes.c_int32, ctypes.c_int32, number, number,
        number, number, ctypes.c_char_p, pointer, pointer,
    )  # fmt: skip


def _trial_rows(features: int) -> Array:
    """Return rows of small and large numbers of both signs, of zeros and of missing values."""
    random = np.random.default_rng(0)
    rows = random.normal(size=(_TRIAL_ROWS, features))
    rows *= 10.0 ** random.integers(-3, 6, size=rows.shape)
    rows[random.random(rows.shape) < 0.2] = np.nan
    rows[random.random(rows.shape) < 0.1] = 0.0
    return rows
