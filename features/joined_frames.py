"""Between our arrays and the frames that an offline store takes and gives."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.layout import Layout

Array = npt.NDArray[np.float64]


def aware(moments: npt.NDArray[np.datetime64]) -> pd.DatetimeIndex:
    """Return naive UTC moments as a store takes them."""
    return pd.DatetimeIndex(moments.astype("datetime64[us]")).tz_localize("UTC")


def vectors_of(frame: pd.DataFrame, layout: Layout) -> Array:
    """Return joined profile rows as vectors, shape (rows, layout.size); NaN where none was found.

    Parameters
    ----------
    frame : has every scalar of the layout as a column, and every other feature as a column of
        lists.
    """
    vectors = np.full((len(frame), layout.size), np.nan)
    layout.scalar_block(vectors)[:] = frame[list(layout.scalars)].to_numpy(dtype=np.float64)
    found = frame[layout.scalars[0]].notna().to_numpy()
    for block, names in (
        (layout.category_block(vectors), layout.category_features),
        (layout.action_block(vectors), layout.action_features),
    ):
        for at, name in enumerate(names):
            if found.any() and block.shape[1]:
                block[found, :, at] = np.stack(frame[name].to_numpy()[found].tolist())
    return vectors
