"""What profiles say of purchases, kept for as long as it is certain to be the same.

Most of what happens to a customer is no purchase, and what is computed of purchases costs the most.
It is a function of a customer's transactions before `as_of`, of the starts of the windows and of
which actions are valid; while none of these differ the numbers of the last time are the numbers.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from features.calendar import Calendar
from features.history import WINDOWS
from features.live_events import TRANSACTION, EventRow

MOST_BYTES = 16_000_000
"""How much is kept, in one process; of the demo's customers 1,700."""

Array = npt.NDArray[np.float64]


class _Kept(NamedTuple):
    state: str
    as_of: np.datetime64
    vector: Array


class KeptPurchases:
    """Vectors of customers, good for what comes from purchases; made anew with tables and build.

    Parameters
    ----------
    action_items : of the build: one row per action and item, with the time the action is valid.
    """

    def __init__(
        self, action_items: pa.Table, calendar: Calendar, most_bytes: int = MOST_BYTES
    ) -> None:
        ends = [action_items[name].drop_null().to_numpy() for name in ("valid_from", "valid_to")]
        self._turns = np.unique(np.concatenate(ends).astype("datetime64[us]"))
        self._calendar, self._most_bytes = calendar, most_bytes
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._bytes = 0

    def state(
        self, members: Sequence[str], events: Iterable[EventRow], as_of: np.datetime64
    ) -> str:
        """Return what differs whenever something that numbers depend on may differ.

        Parameters
        ----------
        members : all ids of the customer.
        events : stored events of the customer; those of purchases count.
        """
        bought = sorted(repr(row) for row in events if row.type == TRANSACTION)
        moments = np.array([as_of])
        windows = [str(self._calendar.window_start(moments, days)[0]) for days in WINDOWS]
        turn = int(np.searchsorted(self._turns, as_of, side="right"))
        told = repr((sorted(members), bought, windows, turn))
        return hashlib.sha256(told.encode()).hexdigest()

    def former(self, customer_id: str, state: str, as_of: np.datetime64) -> Array | None:
        """Return the vector of the last time; None where it is not good any more, or not kept."""
        kept = self._kept.get(customer_id)
        if kept is None or kept.state != state or kept.as_of > as_of:
            return None
        self._kept.move_to_end(customer_id)
        return kept.vector

    def keep(
        self,
        customer_id: str,
        state: str,
        as_of: np.datetime64,
        newest: np.datetime64 | None,
        vector: Array,
    ) -> None:
        """Keep a vector, unless a purchase is still to come.

        Parameters
        ----------
        newest : when the last transaction is that is known, be it after `as_of`; None without any.
        """
        former = self._kept.pop(customer_id, None)
        self._bytes -= 0 if former is None else former.vector.nbytes
        if newest is not None and not newest < as_of:
            return
        self._kept[customer_id] = _Kept(state, as_of, vector.copy())
        self._bytes += vector.nbytes
        while self._bytes > self._most_bytes:
            self._bytes -= self._kept.popitem(last=False)[1].vector.nbytes
